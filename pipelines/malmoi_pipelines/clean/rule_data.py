"""The files that the quality rules look into: phrase lists of a person's own, and a fastText model.

Each is read once in a process, unless it is replaced. What the rules make of them: `malmoi_pipelines.text.quality`.
"""

import functools
from typing import Any

from malmoi_pipelines.contracts import extras, files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.text.language_id import language_scores
from malmoi_pipelines.text.measures import RuleData
from malmoi_pipelines.text.phrases import BUILT_IN, packaged_phrases, parse_phrases
from malmoi_pipelines.text.quality import rule_data
from malmoi_pipelines.text.thresholds import Thresholds


def load_rule_data(thresholds: Thresholds) -> RuleData:
    """What the rules of one policy look into.

    Raises:
        UsageError: a list or a model that cannot be read, or a package that is missing.
    """
    language = thresholds.language_id
    if language is None:
        return rule_data(thresholds, _phrases)
    predict = _load_model(language.model, _state_of(language.model)).predict
    return rule_data(thresholds, _phrases, functools.partial(language_scores, predict, language))


def _state_of(path: str) -> str:
    return files.file_state(path) if files.exists(path) else ""


def _phrases(name: str) -> tuple[str, ...]:
    return packaged_phrases(name) if name in BUILT_IN else _read_phrases(name, _state_of(name))


@functools.lru_cache(maxsize=32)
def _read_phrases(path: str, _state: str) -> tuple[str, ...]:
    try:
        with files.open_read(path) as file:
            phrases = parse_phrases(file.read().decode("utf-8-sig"))
    except (BadInputError, OSError, UnicodeDecodeError) as error:
        hint = f"give the path of a UTF-8 file with one phrase a line, or one of {', '.join(BUILT_IN)}"
        raise UsageError(f"Phrase list {path!r} cannot be read: {type(error).__name__}.", hint) from error
    if not phrases:
        raise UsageError(f"Phrase list {path!r} holds no phrase.", "write one phrase a line; `#` begins a comment")
    return phrases


@functools.lru_cache(maxsize=2)
def _load_model(path: str, _state: str) -> Any:
    extras.require("language_id", "fasttext")
    import fasttext  # noqa: PLC0415 - an optional package

    if not (files.is_local(path) and files.exists(path)):
        message = f"language_id.model: no such file on this machine: {path!r}."
        raise UsageError(message, "give the path of a fastText model, for example lid.176.bin")
    try:
        return fasttext.load_model(path)
    except (ValueError, MemoryError, RuntimeError) as error:
        message = f"language_id.model: {path!r} is no fastText model."
        raise UsageError(message, "give the path of a fastText model, for example lid.176.bin") from error
