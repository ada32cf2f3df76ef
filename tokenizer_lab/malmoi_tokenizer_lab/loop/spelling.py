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
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from malmoi_pipelines.contracts.arrays import Bool, code_points, offsets
from malmoi_pipelines.contracts.hangul import SPACE_MARK, is_korean_piece
from malmoi_pipelines.tokenizers.model_proto import NORMAL, lowest_rank_score

from malmoi_tokenizer_lab.loop.merges import Merges, Symbols, merge_units
from malmoi_tokenizer_lab.words import Ints, Units

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


def sentencepiece_inventory(base: Any, letters: Iterable[str]) -> Inventory:
    """The symbols of a SentencePiece base.

    Args:
        base: the model.
        letters: Hangul letters of the corpus; those that the base lacks become bare characters.
    """
    pieces = [(index, piece) for index, piece in enumerate(base.pieces) if piece.type == NORMAL]
    ids = {piece.piece: index for index, piece in pieces}
    texts = [""] * len(base.pieces)
    for text, index in ids.items():
        texts[index] = text
    texts += sorted(set(letters) - ids.keys())
    ids |= {text: index for index, text in enumerate(texts) if text}
    used = [piece for _, piece in pieces if _in_korean_units(piece.piece)]
    rank_of = {score: rank for rank, score in enumerate(sorted({piece.score for piece in used}, reverse=True))}
    floor = lowest_rank_score(base)
    early = [(piece.piece, rank_of[piece.score]) for piece in used if piece.score >= floor]
    late = [(piece.piece, rank_of[piece.score]) for piece in used if piece.score < floor]
    return Inventory(
        tuple(texts), len(base.pieces), Merges.of(list(all_splits(early, ids))), tuple(all_splits(late, ids))
    )


def sentencepiece_text(korean: Units) -> pa.LargeStringArray:
    """Units as pieces spell them: a mark for each space."""
    return pc.replace_substring(korean.text, " ", SPACE_MARK)


def all_splits(ranked: Iterable[tuple[str, int]], ids: Mapping[str, int]) -> Iterable[Row]:
    """Every merge of two symbols that makes one of some pieces, given with their ranks.

    Pieces of equal score have one rank: SentencePiece then merges the leftmost pair.
    """
    for text, rank in ranked:
        for cut in range(1, len(text)):
            left, right = ids.get(text[:cut]), ids.get(text[cut:])
            if left is not None and right is not None:
                yield left, right, ids[text], rank


def _in_korean_units(piece: str) -> bool:
    """Whether a piece can occur in a unit of spaces and Hangul letters."""
    letters = piece.lstrip(SPACE_MARK)
    return not letters or is_korean_piece(letters)
