"""Byte-pair encoding of many units at once, in numpy.

A vocabulary is a table of merges: two adjacent symbols, what they become, and a rank; in every unit the pair of the
lowest rank merges first (ties: the leftmost), until no pair is in the table. SentencePiece has no list of merges, but
means one: all splits of every piece, ranked by the piece's score. All units take one merge a pass, so the number of
passes is that of the longest unit, and 2.2 million units take 2 s (SentencePiece's own encoder 7 s, one core).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from malmoi_pipelines.contracts.arrays import I64, Bool, offsets, run_starts
from malmoi_pipelines.contracts.hashing import GOLDEN

Symbols = npt.NDArray[np.int32]

NEVER = np.iinfo(np.int32).max
"""Rank of a pair that does not merge."""

_SHIFT = 32  # a pair is one integer: left symbol << 32 | right symbol
_EMPTY = -1
BATCH = 1 << 16  # units a thread merges at once: arrays that stay in the cache

_SLOTS_A_KEY = 4  # of the hash table: with a quarter full, nine of ten lookups end at the first slot


@dataclass(frozen=True)
class Merges:
    """A table of merges. A pair that is given twice keeps its lowest rank."""

    keys: I64
    """The pairs, ascending and distinct, shape [m]."""
    ranks: Symbols
    """Rank of each, below NEVER, shape [m]."""
    results: Symbols
    """What each becomes, shape [m]."""

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, int]] | I64) -> "Merges":
        """From rows of (left, right, result, rank), in any order."""
        table = np.asarray(rows, np.int64).reshape(-1, 4)
        keys = table[:, 0] << _SHIFT | table[:, 1]
        order = np.lexsort((table[:, 3], keys))
        keys, table = keys[order], table[order]
        first = run_starts(keys)
        return cls(keys[first], table[first, 3].astype(np.int32), table[first, 2].astype(np.int32))

    def ranks_without(self, gone: Bool) -> Symbols:
        """The ranks with NEVER where the result is a symbol that is `gone`, shape [symbols] → [m]."""
        return np.where(gone[self.results], NEVER, self.ranks).astype(np.int32)

    def find(self, left: Symbols, right: Symbols) -> I64:
        """The row of each pair in the table, -1 where it has none."""
        slots, slot_keys, bits = self._hashed
        keys = left.astype(np.int64) << _SHIFT | right
        at = _slot(keys, bits)
        seen = slot_keys[at]
        hit = seen == keys
        rows = np.where(hit, slots[at], -1)
        open_ = np.flatnonzero(~hit & (seen != _EMPTY))
        while len(open_):
            at[open_] = (at[open_] + 1) & ((1 << bits) - 1)
            seen = slot_keys[at[open_]]
            hit = seen == keys[open_]
            rows[open_[hit]] = slots[at[open_[hit]]]
            open_ = open_[~hit & (seen != _EMPTY)]
        return rows

    @cached_property
    def _hashed(self) -> tuple[I64, I64, int]:
        """An open hash table with linear probing: the row and the key in each slot, and the bits of a slot's number."""
        bits = max(4, (len(self.keys) * _SLOTS_A_KEY).bit_length())
        slots = np.full(1 << bits, -1, np.int64)
        at = _slot(self.keys, bits)
        rest = np.arange(len(self.keys))
        while len(rest):
            free = rest[slots[at[rest]] < 0]
            slots[at[free]] = free  # of several that want a slot one gets it, the others go on
            rest = rest[slots[at[rest]] != rest]
            at[rest] = (at[rest] + 1) & ((1 << bits) - 1)
        return slots, np.where(slots >= 0, self.keys[slots] if len(self.keys) else _EMPTY, _EMPTY), bits


def _slot(keys: I64, bits: int) -> I64:
    return ((keys.astype(np.uint64) * np.uint64(GOLDEN)) >> np.uint64(64 - bits)).astype(np.int64)


