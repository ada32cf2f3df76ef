"""Byte-pair encoding trained on distinct units and their counts, in numpy.

The same algorithm as SentencePiece's BPE trainer (most frequent pair first; ties: the shorter, then the smaller text),
written again because counts make it fast: SentencePiece 0.2.1 takes 290 s for 380,000 units and 40,000 pieces, this
one takes seconds, and nothing in it depends on a library's version. It starts from any symbols: from single characters,
or from what a base tokenizer makes of the units, which continues that base's training with its own merges kept.

All symbols lie in one array, unit after unit, each position linked to its neighbours in the unit. A merge touches
the positions of one pair, all at once: it joins each with its right neighbour and moves four kinds of pairs,

    x a b y   →   x c y         (x,a) and (b,y) become fewer, (x,c) and (c,y) are new

A pair is kept with the positions where it arose. Positions go stale when a merge next to them comes first; they are
sifted when the pair's turn comes. Counts in the heap go stale the same way and are put back with the true count.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from malmoi_pipelines.contracts.arrays import run_starts

from malmoi_tokenizer_lab.loop.spelling import Spelling
from malmoi_tokenizer_lab.words import Ints

_SHIFT, _RIGHT = 32, 0xFFFF_FFFF  # a pair is one integer: left symbol << 32 | right symbol
_NONE = -1
_AT_ONCE = 1 << 62  # heap priority of a pair that makes a piece there already is

Positions = npt.NDArray[np.int32]


@dataclass
class _Sequence:
    """All units as linked symbols, arrays of shape [positions]; -1 for no neighbour, or no symbol any more."""

    symbol: Positions
    before: Positions
    after: Positions
    weight: Ints
    """How often the position's unit occurs in the corpus."""


def train_bpe(units: Spelling, num_merges: int, min_count: int, allowed: Callable[[str], bool]) -> list[str]:
    """The pieces that merging makes, in merge order.

    Args:
        units: the units as the symbols to start from; one without symbols is not allowed.
        num_merges: most pieces to make.
        min_count: pairs seen less often are not merged.
        allowed: whether a text may become a piece. A text that the inventory has already never does: where its two
            halves still stand side by side, the base has no such merge.

    Example: of "aab" (3 times) and "ab" (5 times), as single characters, come "ab" and "aab".
    """
    return _Trainer(units, min_count, allowed).run(num_merges)


