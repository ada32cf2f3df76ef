"""Candidates: the pieces that the loop chooses from, and the letters, all that are not in the base."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from malmoi_pipelines.contracts.arrays import Bool, offsets, ranges
from malmoi_pipelines.contracts.hangul import letters_of

from malmoi_tokenizer_lab.loop.merges import Merges, Symbols, merge_units
from malmoi_tokenizer_lab.loop.spelling import Inventory, all_splits
from malmoi_tokenizer_lab.words import Ints


@dataclass(frozen=True)
class Candidates:
    """Tokens that may be added, by index: multis in merge order, then letters by falling frequency.

    Letters come last because characters do so in the base; their place changes no segmentation.
    """

    pieces: tuple[str, ...]
    num_multis: int
    letter_counts: Ints
    """Occurrences of each letter candidate in the raw corpus, shape [letters]."""
    inventory: Inventory
    """The symbols they are made of."""

    def __len__(self) -> int:
        return len(self.pieces)

    @cached_property
    def symbols(self) -> Symbols:
        """The symbol of each candidate: a letter is a bare character already, multis follow, shape [n]."""
        first = len(self.inventory.texts)
        letters = [self.inventory.ids[piece] for piece in self.pieces[self.num_multis :]]
        return np.array([*range(first, first + self.num_multis), *letters], np.int32)

    @property
    def num_symbols(self) -> int:
        """Symbols there are: the base's, bare characters and multis."""
        return len(self.inventory.texts) + self.num_multis

    @cached_property
    def index_of(self) -> Symbols:
        """The candidate of each symbol, -1 for those that are none, shape [num_symbols]."""
        index = np.full(self.num_symbols, -1, np.int32)
        index[self.symbols] = np.arange(len(self))
        return index

    @cached_property
    def merges(self) -> Merges:
        """All merges that make a multi, ranked by the multis' order, and the base's late ones after them."""
        multis = self.pieces[: self.num_multis]
        ids = self.inventory.ids | dict(zip(multis, self.symbols.tolist(), strict=False))
        rows = list(all_splits(zip(multis, range(len(multis)), strict=True), ids))
        late = [(left, right, result, len(multis) + rank) for left, right, result, rank in self.inventory.late]
        return Merges.of(rows + late)

    def ranks(self, alive: Bool) -> Symbols:
        """The ranks of `merges` where only the `alive` candidates are in the vocabulary."""
        gone = np.zeros(self.num_symbols, bool)
        gone[self.symbols[: self.num_multis]] = ~alive[: self.num_multis]
        return self.merges.ranks_without(gone)

    def parents(self, alive: Bool) -> Symbols:
        """The two symbols that merge into each alive multi; -1, -1 where none do, shape [n, 2].

        They are what is left when all but the last merge of the piece's own text is done. A piece that comes to rest
        at three or more symbols is dead: no text ever encodes to it. (PickyBPE and LiteToken study the related tokens
        that are made but never emitted.) Letters have no parents.
        """
        rows = np.flatnonzero(alive[: self.num_multis])
        symbols, lengths = self._spelled_multis
        starts = offsets(lengths)
        picked = symbols[ranges(starts[rows], lengths[rows])]
        ranks = self.ranks(alive)
        merged, sizes = merge_units(self.merges, ranks, picked, lengths[rows], stop_at=2)
        result = np.full((len(self), 2), -1, np.int32)
        at = offsets(sizes)[:-1][sizes == 2]
        pairs = np.stack([merged[at], merged[at + 1]], axis=1)
        found = self.merges.find(pairs[:, 0].copy(), pairs[:, 1].copy())
        makes = (found >= 0) & (self.merges.results[found] == self.symbols[rows[sizes == 2]])
        result[rows[sizes == 2][makes]] = pairs[makes]
        return result

    def edges(self, alive: Bool) -> Symbols:
        """`parents` as candidates, -1 for what is none: a token of the base, or a bare character, shape [n, 2]."""
        return np.append(self.index_of, np.int32(-1))[self.parents(alive)]

    @cached_property
    def _spelled_multis(self) -> tuple[Symbols, Symbols]:
        """The multis as symbols of the base, and the symbols of each."""
        return self.inventory.spell(pa.array(self.pieces[: self.num_multis], pa.large_string()))


def find_candidates(
    multis: Sequence[str],
    inventory: Inventory,
    letters: Mapping[str, int],
    cutoff: int,
    wanted: Collection[str] = (),
) -> tuple[Candidates, tuple[str, ...]]:
    """Candidates in order, and apart from them the pieces that merging can never make.

    A letter is a candidate if the corpus has it `cutoff` times, or if it is part of a candidate: SentencePiece merges
    through characters that are no token, other libraries fall back to bytes first, so every character must be one.
    A base that is never short of a letter (byte-level) has no bare ones, and gets none.

    Args:
        multis: pieces in merge order, none in the base.
        inventory: the symbols of the base.
        letters: occurrences of each Hangul letter in the corpus.
        cutoff: least occurrences.
        wanted: pieces that the user wants: letters among them are candidates.
    """
    bare = set(inventory.texts[inventory.base_size :])
    everything = Candidates(tuple(multis), len(multis), np.zeros(0, np.int64), inventory)
    dead = everything.parents(np.ones(len(multis), bool))[:, 0] < 0
    reachable = [piece for piece, is_dead in zip(multis, dead.tolist(), strict=True) if not is_dead]
    needed = (
        set().union(*map(letters_of, reachable)) | {x for x, count in letters.items() if count >= cutoff} | set(wanted)
    )
    singles = sorted(needed & bare, key=lambda letter: (-letters.get(letter, 0), letter))
    counts = np.array([letters.get(letter, 0) for letter in singles], np.int64)
    unreachable = tuple(piece for piece, is_dead in zip(multis, dead.tolist(), strict=True) if is_dead)
    return Candidates((*reachable, *singles), len(reachable), counts, inventory), unreachable
