"""The freeze and its proof: parts outside the trained set get no gradient, and their bytes are compared afterwards."""

from collections.abc import Iterator
from typing import Any

import torch
import xxhash
from malmoi_pipelines.contracts.errors import DefectError
from torch import Tensor

from malmoi_trainer.model.trainable import PARTS


def named_parts(model: Any) -> Iterator[tuple[str, str, Tensor]]:
    """(name, part, parameter) of every parameter of a grown model."""
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    rows = {id(embedding.old): "in_old", id(embedding.new): "in_new", id(head.old): "out_old", id(head.new): "out_new"}
    for name, parameter in model.named_parameters():
        yield name, rows.get(id(parameter), "layers"), parameter


def freeze(model: Any, trained: frozenset[str]) -> None:
    """Train exactly these parts.

    Trained parameters become float32, whatever the model was stored in: in bfloat16 an update below 1/256 of a weight
    rounds away, and small learning rates train nothing (pytorch #120376). Frozen ones keep their type.
    """
    assert trained <= set(PARTS)
    for _, part, parameter in named_parts(model):
        parameter.requires_grad_(part in trained)
        if part in trained:
            parameter.data = parameter.data.float()


def frozen_digests(model: Any) -> dict[str, str]:
    """xxh3-128 of the bytes of every frozen parameter, by name."""
    return {name: _digest(parameter) for name, _, parameter in named_parts(model) if not parameter.requires_grad}


def _digest(tensor: Tensor) -> str:
    data = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy()
    return xxhash.xxh3_128_hexdigest(data)


def check_frozen(before: dict[str, str], model: Any) -> None:
    """Prove that no frozen parameter moved.

    Raises:
        DefectError: naming those that did.
    """
    after = frozen_digests(model)
    if moved := sorted(name for name in {*before, *after} if before.get(name) != after.get(name)):
        raise DefectError(f"{len(moved)} frozen tensor(s) changed during training, first {moved[0]!r}.")
