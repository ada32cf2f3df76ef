"""Language identification with a fastText model that the user names: lid.176, GlotLID or any other."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import Field

from malmoi_pipelines.contracts import extras, files
from malmoi_pipelines.contracts.arrays import F64
from malmoi_pipelines.contracts.config import Config
from malmoi_pipelines.contracts.errors import UsageError

_LABEL = "__label__"
_PROBE_TEXTS, _PROBE_CHARS = 20, 200  # enough for a known word in them


class LanguageId(Config):
    """Which languages are wanted, and the model that tells."""

    model: str = Field(examples=["lid.176.ftz"])
    """Path of a fastText classifier (`.bin` or `.ftz`) on this machine."""
    languages: tuple[str, ...] = Field(examples=[["ko"]])
    """Labels as the model writes them, without `__label__`: `ko` in lid.176, `kor_Hang` in GlotLID."""
    min_score: float = Field(0.5, ge=0, le=1)
    """Least probability (0..1) of a text's likeliest label, which must be a wanted one. FineWeb-2 keeps Korean from
    0.842 on, with GlotLID."""


def language_scores(texts: Sequence[str], options: LanguageId) -> F64:
    """Probability of each text's likeliest label; 0 if that is not a wanted one or the text has no known word.

    Raises:
        UsageError: if the package or the model is missing, or the model has none of the wanted labels.
    """
    predict = _load(options.model, files.file_state(options.model) if files.exists(options.model) else "").predict
    wanted = frozenset(_LABEL + language for language in options.languages)
    _check_labels(predict, texts, wanted, options)
    return np.fromiter((_score(predict(_one_line(text), 1), wanted) for text in texts), np.float64, len(texts))


def _check_labels(predict: Any, texts: Sequence[str], wanted: frozenset[str], options: LanguageId) -> None:
    """Refuse labels that the model does not have: every text would be dropped."""
    # All labels, however unlikely: a threshold of 0 leaves out those below 1e-5 under hierarchical softmax.
    labels, _ = predict(_one_line(" ".join(text[:_PROBE_CHARS] for text in texts[:_PROBE_TEXTS])), -1, -1.0)
    if labels and wanted.isdisjoint(labels):
        names = sorted(label.removeprefix(_LABEL) for label in labels)[:5]
        message = f"language_id.languages: the model has none of {list(options.languages)}."
        raise UsageError(message, f"name languages as the model does, for example {', '.join(names)}")


def _one_line(text: str) -> str:
    return text.replace("\n", " ").encode("utf-8", "replace").decode()  # fastText reads up to a line end


def _score(prediction: tuple[Sequence[str], Sequence[float]], wanted: frozenset[str]) -> float:
    labels, scores = prediction
    return min(float(scores[0]), 1.0) if len(labels) and labels[0] in wanted else 0.0


@functools.lru_cache(maxsize=2)
def _load(path: str, _state: str) -> Any:
    """A model, loaded once in a process unless its file is replaced."""
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
