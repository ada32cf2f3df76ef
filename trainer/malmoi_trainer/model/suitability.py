"""Whether a model can be trained, from its config.json alone: no weights are fetched, and no torch is loaded."""

import os
from collections.abc import Iterator
from typing import Any

import huggingface_hub
import orjson
from malmoi_pipelines.contracts.errors import UsageError

from malmoi_trainer.config import TrainConfig

CONFIG = "config.json"
FAMILY = "llama"  # whose layout and attention are what is tested here


def model_settings(model: str) -> dict[str, Any]:
    """The config.json of a folder or of a model of the hub.

    Raises:
        UsageError: there is none, or it is not JSON.
    """
    path = os.path.join(model, CONFIG)
    try:
        if not os.path.isfile(path):
            path = str(huggingface_hub.hf_hub_download(model, CONFIG))
        with open(path, "rb") as file:
            return dict(orjson.loads(file.read()))
    except (OSError, ValueError) as error:  # the hub's errors derive from these
        raise UsageError(
            f"model = {model!r} is neither a folder with a config.json nor a model of the hub that could be fetched "
            f"({type(error).__name__}).",
            hint="give the folder of a Hugging Face model, or check the name and the connection",
        ) from None


def unsuitable(
    config: TrainConfig, sequence_length: int, base_size: int | None, budget: int | None
) -> Iterator[UsageError]:
    """What keeps the model of a configuration from being trained.

    Args:
        config: names the model, or the shape of one to make.
        sequence_length: tokens of an example.
        base_size: tokens of the base tokenizer; None: unknown.
        budget: most rows that are added to it; None: any number.

    Yields:
        An error for each: its family, its context, its tables.
    """
    if config.model is None:
        yield from _too_short(config.create.context_length, sequence_length, "create.context_length")
        return
    try:
        settings = model_settings(config.model)
    except UsageError as error:
        yield error
        return
    if (family := settings.get("model_type")) != FAMILY:
        yield not_llama(config.model, family)
    yield from _too_short(settings.get("max_position_embeddings"), sequence_length, f"the context of {config.model}")
    if settings.get("tie_word_embeddings"):
        yield UsageError(
            f"{config.model} ties its input and output embeddings: they cannot be trained apart.",
            hint="choose a model with tie_word_embeddings: false",
        )
    rows = settings.get("vocab_size")
    if base_size is None or not isinstance(rows, int):
        return
    if rows < base_size or (budget is not None and rows > base_size + budget):
        yield UsageError(
            f"{config.model} has {rows:,} embedding rows, the base tokenizer {base_size:,} tokens.",
            hint="give expand the tokenizer of the model: --set expand.base=FOLDER",
        )


def not_llama(folder: str, family: str | None) -> UsageError:
    """The error for a model of another family."""
    return UsageError(f"{folder} must be a model of the Llama family (model_type 'llama'). Got {family!r}.")


def _too_short(limit: Any, sequence_length: int, what: str) -> Iterator[UsageError]:
    if isinstance(limit, int) and limit < sequence_length:
        yield UsageError(
            f"shard.sequence_length = {sequence_length} is longer than {what} of {limit} tokens.",
            hint=f"set shard.sequence_length to {limit} or less",
        )
