"""One training run: grow the model by the new tokens, train it, write what came of it.

This half of the stage imports torch, transformers and matplotlib.
"""

from functools import partial
from typing import Any

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.progress import Progress
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.stage import StageOutput

from malmoi_trainer.config import TrainConfig
from malmoi_trainer.data.batches import batch_at
from malmoi_trainer.data.examples import ExampleStore
from malmoi_trainer.data.inputs import Inputs, fetch
from malmoi_trainer.model.freezing import check_frozen, freeze, frozen_digests
from malmoi_trainer.model.models import create_model, load_model, without_library_bars
from malmoi_trainer.model.surgery import NewRows, grow, merge
from malmoi_trainer.model.tokenizer import ExtendedTokenizer, load_tokenizer
from malmoi_trainer.training.checkpoint import save_checkpoint
from malmoi_trainer.training.curve import curve_rows, first_and_last, to_jsonl, to_png
from malmoi_trainer.training.device import reproducible, resolve
from malmoi_trainer.training.loop import Step, train_steps

CHECKPOINT = "checkpoint"
MODEL = "starts from"  # the fact that tells a toy
NAMED, RANDOM = "the weights of the model named", "random weights: no model named"
TIED = "output rows in them"  # the fact that says new rows were made here


def run_training(read: Inputs, out: str, config: TrainConfig, progress: Progress, work: str) -> StageOutput:
    """Train, and write checkpoint and loss curve.

    Args:
        read: the inputs, opened.
        out: the dataset folder to write.
        config: as given; `auto` is resolved here, on the machine that trains.
        progress: told after each step.
        work: a scratch folder on the disk of `out`.

    Raises:
        UsageError: the device is missing, or the model does not fit.
        BadInputError: the shards hold no examples.
        CheckError: a hash or a frozen tensor is not what it must be.
    """
    config = resolve(config)
    out, work = files.filesystem(out)[1], files.filesystem(work)[1]
    tokenizer_folder = fetch(read.tokenizer, read.tokenizer_manifest, files.join(work, "tokenizer"))
    shards_folder = fetch(read.shards, read.shards_manifest, files.join(work, "shards"))
    tokenizer = load_tokenizer(tokenizer_folder)
    store = ExampleStore(shards_folder, read.shards_manifest, tokenizer.vocab_size)
    with reproducible(config), without_library_bars():
        model = load_model(read.model_folder) if read.model_folder else create_model(config.create, tokenizer)
        _check_length(model, store)
        stored_dtype = model.dtype
        if (warning := config.no_model(tokenizer.vocab_size)) is not None:
            progress.warn(f"train: {warning}")
        facts = {MODEL: NAMED if warning is None else RANDOM} | _prepare(model, tokenizer, config)
        digests = frozen_digests(model)
        model.to(config.device)
        steps = train_steps(
            model, partial(batch_at, store, batch_size=config.batch_size, seed=config.seed), config, progress
        )
        check_frozen(digests, model)
        facts = _training_facts(steps, len(digests), len(store)) | facts
        facts |= {"device": config.device, "dtype": config.dtype}
        merge(model, stored_dtype)
        names = save_checkpoint(model, tokenizer_folder, files.join(work, CHECKPOINT), files.join(out, CHECKPOINT))
    rows = curve_rows(steps, config.log_every)
    files.write_bytes(files.join(out, "losses.jsonl"), to_jsonl(rows))
    files.write_bytes(files.join(out, "loss.png"), to_png(rows))
    infos = [
        FileInfo.of_file(out, name)
        for name in (*(f"{CHECKPOINT}/{name}" for name in names), "losses.jsonl", "loss.png")
    ]
    tables = {"Loss": rows[:: -(-len(rows) // 20)]}
    if TIED in facts:
        tables["Largest tie groups"] = _tie_rows(tokenizer)
    return StageOutput(infos, Report("train", None, facts, tables), tokenizer=read.shards_manifest.tokenizer)


def _check_length(model: Any, store: ExampleStore) -> None:
    if store.sequence_length > (limit := model.config.max_position_embeddings):
        raise UsageError(
            f"the examples must be no longer than the model's context of {limit} tokens. Got {store.sequence_length}.",
            hint="shard with a shorter sequence_length, or choose a longer create.context_length",
        )


def _prepare(model: Any, tokenizer: ExtendedTokenizer, config: TrainConfig) -> dict[str, Any]:
    """Grow and freeze a model in place; returns facts on it."""
    if config.dtype == "float32":
        model.float()
    grown = grow(model, tokenizer.rows, tokenizer.base_size)
    freeze(model, config.parts)
    if config.gradient_checkpointing:
        # The reentrant kind loses the gradient where a block's input needs none (transformers #21381).
        model.gradient_checkpointing_enable({"use_reentrant": False})
    facts = {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "trainable parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "vocabulary of the base": tokenizer.base_size,
        "new tokens": len(tokenizer.rows.base_ids),
    }
    return facts | (_tie_facts(tokenizer.rows) if grown else {})


def _tie_facts(rows: NewRows) -> dict[str, Any]:
    groups = rows.tie_groups()
    return {"tie groups of initial output rows": len(groups), TIED: sum(groups.values())}


def _tie_rows(tokenizer: ExtendedTokenizer, number: int = 10) -> list[dict[str, Any]]:
    groups = list(tokenizer.rows.tie_groups().items())[:number]
    return [{"first base piece": repr(tokenizer.pieces[piece]), "new tokens": rows} for piece, rows in groups]


def _training_facts(steps: list[Step], frozen: int, examples: int) -> dict[str, Any]:
    first, last = first_and_last(steps)
    return {
        "loss, first tenth of steps": first,
        "loss, last tenth of steps": last,
        "steps": len(steps),
        "tokens seen": sum(step.tokens for step in steps),
        "new tokens seen": sum(step.new_tokens for step in steps),
        "frozen tensors, all bit for bit as before": frozen,
        "examples in the shards": examples,
    }
