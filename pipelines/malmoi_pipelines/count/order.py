"""Distinct units as numbers: their order by bytes, and hashes that choose their partitions."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import I64, U64, Bool, text_buffers
from malmoi_pipelines.contracts.hashing import GOLDEN, mix64

_WORD = 8  # bytes compared at once
_ROUNDS = 6  # after so many words the few units that still agree are compared as Python's bytes
_HASHED_BYTES = 256  # of a unit: of some 2.6 million units of real text none is taken for another
_HIGH_BYTES = ~np.array([(1 << 8 * (_WORD - n)) - 1 for n in range(_WORD + 1)], np.uint64)  # [n]: the first n bytes
_MANY = 0xFFFF


def by_count(units: pa.LargeStringArray, counts: I64) -> I64:
    """The rows by falling count, then UTF-8 bytes: a total order of distinct units.

    >>> units = pa.array([" 말", " 글", " 나라"], pa.large_string())
    >>> by_count(units, np.array([1, 1, 2])).tolist()
    [2, 1, 0]
    """
    order = by_bytes(units)
    ordered = counts[order]
    # Counts in 16 bits are sorted by radix, without comparisons; the few greater ones come first and are sorted alone.
    order = order[np.argsort((_MANY - np.minimum(ordered, _MANY)).astype(np.uint16), kind="stable")]
    many = int(np.count_nonzero(ordered >= _MANY))
    order[:many] = order[:many][np.argsort(-counts[order[:many]], kind="stable")]
    return order


def by_bytes(units: pa.LargeStringArray) -> I64:
    """The rows by UTF-8 bytes; the units must be distinct.

    Sorting 64-bit numbers is some ten times as fast as sorting strings. So rows are sorted by their first eight bytes
    as a number, then those that agree there by the next eight, and so on.
    """
    words = _Words(units)
    keys = words.at(np.arange(len(units)), 0)
    order = np.argsort(keys)
    first = _first_of_run(keys[order])  # of each place in the order, the place where its run of equal keys starts
    for depth in range(_WORD, _WORD * _ROUNDS, _WORD):
        tied = np.flatnonzero(_tied(first))
        if not len(tied):
            return order
        rows = order[tied]
        keys = (first[tied].astype(np.uint64) << np.uint64(32)) | _ranks(words.at(rows, depth))
        again = np.argsort(keys)
        order[tied] = rows[again]
        first[tied] = tied[_first_of_run(keys[again])]
    tied = np.flatnonzero(_tied(first))
    rows = order[tied].tolist()
    texts = dict(zip(rows, units.take(pa.array(rows, pa.int64())).cast(pa.large_binary()).to_pylist(), strict=True))
    places = dict(zip(rows, first[tied].tolist(), strict=True))
    order[tied] = sorted(rows, key=lambda row: (places[row], texts[row]))
    return order


def digests(units: pa.LargeStringArray) -> U64:
    """A hash of each unit's length and first and last eight bytes: it spreads units, but does not tell them apart."""
    return _digests(_Words(units))


def digests_and_hashes(units: pa.LargeStringArray) -> tuple[U64, U64]:
    """The digests, and hashes that tell units apart: of the bytes between the first and the last eight, too."""
    words = _Words(units)
    found = _digests(words)
    hashes = found.copy()
    rows = np.flatnonzero(words.lengths > 2 * _WORD)
    for depth in range(_WORD, _HASHED_BYTES, _WORD):
        hashes[rows] = mix64(hashes[rows] ^ words.at(rows, depth))
        rows = rows[words.lengths[rows] > depth + 2 * _WORD]
    return found, hashes


def _digests(words: "_Words") -> U64:
    rows = np.arange(len(words.lengths))
    lengths = words.lengths.astype(np.uint64) * np.uint64(GOLDEN)
    return mix64(mix64(words.at(rows, 0) + lengths) ^ words.at(rows, np.maximum(words.lengths - _WORD, 0)))


class _Words:
    """Any eight bytes of units, as big-endian numbers: they compare as the bytes do."""

    def __init__(self, units: pa.LargeStringArray) -> None:
        data, bounds = text_buffers(units)
        self._starts = bounds[:-1]
        self.lengths = np.diff(bounds)
        padded = np.concatenate([data, np.zeros(_WORD, np.uint8)])
        self._words: npt.NDArray[np.uint64] = np.ndarray(len(data) + 1, ">u8", padded, strides=(1,))

    def at(self, rows: I64, depth: int | I64) -> U64:
        """The bytes of some rows from `depth` on; zeros stand behind a unit's end."""
        left = np.clip(self.lengths[rows] - depth, 0, _WORD)
        places = np.minimum(self._starts[rows] + depth, len(self._words) - 1)
        return self._words[places].astype(np.uint64) & _HIGH_BYTES[left]


def _ranks(keys: U64) -> U64:
    """Equal keys get equal numbers, greater keys greater ones; all below the number of keys."""
    order = np.argsort(keys)
    ranks = np.empty(len(keys), np.uint64)
    ranks[order] = _first_of_run(keys[order])
    return ranks


def _first_of_run(keys: U64) -> I64:
    """For each place in sorted keys the first place with the same key."""
    places = np.arange(len(keys))
    places[1:][keys[1:] == keys[:-1]] = 0
    return np.maximum.accumulate(places)


def _tied(first: I64) -> Bool:
    """Whether another place has the same run."""
    same = first[1:] == first[:-1]
    return np.concatenate([same, [False]]) | np.concatenate([[False], same]) if len(first) else np.zeros(0, bool)
