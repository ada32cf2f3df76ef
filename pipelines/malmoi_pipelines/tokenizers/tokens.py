"""Token ids of many units at once, and what is counted with them."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import I64

BATCH = 1 << 16  # units a call of a library: Python lists of one batch only are alive at a time


@dataclass(frozen=True)
class Tokens:
    """Token ids of many units, one after the other."""

    ids: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    """Tokens of each unit; they sum to len(ids)."""

    def counts(self, unit_counts: I64, num_ids: int) -> I64:
        """Occurrences of each id in the corpus, shape [num_ids]; exact below 2^53 tokens."""
        totals = np.zeros(num_ids, np.float64)
        starts = np.cumsum(self.lengths, dtype=np.int64)
        for first in range(0, len(self.lengths), BATCH * 16):  # the weights of all tokens at once would be large
            last = min(first + BATCH * 16, len(self.lengths))
            begin, end = (starts[first] - self.lengths[first], starts[last - 1])
            weights = np.repeat(unit_counts[first:last], self.lengths[first:last])
            totals += np.bincount(self.ids[begin:end], weights=weights, minlength=num_ids)
        return totals.astype(np.int64)

    def total(self, unit_counts: I64) -> int:
        """Tokens of the corpus, from how often each unit occurs in it."""
        return int(np.dot(self.lengths.astype(np.int64), unit_counts))

    def replaced(self, rows: I64, new: "Tokens") -> "Tokens":
        """The same units with the tokens of `rows` (ascending) taken from `new`."""
        changed = np.zeros(len(self.lengths), bool)
        changed[rows] = True
        lengths = self.lengths.copy()
        lengths[rows] = new.lengths
        ids = np.empty(int(lengths.sum(dtype=np.int64)), np.int32)
        fresh = np.repeat(changed, lengths)
        ids[fresh] = new.ids
        ids[~fresh] = self.ids[~np.repeat(changed, self.lengths)]
        return Tokens(ids, lengths)


def tokens_of(encode: Callable[[list[str]], list[list[int]]], units: pa.Array) -> Tokens:
    """The tokens of units.

    Args:
        encode: gives the ids of each of some texts.
        units: the texts.

    >>> tokens_of(lambda texts: [[ord(x) for x in text] for text in texts], pa.array(["ab", ""])).lengths.tolist()
    [2, 0]
    """
    ids, lengths = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for first in range(0, len(units), BATCH):
        encoded = encode(units[first : first + BATCH].to_pylist())
        size = np.fromiter(map(len, encoded), np.int32, len(encoded))
        lengths.append(size)
        ids.append(np.fromiter(itertools.chain.from_iterable(encoded), np.int32, int(size.sum())))
    return Tokens(np.concatenate(ids), np.concatenate(lengths))
