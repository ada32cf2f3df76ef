"""A block of texts as one array of code points, with its words and lines: what all quality measures share."""

import functools
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from malmoi_pipelines.contracts.arrays import F64, I64, U32, Bool, offsets

LF = ord("\n")


@dataclass(frozen=True)
class Stretches:
    """Stretches of a block, in text order and never across a border of texts: its words, or its lines."""

    starts: I64
    """Position in the block's codes of the first character of each."""
    ends: I64
    """Position behind the last one."""
    bounds: I64
    """Number of the first stretch of each text; n + 1 entries."""

    @property
    def counts(self) -> I64:
        """Stretches of each text."""
        return np.diff(self.bounds)

    @functools.cached_property
    def owners(self) -> I64:
        """The text that each stretch belongs to."""
        return np.repeat(np.arange(len(self.bounds) - 1), self.counts)

    @property
    def lengths(self) -> I64:
        """Characters of each."""
        return self.ends - self.starts

    def count(self, chosen: Bool) -> F64:
        """Chosen stretches of each text."""
        return np.bincount(self.owners[chosen], minlength=len(self.bounds) - 1).astype(np.float64)

    def total_length(self, chosen: Bool | slice = slice(None)) -> F64:
        """Characters of the chosen stretches of each text."""
        return np.bincount(self.owners[chosen], self.lengths[chosen], len(self.bounds) - 1).astype(np.float64)


@dataclass(frozen=True)
class TextBlock:
    r"""Texts laid end to end, each followed by LF.

    ["ab c", ""] becomes the codes of "ab c\n\n" with `starts` [0, 5, 6]. Meant for about half a million characters, so
    that the arrays made of it stay in the cache.
    """

    joined: str
    starts: I64
    """Where in `codes` each text starts; n + 1 entries."""

    @classmethod
    def of(cls, texts: Sequence[str]) -> "TextBlock":
        """Lay texts end to end. Lone surrogates are let through."""
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        return cls("\n".join([*texts, ""]), offsets(lengths + 1))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @functools.cached_property
    def codes(self) -> U32:
        """The code points."""
        return np.frombuffer(self.joined.encode("utf-32-le", "surrogatepass"), np.uint32)

    @property
    def lengths(self) -> I64:
        """Characters of each text."""
        return np.diff(self.starts) - 1

    @functools.cached_property
    def words(self) -> Stretches:
        """The eojeol: runs of characters that are not white space, as `str.split` sees them."""
        space = space_table()[self.codes]
        change = np.empty(len(space), np.bool_)
        change[:1] = ~space[:1]
        np.not_equal(space[1:], space[:-1], out=change[1:])
        edges = np.flatnonzero(change)  # LF ends every text, so starts and ends come in pairs
        starts = edges[::2]
        return Stretches(starts, edges[1::2], np.searchsorted(starts, self.starts))

    @functools.cached_property
    def line_words(self) -> Stretches:
        """The lines that hold a word, as stretches of `words`: number of the first word, number behind the last."""
        breaks = np.flatnonzero(self.codes == LF)
        ends = np.searchsorted(self.words.starts, breaks)
        starts = np.concatenate([[0], ends[:-1]])[: len(ends)]
        filled = ends > starts
        starts = starts[filled]
        return Stretches(starts, ends[filled], np.searchsorted(starts, self.words.bounds))

    @functools.cached_property
    def lines(self) -> Stretches:
        """The lines that hold a word, from their first visible character to their last."""
        rows = self.line_words
        return Stretches(self.words.starts[rows.starts], self.words.ends[rows.ends - 1], rows.bounds)

    def count(self, chosen: Bool) -> F64:
        """Chosen code points of each text."""
        if not len(self):
            return np.zeros(0)
        return np.add.reduceat(chosen, self.starts[:-1], dtype=np.int64).astype(np.float64)


@functools.cache
def space_table() -> Bool:
    """Whether each code point is white space, as `str.isspace` says."""
    table = np.zeros(sys.maxunicode + 1, np.bool_)
    table[[code for code in range(0x10000) if chr(code).isspace()]] = True  # none lies beyond
    return table
