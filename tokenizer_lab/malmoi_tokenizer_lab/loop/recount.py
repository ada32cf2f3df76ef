"""Counting the tokens of a corpus again and again under a changing vocabulary, over its distinct units.

After a change only the units that it can reach are encoded again, and that is exact: what merging makes of a unit
changes only if a symbol that is now gone was formed on the way. That symbol is then part of one of the unit's final
tokens, and since a token's own text merges alone as it does inside a unit, it is a part of that token's own history:
its parents, their parents, and so on. So the merge trace of a unit is the closure of its final tokens under parents,
and the index of traces needs no more memory than the tokens themselves. (Looking for the gone tokens among the final
ones alone misses 9 % of the changed units; docs/log.md.)
"""

from typing import Protocol

import numpy as np
from malmoi_pipelines.contracts.arrays import I64, Bool, offsets, ranges

from malmoi_tokenizer_lab.loop.candidates import Candidates
from malmoi_tokenizer_lab.loop.merges import Symbols, merge_units
from malmoi_tokenizer_lab.loop.pruning import made_from
from malmoi_tokenizer_lab.loop.spelling import Spelling
from malmoi_tokenizer_lab.words import Ints

FULL_SHARE = 0.5
"""If more than this share of the units is to be encoded again, all are: that is cheaper than to note which."""

_GARBAGE_SHARE = 0.5  # of the tokens held: old ones are swept out when they are so many


class TokenCounter(Protocol):
    """Counts the tokens of a corpus under a vocabulary that the loop changes."""

    alive: Bool
    """Which candidates are in the vocabulary, shape [n]."""
    recounted: int
    """Distinct units that the last change encoded again."""

    def change(self, dropped: Ints, added: Ints) -> None:
        """Take candidates out of the vocabulary and others into it."""

    def counts(self) -> Ints:
        """How often each candidate is emitted on the Korean units, shape [n]; 0 for those not in the vocabulary."""

    def num_tokens(self) -> tuple[int, int]:
        """Tokens of all Korean units, and of those among them that are eojeol."""


class Recount:
    """The counter in this process: all units as tokens, kept up to date."""

    def __init__(self, candidates: Candidates, units: Spelling, alive: Bool, num_threads: int = 1) -> None:
        self._candidates = candidates
        self._units = units
        self._num_threads = num_threads
        self._unit_starts = offsets(units.lengths)
        self._eojeol = units.eojeol
        self.alive = alive.copy()
        self._encode_all()

    def change(self, dropped: Ints, added: Ints) -> None:
        """Take candidates out of the vocabulary and others into it; encode again what that changes.

        A letter changes no merge (without it the bare character merges all the same), only what it costs at the end.
        A multi that comes back may change any unit with its characters: then all are encoded again.
        """
        gone, new = (part[part < self._candidates.num_multis] for part in (dropped, added))
        traced = self._traced(gone)
        self.alive[dropped] = False
        self.alive[added] = True
        rows = self._rows_with(traced)
        if len(new) or len(rows) > FULL_SHARE * len(self._units.lengths):
            self._encode_all()
        else:
            self._encode_again(rows)

    def counts(self) -> Ints:
        """How often each candidate is emitted on the Korean units, shape [n]; 0 for those not in the vocabulary."""
        return np.where(self.alive, self._totals[0, self._candidates.symbols], 0)

    def num_tokens(self) -> tuple[int, int]:
        """Tokens of all Korean units, and of those among them that are eojeol."""
        every, eojeol = (self._totals @ self._costs()).tolist()
        return every, eojeol

    def _costs(self) -> Ints:
        """Tokens that each symbol is worth: letters in the vocabulary 1, other bare characters their bytes."""
        costs = np.ones(self._candidates.num_symbols, np.int64)
        inventory = self._candidates.inventory
        costs[: len(inventory.texts)] = inventory.costs
        costs[self._candidates.symbols[self.alive]] = 1
        return costs

    def _traced(self, gone: Ints) -> Bool:
        """The symbols whose own merging forms one of the candidates that go, themselves included, shape [symbols]."""
        parts = np.zeros(len(self._candidates), bool)
        parts[gone] = True
        traced = np.zeros(self._candidates.num_symbols, bool)
        traced[self._candidates.symbols] = made_from(self._candidates.edges(self.alive), parts)
        return traced

    def _rows_with(self, marked: Bool) -> I64:
        """The units, ascending, that hold a marked symbol."""
        hit = np.append(marked, False)[self._tokens]  # -1, swept, is never marked
        found = np.zeros(len(self._units.lengths), bool)
        found[self._owners[hit]] = True
        return np.flatnonzero(found)

    def _encode_all(self) -> None:
        rows = np.arange(len(self._units.lengths))
        self._tokens, self._lengths = self._encode(rows)
        self._owners = np.repeat(rows.astype(np.int32), self._lengths)
        self._starts = offsets(self._lengths)[:-1]
        self._totals = self._weigh(self._tokens, self._owners)
        self._held = len(self._tokens)
        self.recounted = len(rows)

    def _encode_again(self, rows: I64) -> None:
        old = ranges(self._starts[rows], self._lengths[rows])
        self._totals -= self._weigh(self._tokens[old], self._owners[old])
        self._tokens[old] = -1
        tokens, lengths = self._encode(rows)
        owners = np.repeat(rows.astype(np.int32), lengths)
        self._totals += self._weigh(tokens, owners)
        self._starts[rows] = len(self._tokens) + offsets(lengths)[:-1]
        self._held += len(tokens) - len(old)
        self._lengths[rows] = lengths
        self._tokens, self._owners = np.append(self._tokens, tokens), np.append(self._owners, owners)
        self.recounted = len(rows)
        if self._held < (1 - _GARBAGE_SHARE) * len(self._tokens):
            self._sweep()

    def _sweep(self) -> None:
        """Drop the old tokens, and lay the units in order again."""
        places = ranges(self._starts, self._lengths)
        self._tokens, self._owners = self._tokens[places], self._owners[places]
        self._starts = offsets(self._lengths)[:-1]

    def _encode(self, rows: I64) -> tuple[Symbols, Symbols]:
        lengths = self._units.lengths[rows]
        symbols = self._units.symbols[ranges(self._unit_starts[rows], lengths)]
        ranks = self._candidates.ranks(self.alive)
        return merge_units(self._candidates.merges, ranks, symbols, lengths, self._num_threads)

    def _weigh(self, tokens: Symbols, owners: Symbols) -> Ints:
        """Occurrences of each symbol in the corpus and in its eojeol, shape [2, symbols]; exact below 2^53 tokens."""
        weights = self._units.counts[owners]
        size = self._candidates.num_symbols
        every = np.bincount(tokens, weights, size)
        return np.stack([every, np.bincount(tokens, weights * self._eojeol[owners], size)]).astype(np.int64)