class _Trainer:
    def __init__(self, units: Spelling, min_count: int, allowed: Callable[[str], bool]) -> None:
        self._sequence = _linked(units)
        self._texts = list(units.inventory.texts)
        self._ids: dict[str, int] = {}
        self._given_ids = units.inventory.ids
        self._allowed = allowed
        self._min_count = min_count
        self._counts: dict[int, int] = {}
        self._places: dict[int, list[Positions]] = {}
        self._heap: list[tuple[int, int, str, int]] = []
        starts = np.flatnonzero(self._sequence.after != _NONE).astype(np.int32)
        self._add(starts)

    def run(self, num_merges: int) -> list[str]:
        pieces: list[str] = []
        while self._heap and len(pieces) < num_merges:
            priority, _, text, pair = heapq.heappop(self._heap)
            count = self._counts.get(pair, 0)
            if count < self._min_count and text not in self._ids:
                self._forget(pair)
            elif -priority not in (count, _AT_ONCE):
                self._offer(pair, count, text)
            elif text in self._ids:
                self._merge(pair, self._ids[text])
            else:
                self._ids[text] = len(self._texts)
                self._texts.append(text)
                pieces.append(text)
                self._merge_all_splits(text)
        return pieces

    def _merge_all_splits(self, text: str) -> None:
        """Merge every pair that makes `text`: encoders know pieces, not the pairs they were made from."""
        for cut in range(1, len(text)):
            left, right = self._symbol(text[:cut]), self._symbol(text[cut:])
            if left is not None and right is not None:
                self._merge(left << _SHIFT | right, self._ids[text])

    def _symbol(self, text: str) -> int | None:
        return self._ids.get(text, self._given_ids.get(text))

    def _merge(self, pair: int, made: int) -> None:
        """Make one symbol of every place of a pair."""
        sequence = self._sequence
        left, right = pair >> _SHIFT, pair & _RIGHT
        at = self._sift(left, right, self._forget(pair))
        if not len(at):
            return
        partner = sequence.after[at]
        outer_left, outer_right = sequence.before[at], sequence.after[partner]
        # In "abab" the second ab's left neighbour is the first one's b, which is about to go: its pair counts once.
        free = outer_left != _NONE
        free[1:] &= outer_left[1:] != partner[:-1]
        follows = outer_right != _NONE
        self._subtract(np.concatenate([outer_left[free], partner[follows]]))
        sequence.symbol[at] = made
        sequence.symbol[partner] = _NONE
        sequence.after[at] = outer_right
        sequence.before[outer_right[follows]] = at[follows]
        fresh = np.concatenate([outer_left[free], at[follows]])
        self._add(fresh)

    def _sift(self, left: int, right: int, places: list[Positions]) -> Positions:
        """The places where the pair still stands, ascending; of overlapping ones (aaa) every other."""
        if not places:
            return np.zeros(0, np.int32)
        sequence = self._sequence
        at = places[0] if len(places) == 1 else np.unique(np.concatenate(places))
        at = at[sequence.symbol[at] == left]
        partner = sequence.after[at]
        stands = (partner != _NONE) & (sequence.symbol[partner] == right)
        at, partner = at[stands], partner[stands]
        if left != right or len(at) < 2:
            return at
        chained = np.zeros(len(at), bool)
        chained[1:] = at[1:] == partner[:-1]
        index = np.arange(len(at))
        chain_start = np.maximum.accumulate(np.where(chained, 0, index))
        return at[(index - chain_start) % 2 == 0]

    def _pairs_at(self, positions: Positions) -> Ints:
        symbol = self._sequence.symbol
        return symbol[positions].astype(np.int64) << _SHIFT | symbol[self._sequence.after[positions]]

    def _subtract(self, positions: Positions) -> None:
        """Take the pairs that start at `positions` off their counts."""
        pairs, weights, _, _ = self._grouped(positions)
        for pair, weight in zip(pairs, weights, strict=True):
            if pair in self._counts:
                self._counts[pair] -= weight

    def _add(self, positions: Positions) -> None:
        """Note the pairs that start at `positions`.

        A pair too rare now is left out for good: nearly all its places arise with the later of its two symbols.
        """
        pairs, weights, bounds, places = self._grouped(positions)
        for index, (pair, weight) in enumerate(zip(pairs, weights, strict=True)):
            text = self._texts[pair >> _SHIFT] + self._texts[pair & _RIGHT]
            if weight < self._min_count and pair not in self._counts and text not in self._ids:
                continue
            if text not in self._given_ids and self._allowed(text):
                self._counts[pair] = self._counts.get(pair, 0) + weight
                self._places.setdefault(pair, []).append(places[bounds[index] : bounds[index + 1]])
                self._offer(pair, self._counts[pair], text)

    def _offer(self, pair: int, count: int, text: str) -> None:
        priority = _AT_ONCE if text in self._ids else count
        heapq.heappush(self._heap, (-priority, len(text), text, pair))

    def _forget(self, pair: int) -> list[Positions]:
        self._counts.pop(pair, None)
        return self._places.pop(pair, [])

    def _grouped(self, positions: Positions) -> tuple[list[int], list[int], list[int], Positions]:
        """The distinct pairs that start at `positions`, with the weight of each in the corpus.

        Returns:
            pairs, weights, bounds and places: pair i starts at places[bounds[i]:bounds[i + 1]], ascending.
        """
        if not len(positions):
            return [], [], [0], positions
        pairs = self._pairs_at(positions)
        order = np.lexsort((positions, pairs))
        pairs, places = pairs[order], positions[order]
        heads = run_starts(pairs)
        weights = np.add.reduceat(self._sequence.weight[places], heads)
        return pairs[heads].tolist(), weights.tolist(), [*heads.tolist(), len(places)], places


def _linked(units: Spelling) -> _Sequence:
    """Units as linked symbols."""
    total = len(units.symbols)
    lengths = units.lengths.astype(np.int64)
    ends = np.cumsum(lengths)
    after = np.arange(1, total + 1, dtype=np.int32)
    after[ends - 1] = _NONE
    before = np.arange(-1, total - 1, dtype=np.int32)
    before[ends - lengths] = _NONE
    return _Sequence(units.symbols.copy(), before, after, np.repeat(units.counts, lengths))
