"""Shingles of a normalised document as 64-bit hashes: every run of k consecutive eojeol, or of k syllables.

Hashes come from prefix sums (`malmoi_pipelines.text.rolling_hash`): the cost does not depend on k, and no string is
ever made. `docs/signatures.md` defines them bit by bit.
"""

from dataclasses import dataclass

import numpy as np

from malmoi_pipelines.contracts.arrays import I64, U32, U64, offsets, ranges
from malmoi_pipelines.dedupe.normalise import SPACE, Block
from malmoi_pipelines.text.rolling_hash import hash_stretches


def shingles(block: Block, unit: str, size: int, max_chars: int | None = None) -> tuple[U64, I64]:
    """The shingle hashes of a block's documents, repeats included, in text order.

    Args:
        block: normalised documents.
        unit: "eojeol", or "syllables": characters, with the spaces between them left out.
        size: units in a shingle. A document with fewer is one shingle; one without any has none.
        max_chars: leave out units that end beyond this many characters of their document.

    Returns:
        hashes: uint64[s], the documents' shingles one after the other.
        bounds: int64[n + 1], where each document's shingles start.
    """
    units = _eojeol(block, max_chars) if unit == "eojeol" else _syllables(block, max_chars)
    counts = np.where(units.used > 0, np.maximum(units.used - (size - 1), 1), 0)
    start = ranges(units.first, counts)
    stop = np.minimum(start + size, np.repeat(units.first + units.used, counts))
    return hash_stretches(units.codes, units.starts[start], units.ends[stop - 1]), offsets(counts)


def distinct_counts(hashes: U64, bounds: I64) -> I64:
    """Distinct shingles of each document, told apart by the upper 44 bits of their hashes.

    >>> distinct_counts(np.array([5, 9, 5, 5], np.uint64) << np.uint64(20), np.array([0, 3, 3, 4])).tolist()
    [2, 0, 1]
    """
    counts = np.diff(bounds)
    owner = np.repeat(np.arange(len(counts), dtype=np.uint64), counts)
    keys = np.sort(owner << np.uint64(44) | hashes >> np.uint64(20))  # one sort for all: few enough documents a block
    first = np.ones(len(keys), np.bool_)
    first[1:] = keys[1:] != keys[:-1]
    return np.diff(np.searchsorted(np.flatnonzero(first), bounds))


def unit_counts(block: Block, unit: str) -> I64:
    """Eojeol or syllables of each document."""
    return block.word_counts if unit == "eojeol" else _syllables(block, None).used


@dataclass(frozen=True)
class _Units:
    """What shingles are made of: stretches of `codes`, and which of them belong to each document."""

    codes: U32
    starts: I64
    ends: I64
    first: I64
    """Number of each document's first unit."""
    used: I64
    """Units of each document."""


def _eojeol(block: Block, max_chars: int | None) -> _Units:
    first = block.words[:-1]
    if max_chars is None:
        used = block.word_counts
    else:
        limit = np.minimum(block.documents[:-1] + max_chars, block.documents[1:])
        used = np.searchsorted(block.word_ends, limit, "right") - first
    return _Units(block.codes, block.word_starts, block.word_ends, first, used)


def _syllables(block: Block, max_chars: int | None) -> _Units:
    visible = block.codes != SPACE
    before = offsets(visible)
    codes = block.codes[visible]
    first = before[block.documents[:-1]]
    stop = (
        block.documents[1:] if max_chars is None else np.minimum(block.documents[:-1] + max_chars, block.documents[1:])
    )
    places = np.arange(len(codes) + 1)
    return _Units(codes, places[:-1], places[1:], first, before[stop] - first)
