"""Language identification with a fastText model that the user names: lid.176, GlotLID or any other; it comes loaded."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from malmoi_pipelines.contracts.arrays import F64
from malmoi_pipelines.contracts.config import Config
from malmoi_pipelines.contracts.errors import UsageError

_LABEL = "__label__"
_PROBE_TEXTS, _PROBE_CHARS = 20, 200  # enough for a known word in them

Predict = Callable[..., Any]
"""`predict` of a fastText model: (text, number of labels, least probability) → labels and their probabilities."""


class LanguageId(Config):
    """Which languages are wanted, and the model that tells."""

    model: str = Field(examples=["lid.176.ftz"])
    """Path of a fastText classifier (`.bin` or `.ftz`) on this machine."""
    languages: tuple[str, ...] = Field(examples=[["ko"]])
    """Labels as the model writes them, without `__label__`: `ko` in lid.176, `kor_Hang` in GlotLID."""
    min_score: float = Field(0.5, ge=0, le=1)
    """Least probability (0..1) of a text's likeliest label, which must be a wanted one. FineWeb-2 keeps Korean from
    0.842 on, with GlotLID."""


def any_language(texts: Sequence[str]) -> F64:
    """The scores where no language is asked for: every text has it."""
    return np.ones(len(texts))


def language_scores(predict: Predict, options: LanguageId, texts: Sequence[str]) -> F64:
    """Probability of each text's likeliest label; 0 if that is not a wanted one or the text has no known word.

    Raises:
        UsageError: the model has none of the wanted labels.
    """
    wanted = frozenset(_LABEL + language for language in options.languages)
    _check_labels(predict, texts, wanted, options)
    return np.fromiter((_score(predict(_one_line(text), 1), wanted) for text in texts), np.float64, len(texts))


def _check_labels(predict: Predict, texts: Sequence[str], wanted: frozenset[str], options: LanguageId) -> None:
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
