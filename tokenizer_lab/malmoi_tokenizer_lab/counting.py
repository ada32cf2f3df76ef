"""Counting tokens over distinct units instead of over the corpus (why exact: `malmoi_pipelines.contracts.cuts`)."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from malmoi_pipelines.contracts.cuts import check_no_crossing
from malmoi_pipelines.contracts.hangul import CONTROLS
from malmoi_pipelines.tokenizers.model_proto import NORMAL, USER_DEFINED

from malmoi_tokenizer_lab.words import Ints, Units, Words

BATCH = 1 << 16  # units a call of the encoder: Python lists of one batch only are alive at a time


@dataclass(frozen=True)
class Tokens:
    """Token ids of many units, one after the other."""

    ids: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    """Tokens of each unit; they sum to len(ids)."""

    def counts(self, unit_counts: Ints, num_ids: int) -> Ints:
        """Occurrences of each id in the corpus, shape [num_ids]; exact below 2^53 tokens."""
        totals = np.zeros(num_ids, np.float64)
        starts = np.cumsum(self.lengths, dtype=np.int64)
        for first in range(0, len(self.lengths), BATCH * 16):  # the weights of all tokens at once would be large
            last = min(first + BATCH * 16, len(self.lengths))
            begin, end = (starts[first] - self.lengths[first], starts[last - 1])
            weights = np.repeat(unit_counts[first:last], self.lengths[first:last])
            totals += np.bincount(self.ids[begin:end], weights=weights, minlength=num_ids)
        return totals.astype(np.int64)

    def rows_with(self, marked: npt.NDArray[np.bool_]) -> Ints:
        """The units, ascending, in which an id occurs that is `marked`, shape [num_ids]."""
        ends = np.cumsum(self.lengths, dtype=np.int64)
        return np.unique(np.searchsorted(ends, np.flatnonzero(marked[self.ids]), side="right"))

    def replaced(self, rows: Ints, new: "Tokens") -> "Tokens":
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


def encode_units(processor: Any, text: pa.LargeStringArray, num_threads: int) -> Tokens:
    """Encode units with a processor that adds no dummy prefix."""
    ids, lengths = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for first in range(0, len(text), BATCH):
        encoded = processor.encode(text[first : first + BATCH].to_pylist(), out_type=int, num_threads=num_threads)
        size = np.fromiter(map(len, encoded), np.int32, len(encoded))
        lengths.append(size)
        ids.append(np.fromiter(itertools.chain.from_iterable(encoded), np.int32, int(size.sum())))
    return Tokens(np.concatenate(ids), np.concatenate(lengths))


def corpus_tokens(lengths: npt.NDArray[np.int32], unit_counts: Ints) -> int:
    """Tokens of the corpus, from the tokens of each unit and how often it occurs."""
    return int(np.dot(lengths.astype(np.int64), unit_counts))


def check_exact(model: Any, words: Words) -> None:
    """Check that no piece can cross a cut between two units of this corpus.

    Raises:
        CheckError: naming the piece, and what in it crosses a cut.
    """
    pieces = (piece.piece for piece in model.pieces if piece.type in (NORMAL, USER_DEFINED))
    check_no_crossing(pieces, _controls_in(words.other))


def _controls_in(other: Units) -> frozenset[str]:
    """The control characters of the corpus."""
    found = pa.compute.index_in(pa.array(sorted(CONTROLS), pa.large_string()), value_set=other.text)
    return frozenset(
        control for control, index in zip(sorted(CONTROLS), found.to_pylist(), strict=True) if index is not None
    )
