"""Korean units as symbols: what is there before any new merge.

Symbols are numbers: the base's ids, then characters that the base lacks, called bare. SentencePiece merges through a
bare character and writes it as bytes only at the end, so a bare symbol costs as many tokens as it has bytes. A symbol's
text is spelled as the tokenizer's files do; of a byte-level base one character stands for one byte.

New merges rank below every merge of the base, so they start from what the base makes of a unit. The exception are
merges with a sentinel score (runs of spaces in Mistral: -1e9): these rank below the new ones, too, and come last.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from malmoi_pipelines.contracts.arrays import Bool, code_points, offsets
from malmoi_pipelines.contracts.hangul import SPACE_MARK

from malmoi_tokenizer_lab.loop.merges import Merges, Symbols, merge_units
from malmoi_tokenizer_lab.words import Ints

SPACES = (SPACE_MARK, "\u0120")
"""How a piece spells the space: SentencePiece's mark, and that of the byte-level alphabet."""

Row = tuple[int, int, int, int]
"""A merge: left, right, result, rank."""


@dataclass(frozen=True)
class Inventory:
    """The symbols that a base makes of Korean text, and how."""

    texts: tuple[str, ...]
    """The text of each symbol; "" for ids of the base that are no piece."""
    base_size: int
    """Symbols below it are ids of the base, the others are bare characters."""
    early: Merges
    """The base's merges that rank above all new ones."""
    late: tuple[Row, ...] = ()
    """Those that rank below all new ones; their ranks count from 0."""

    @cached_property
    def ids(self) -> dict[str, int]:
        """The symbol of each text."""
        return {text: index for index, text in enumerate(self.texts) if text}

    @property
    def costs(self) -> Symbols:
        """Tokens that each symbol is worth at output, shape [symbols]."""
        bare = [len(text.encode()) for text in self.texts[self.base_size :]]
        return np.array([1] * self.base_size + bare, np.int32)

    def characters(self, texts: pa.LargeStringArray) -> tuple[Symbols, Symbols]:
        """The symbols of texts' single characters, one text after the other, and how many each has."""
        symbols = self._of_character[code_points(texts)]
        if symbols.min(initial=0) < 0:
            raise KeyError("a character that the base and the corpus do not have")
        return symbols, pc.utf8_length(texts).to_numpy().astype(np.int32)

    @cached_property
    def _of_character(self) -> Symbols:
        """The symbol of each code point, -1 where there is none."""
        table = np.full(sys.maxunicode + 1, -1, np.int32)
        single = {text: index for text, index in self.ids.items() if len(text) == 1}
        table[np.fromiter(map(ord, single), np.int64, len(single))] = list(single.values())
        return table

    def spell(self, texts: pa.LargeStringArray, num_threads: int = 1) -> tuple[Symbols, Symbols]:
        """The symbols that the base makes of texts, and how many of each; texts are not empty."""
        symbols, lengths = self.characters(texts)
        return merge_units(self.early, self.early.ranks, symbols, lengths, num_threads)


@dataclass(frozen=True)
class Spelling:
    """The Korean units of a corpus as symbols."""

    inventory: Inventory
    symbols: Symbols
    """One unit after the other."""
    lengths: Symbols
    """Symbols of each unit; they sum to len(symbols)."""
    counts: Ints
    """How often each unit occurs in the corpus."""

    @cached_property
    def eojeol(self) -> Bool:
        """Which units start with a space: the Korean words that do not start a line, shape [units]."""
        spaced = np.array([text.startswith(SPACES) for text in self.inventory.texts])
        return spaced[self.symbols[offsets(self.lengths)[:-1]]]

    def frequent(self, min_count: int) -> "Spelling":
        """The units seen at least `min_count` times; all of them if none is."""
        mask = self.counts >= min_count
        if not mask.any():
            return self
        symbols = self.symbols[np.repeat(mask, self.lengths)]
        return Spelling(self.inventory, symbols, self.lengths[mask], self.counts[mask])


def all_splits(ranked: Iterable[tuple[str, int]], ids: Mapping[str, int]) -> Iterable[Row]:
    """Every merge of two symbols that makes one of some pieces, given with their ranks.

    Pieces of equal score have one rank: SentencePiece then merges the leftmost pair.
    """
    for text, rank in ranked:
        for cut in range(1, len(text)):
            left, right = ids.get(text[:cut]), ids.get(text[cut:])
            if left is not None and right is not None:
                yield left, right, ids[text], rank
