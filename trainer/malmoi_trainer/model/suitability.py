"""Whether a model can be trained, from its config.json alone: no weights are fetched, and no torch is loaded."""

from collections.abc import Iterator
from typing import Any

from malmoi_pipelines.contracts.errors import MalmoiError, UsageError
from malmoi_pipelines.contracts.json_files import read_object

from malmoi_trainer.config import TrainConfig
from malmoi_trainer.model.model_folder import find_model_config

FAMILY = "llama"  # whose layout and attention are what is tested here


def unsuitable(
    config: TrainConfig, sequence_length: int, base_size: int | None, budget: int | None
) -> Iterator[MalmoiError]:
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
        settings = read_object(find_model_config(config.model))
    except MalmoiError as error:
        yield error.at("model", config.model)
        return
    named = f"model = {config.model!r}"
    if (family := settings.get("model_type")) != FAMILY:
        yield not_llama(config.model, family).at("model", config.model)
    yield from _too_short(settings.get("max_position_embeddings"), sequence_length, f"the context of {named}")
    if settings.get("tie_word_embeddings"):
        yield UsageError(
            f"{named} ties its input and output embeddings: they cannot be trained apart.",
            hint="choose a model with tie_word_embeddings: false",
        )
    rows = settings.get("vocab_size")
    if base_size is None or not isinstance(rows, int):
        return
    if rows < base_size or (budget is not None and rows > base_size + budget):
        yield UsageError(
            f"{named} has {rows:,} embedding rows, the base tokenizer {base_size:,} tokens.",
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
