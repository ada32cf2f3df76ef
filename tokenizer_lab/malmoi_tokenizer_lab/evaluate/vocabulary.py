"""The new tokens of a tokenizer: which of them occur, how often, how long they are."""

from dataclasses import dataclass

import numpy as np
from malmoi_pipelines.contracts.arrays import F64, I64

from malmoi_tokenizer_lab.evaluate.pieces import is_korean
from malmoi_tokenizer_lab.evaluate.subject import Subject


@dataclass(frozen=True)
class NewTokens:
    """The new Korean tokens of one tokenizer: masks, reserved and padding rows are left out."""

    ids: I64
    characters: I64
    """Letters of each; 0 for the first bytes of a letter, which byte-level tokenizers may have."""
    spaced: F64
    """1 where it starts with a space, else 0."""


@dataclass(frozen=True)
class Use:
    """How a text uses the new tokens. The counts are order statistics: really a token's, never in between two."""

    new_tokens: int
    seen: float
    """Share of them that occur at all."""
    share_of_tokens: float | None
    """Their occurrences among all tokens of the text."""
    least: int
    percentile_1: int
    percentile_5: int
    percentile_25: int
    median: int
    percentile_75: int
    percentile_95: int
    most: int
    below_cutoff: int | None
    """Tokens with fewer occurrences than the cutoff; None where no cutoff applies."""


@dataclass(frozen=True)
class Length:
    """New tokens of one length."""

    characters: int
    new_tokens: int
    start_with_space: int


def new_tokens(subject: Subject) -> NewTokens:
    """The new Korean tokens of a tokenizer, by id."""
    ids = list(range(subject.first_new, subject.vocab_size))
    korean = [(index, data) for index, data in zip(ids, subject.spellings(ids), strict=True) if is_korean(data)]
    texts = [data.decode(errors="ignore") for _, data in korean]
    return NewTokens(
        ids=np.array([index for index, _ in korean], np.int64),
        characters=np.array([len(text.lstrip(" ")) for text in texts], np.int64),
        spaced=np.array([text.startswith(" ") for text in texts], np.float64),
    )


def use(new: NewTokens, counts_by_token: F64, cutoff: int | None) -> Use:
    """How often the new tokens occur.

    Args:
        new: at least one new token.
        counts_by_token: occurrences of every token of the tokenizer.
        cutoff: least occurrences of a token; None if that is said of another text.
    """
    counts = np.sort(counts_by_token[new.ids])

    def at(percent: int) -> int:
        return round(float(counts[-(-percent * len(counts) // 100) - 1]))  # nearest rank

    total = float(counts_by_token.sum())
    return Use(
        new_tokens=len(counts),
        seen=float((counts > 0).mean()),
        share_of_tokens=float(counts.sum()) / total if total else None,
        least=round(float(counts[0])),
        percentile_1=at(1),
        percentile_5=at(5),
        percentile_25=at(25),
        median=at(50),
        percentile_75=at(75),
        percentile_95=at(95),
        most=round(float(counts[-1])),
        below_cutoff=None if cutoff is None else int((counts < cutoff).sum()),
    )


def lengths(new: NewTokens) -> list[Length]:
    """How many new tokens have each length, by length."""
    sizes = np.bincount(new.characters)
    spaced = np.bincount(new.characters, new.spaced)
    return [Length(size, int(sizes[size]), int(spaced[size])) for size in np.flatnonzero(sizes).tolist()]
