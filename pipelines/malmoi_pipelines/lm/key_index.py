"""An index of distinct, well-scattered 64-bit keys: where each lies in their sorted order, many asked at once."""

import numpy as np

from malmoi_pipelines.contracts.arrays import I64, U64

MISSING = -1


class KeyIndex:
    """Sorted keys with a directory of their leading bits: about one key an entry, so a look-up takes a step or two.

    Args:
        keys: uint64[n], distinct; the leading bits must be spread evenly.

    Raises:
        ValueError: a key stands twice.

    >>> index = KeyIndex(np.array([9 << 60, 1 << 60], np.uint64))
    >>> index.order.tolist(), index.find(np.array([9 << 60, 5], np.uint64)).tolist()
    ([1, 0], [1, -1])
    """

    def __init__(self, keys: U64) -> None:
        self.order: I64 = np.argsort(keys)
        """Which of the given keys stands at each place."""
        self._keys = keys[self.order]
        if (self._keys[1:] == self._keys[:-1]).any():
            raise ValueError("a key stands twice")
        bits = max(1, len(keys).bit_length())
        self._shift = np.uint64(64 - bits)
        counts = np.bincount((self._keys >> self._shift).astype(np.int64), minlength=1 << bits)
        self._starts = np.zeros(len(counts) + 1, np.uint32 if len(keys) < 1 << 32 else np.uint64)
        np.cumsum(counts, out=self._starts[1:])

    def find(self, keys: U64) -> I64:
        """The place of each key in the sorted order, `MISSING` where there is none."""
        found = np.full(len(keys), MISSING)
        entries = (keys >> self._shift).astype(np.int64)
        places, ends = self._starts[entries].astype(np.int64), self._starts[entries + 1].astype(np.int64)
        open_ = np.flatnonzero(places < ends)
        while len(open_):
            places_open = places[open_]
            hit = self._keys[places_open] == keys[open_]
            found[open_[hit]] = places_open[hit]
            open_ = open_[~hit]
            places[open_] += 1
            open_ = open_[places[open_] < ends[open_]]
        return found
