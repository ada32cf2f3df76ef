"""Morpheme agreement: whether tokens end where morphemes do, by the analyser Kiwi (package kiwipiepy, optional).

Words are analysed one by one, without their sentence. Where two morphemes share a syllable (`했` is `하` and `었`)
there is no place between them to cut at, and none is asked for. A token that ends inside of a letter cuts at no
morpheme.
"""

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash
from malmoi_pipelines.contracts import extras
from malmoi_pipelines.contracts.arrays import F64, I64, Bool, offsets

from malmoi_tokenizer_lab.evaluate.figures import most_frequent
from malmoi_tokenizer_lab.evaluate.subject import Subject
from malmoi_tokenizer_lab.evaluate.unit_table import UnitTable

NUM_FREQUENT, NUM_OTHERS = 2_000, 2_000
_BATCH = 1 << 16

Cuts = frozenset[int]
"""Places inside of a word, in UTF-8 bytes from its start."""


@dataclass(frozen=True)
class Sample:
    """Eojeol with the places where Kiwi cuts them."""

    name: str
    text: pa.LargeStringArray
    """Each with its space."""
    counts: F64
    cuts: list[Cuts]


@dataclass(frozen=True)
class Agreement:
    """Ends of tokens inside of words against ends of morphemes, each word weighted by its count."""

    eojeol: int
    precision: float | None
    """Of the places where the tokenizer cuts, those where Kiwi does, too."""
    recall: float | None
    """Of the places where Kiwi cuts, those where the tokenizer does, too."""
    f1: float | None


def has_kiwi() -> bool:
    """Whether the analyser is installed."""
    return extras.is_installed("kiwipiepy")


def samples(table: UnitTable, plain: Bool) -> list[Sample]:
    """The most frequent plain eojeol, and as many of the others, chosen by a hash of their text: at every run the same.

    Args:
        table: a word table.
        plain: which of its units are plain eojeol.
    """
    counts = table.counts
    occur = plain & (counts > 0)
    rows = np.flatnonzero(occur)
    frequent = most_frequent(rows, counts[rows], occur, NUM_FREQUENT)
    rest = np.setdiff1d(rows, frequent)
    others = rest[np.argsort(_hashes(table.text, rest), kind="stable")[:NUM_OTHERS]]
    chosen = {"frequent": np.sort(frequent), "any other": np.sort(others)}
    return [
        Sample(name, text := table.text.take(pa.array(found)), counts[found], _analysed(text.to_pylist()))
        for name, found in chosen.items()
        if len(found)
    ]


def _hashes(text: pa.LargeStringArray, rows: I64) -> Any:
    parts = []
    for first in range(0, len(rows), _BATCH):
        units = text.take(pa.array(rows[first : first + _BATCH])).cast(pa.large_binary()).to_pylist()
        parts.append(np.fromiter(map(xxhash.xxh3_64_intdigest, units), np.uint64, len(units)))
    return np.concatenate([np.zeros(0, np.uint64), *parts])


@functools.cache
def _kiwi() -> Any:
    from kiwipiepy import Kiwi  # noqa: PLC0415  # optional, and a second to load

    return Kiwi(num_workers=1)


def _analysed(units: Sequence[str]) -> list[Cuts]:
    """The cuts of eojeol."""
    words = [unit.lstrip(" ") for unit in units]
    return [
        morpheme_cuts(word, [(morpheme.start, morpheme.end) for morpheme in found])
        for word, found in zip(words, _kiwi().tokenize(words), strict=True)
    ]


def morpheme_cuts(word: str, spans: Iterable[tuple[int, int]]) -> Cuts:
    """Where a word's morphemes part, in UTF-8 bytes.

    Args:
        word: the word.
        spans: start and end of each morpheme, in characters; they may overlap.

    >>> sorted(morpheme_cuts("했을", [(0, 1), (0, 1), (1, 2)]))
    [3]
    >>> sorted(morpheme_cuts("도와줘", [(0, 3), (2, 3)]))
    []
    """
    spans = list(spans)
    places = {place for span in spans for place in span if 0 < place < len(word)}
    clean = {place for place in places if not any(start < place < end for start, end in spans)}
    return frozenset(len(word[:place].encode()) for place in clean)


def agreement(subject: Subject, parts: Sequence[Sample]) -> Agreement:
    """How far one tokenizer agrees with Kiwi on one or more samples."""
    cut = wanted = both = 0.0
    for sample in parts:
        for count, kiwi, own in zip(
            sample.counts.tolist(), sample.cuts, _token_cuts(subject, sample.text), strict=True
        ):
            cut += count * len(own)
            wanted += count * len(kiwi)
            both += count * len(own & kiwi)
    return Agreement(
        eojeol=sum(len(sample.text) for sample in parts),
        precision=both / cut if cut else None,
        recall=both / wanted if wanted else None,
        f1=2 * both / (cut + wanted) if cut + wanted else None,
    )


def _token_cuts(subject: Subject, text: pa.LargeStringArray) -> list[Cuts]:
    """Where the tokens of eojeol end, the space before each and the word's own end left out."""
    tokens = subject.encode_units(text)
    ids = tokens.ids.tolist()
    sizes = list(map(len, subject.spellings(ids)))
    bounds = offsets(tokens.lengths.astype(np.int64)).tolist()
    # Byte 0 is the space: a cut between it and the word is none inside of the word.
    return [
        frozenset(end - 1 for end in list(itertools.accumulate(sizes[first:last]))[:-1] if end > 1)
        for first, last in itertools.pairwise(bounds)
    ]