def apply_merges(
    merges: Merges, ranks: Symbols, symbols: Symbols, lengths: Symbols, stop_at: int = 1
) -> tuple[Symbols, Symbols]:
    """Merge the symbols of units until nothing more merges.

    Args:
        merges: the table.
        ranks: the rank of each of its rows, NEVER for those left out, shape [m].
        symbols: the units' symbols, one unit after the other.
        lengths: symbols of each unit, none empty; they sum to len(symbols).
        stop_at: a unit with so few symbols is left as it is.

    Returns:
        symbols and lengths after merging.

    Example: the merges (a, b) → ab before (b, c) → bc make of "abc" the symbols ab and c.
    """
    state = _Units(merges, ranks, symbols, lengths)
    done: list[tuple[Symbols, Symbols]] = []
    while len(state.symbols):
        done.append(state.take_finished(stop_at))
        state.merge_once()
    finished = [np.concatenate(part) for part in zip(*done, strict=True)] or [np.zeros(0, np.int32)] * 2
    order = np.argsort(finished[1], kind="stable")
    return finished[0][order], np.bincount(finished[1], minlength=len(lengths)).astype(np.int32)


def merge_units(
    merges: Merges, ranks: Symbols, symbols: Symbols, lengths: Symbols, num_threads: int = 1, stop_at: int = 1
) -> tuple[Symbols, Symbols]:
    """`apply_merges` for any number of units, on several threads; the result does not depend on their number."""
    bounds = offsets(lengths)

    def batch(first: int) -> tuple[Symbols, Symbols]:
        last = min(first + BATCH, len(lengths))
        part = symbols[bounds[first] : bounds[last]]
        return apply_merges(merges, ranks, part, lengths[first:last], stop_at)

    starts = range(0, len(lengths), BATCH)
    if num_threads == 1 or len(starts) == 1:
        parts = list(map(batch, starts))
    else:
        with ThreadPoolExecutor(num_threads) as pool:
            parts = list(pool.map(batch, starts))
    if not parts:
        return symbols[:0], lengths[:0]
    merged, counts = zip(*parts, strict=True)
    return np.concatenate(merged), np.concatenate(counts)


class _Units:
    """Units in the middle of merging; of each symbol its unit, and the rank of the pair that starts there."""

    def __init__(self, merges: Merges, ranks: Symbols, symbols: Symbols, lengths: Symbols) -> None:
        self._merges = merges
        self._ranks = np.append(ranks, np.int32(NEVER))  # row -1, not in the table, never merges
        self.symbols = symbols.copy()
        self._unit = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        self._pair = np.full(len(symbols), NEVER, np.int32)
        self._rank_pairs(np.flatnonzero(self._unit[1:] == self._unit[:-1]), 1)

    def take_finished(self, stop_at: int) -> tuple[Symbols, Symbols]:
        """Take out the units that merge no more: their symbols, and the unit of each."""
        starts, lengths = self._bounds()
        finished = (np.minimum.reduceat(self._pair, starts) == NEVER) | (lengths <= stop_at)
        mask = np.repeat(finished, lengths)
        taken = self.symbols[mask], self._unit[mask]
        if len(taken[0]):
            self._keep(~mask)
        return taken

    def merge_once(self) -> None:
        """The leftmost pair of lowest rank of every unit becomes one symbol."""
        if not len(self.symbols):
            return
        starts, lengths = self._bounds()
        best = np.repeat(np.minimum.reduceat(self._pair, starts), lengths)
        hit = np.flatnonzero(self._pair == best)
        hit = hit[run_starts(self._unit[hit])]
        found = self._merges.find(self.symbols[hit], self.symbols[hit + 1])
        self.symbols[hit] = self._merges.results[found]
        self._pair[hit] = NEVER
        inside = hit[hit + 2 < len(self.symbols)]
        self._rank_pairs(inside[self._unit[inside + 2] == self._unit[inside]], 2)
        inside = hit[hit > 0]
        self._rank_pairs(inside[self._unit[inside - 1] == self._unit[inside]] - 1, 1)
        keep = np.ones(len(self.symbols), bool)
        keep[hit + 1] = False
        self._keep(keep)

    def _rank_pairs(self, at: I64, step: int) -> None:
        found = self._merges.find(self.symbols[at], self.symbols[at + step])
        self._pair[at] = self._ranks[found]

    def _bounds(self) -> tuple[I64, I64]:
        starts = run_starts(self._unit)
        return starts, np.diff(np.append(starts, len(self.symbols)))

    def _keep(self, mask: Bool) -> None:
        self.symbols, self._unit, self._pair = self.symbols[mask], self._unit[mask], self._pair[mask]
