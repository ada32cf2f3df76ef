"""The training loop: read a batch, compute the loss, step.

Shape suffixes: B batch, T tokens, V vocabulary, D hidden size, P = B * T positions.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.progress import SILENT, Progress
from torch import Tensor
from torch.nn import LinearCrossEntropyOptions, functional

from malmoi_trainer.config import TrainConfig
from malmoi_trainer.data.batches import NO_LABEL, Batch
from malmoi_trainer.model.freezing import named_parts

ADAM_BETAS = (0.9, 0.95)  # as in Llama 2's pre-training (arXiv 2307.09288)
FINAL_LEARNING_RATE = 0.1  # of the peak, at the end of the cosine
LOSS_CHUNK = 1024
"""Positions whose logits exist at once (150 MB at 36,000 tokens). Torch's own choice there is 8, 1.7 times as slow."""


@dataclass(frozen=True)
class Step:
    """What one optimizer step did."""

    step: int
    """Counted from 1."""
    loss: float
    """Nats per predicted token, mean over the batch, before the step."""
    learning_rate: float
    tokens: int
    """Tokens of the batch."""
    new_tokens: int
    grad_norm: float
    """L2 norm of the gradient before clipping."""


def train_steps(
    model: Any, batches: Callable[[int], Batch], config: TrainConfig, progress: Progress = SILENT
) -> list[Step]:
    """Train a grown and frozen model in place.

    Args:
        model: a model after `grow` and `freeze`, on `config.device`.
        batches: the batch of a step, counted from 0.
        config: a resolved configuration.
        progress: told after each step.

    Raises:
        CheckError: the loss or the gradient of a step is not finite; the parameters are those before that step.
    """
    model.train()
    optimizer = make_optimizer(model, config.weight_decay)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    steps: list[Step] = []
    tokens = 0
    progress("train: steps", 0, config.steps)
    for index in range(config.steps):
        batch = batches(index).to(config.device)
        learning_rate = learning_rate_at(index, config)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        with torch.autocast(config.device, torch.bfloat16, enabled=config.dtype == "bfloat16"):
            loss = batch_loss(model, batch)
        loss.backward()
        grad_norm = torch.nn.utils.clip_grad_norm_(trained, config.grad_clip)
        step = Step(index + 1, loss.item(), learning_rate, batch.ids_bt.numel(), batch.new_tokens, grad_norm.item())
        _check_finite(step)  # before the step: one that is not finite would put its nan into every trained parameter
        optimizer.step()
        optimizer.zero_grad()
        steps.append(step)
        tokens += step.tokens
        progress("train: steps", step.step, config.steps, tokens=tokens)
    return steps


def make_optimizer(model: Any, weight_decay: float) -> torch.optim.AdamW:
    """AdamW over the trained parameters. Decay is for the matrices of the layers, never for rows of the tables.

    A row that is rarely seen has little gradient to hold against a decay that acts at every step.
    """
    trained = [(part, p) for _, part, p in named_parts(model) if p.requires_grad]
    decayed = [p for part, p in trained if part == "layers" and p.ndim > 1]
    others = [p for part, p in trained if part != "layers" or p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], betas=ADAM_BETAS)


def learning_rate_at(index: int, config: TrainConfig) -> float:
    """The learning rate of a step counted from 0: linear warm-up, then constant or a cosine to a tenth."""
    if index < config.warmup_steps:
        return config.learning_rate * (index + 1) / config.warmup_steps
    if config.schedule == "constant":
        return config.learning_rate
    done = (index - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    cosine = (1 + math.cos(math.pi * done)) / 2
    return config.learning_rate * (FINAL_LEARNING_RATE + (1 - FINAL_LEARNING_RATE) * cosine)


def batch_loss(model: Any, batch: Batch) -> Tensor:
    """Cross entropy in nats, mean over the predicted tokens of a batch; scalar, float32.

    Where neither input rows nor layers are trained, autograd records nothing of the trunk, and the backward pass is the
    head's alone.
    """
    hidden_btd = model.base_model(
        input_ids=batch.ids_bt,
        attention_mask=batch.attention_mask(),
        position_ids=batch.positions_bt,
        use_cache=False,
    ).last_hidden_state
    labels_p = batch.labels_bt.flatten()
    # The fused loss never holds all logits (16 k tokens: 2.7 GB in float32), but sums them in the type of its input:
    # in bfloat16 a loss of 10.5 comes out as 8. So head and loss are float32 always.
    with torch.autocast(hidden_btd.device.type, enabled=False):
        total = functional.linear_cross_entropy(
            hidden_btd.flatten(0, 1).float(),
            model.get_output_embeddings().weight.float(),
            labels_p,
            reduction="sum",
            ignore_index=NO_LABEL,
            options=LinearCrossEntropyOptions(batch_chunk_size=LOSS_CHUNK),
        )
    return total / (labels_p != NO_LABEL).sum().clamp(min=1)


def _check_finite(step: Step) -> None:
    if not (math.isfinite(step.loss) and math.isfinite(step.grad_norm)):
        raise CheckError(
            f"step {step.step}: loss and gradient must be finite. Got a loss of {step.loss} and a gradient of norm "
            f"{step.grad_norm}, at a learning rate of {step.learning_rate:.3g}. The step was not taken.",
            hint="use a lower learning_rate or more warmup_steps",
        )
