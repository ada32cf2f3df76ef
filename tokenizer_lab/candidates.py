"""Candidates: the Korean pieces of the intermediate tokenizer and the letters, all that are not in the base."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tokenizer_lab.hangul import letters_of
from tokenizer_lab.model_proto import NORMAL, Piece, scores_below
from tokenizer_lab.reachability import parents

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Candidates:
    """Tokens that may be added, by index: multis in merge order, then letters by falling frequency.

    Letters come last because characters do so in the base; their place changes no segmentation.
    """

    pieces: tuple[str, ...]
    num_multis: int
    protected: npt.NDArray[np.bool_]
    """Letters that reach the cutoff in the raw corpus, shape [n]: they stay even where longer tokens swallow them."""
    parents: npt.NDArray[np.int32]
    """The two symbols that merge into each, shape [n, 2], as candidate indices; -1 for a base token and for letters."""

    def __len__(self) -> int:
        return len(self.pieces)

    def rows(self, model: Any, alive: Indices) -> list[Piece]:
        """Vocabulary rows for some candidates, in their order, scored below the base `model`."""
        scores = scores_below(model, len(alive))
        return [Piece(self.pieces[index], score) for index, score in zip(alive.tolist(), scores, strict=True)]


def find_candidates(multis: Sequence[str], base: Any, letters: dict[str, int], cutoff: int) -> Candidates:
    """Candidates with their parents; pieces that merging can never make are left out.

    A letter is a candidate if the corpus has it `cutoff` times, or if it is part of a candidate: SentencePiece merges
    through characters that are no token, other libraries fall back to bytes first, so every character must be one.

    Args:
        multis: pieces in merge order, none in the base.
        base: the model to extend.
        letters: occurrences of each Hangul letter in the corpus.
        cutoff: least occurrences.
    """
    known = {piece.piece for piece in base.pieces if piece.type == NORMAL}
    ranks = _ranks_with(multis, base)
    halves = {piece: parents(piece, ranks) for piece in multis}
    reachable = [piece for piece in multis if halves[piece] is not None]
    needed = set().union(*map(letters_of, reachable)) | {x for x, count in letters.items() if count >= cutoff}
    singles = sorted(needed - known, key=lambda letter: (-letters.get(letter, 0), letter))
    pieces = (*reachable, *singles)
    index = {piece: i for i, piece in enumerate(pieces)}
    edges = np.full((len(pieces), 2), -1, np.int32)
    for i, piece in enumerate(reachable):
        edges[i] = [index.get(half, -1) for half in halves[piece] or ()]
    protected = np.zeros(len(pieces), bool)
    protected[len(reachable) :] = [letters.get(letter, 0) >= cutoff for letter in singles]
    return Candidates(pieces, len(reachable), protected, edges)


def _ranks_with(multis: Sequence[str], base: Any) -> dict[str, int]:
    """Merge ranks of the base with `multis` appended below its ranks and above its sentinels."""
    new = [Piece(text, score) for text, score in zip(multis, scores_below(base, len(multis)), strict=True)]
    scored = sorted(
        [(-piece.score, piece.piece) for piece in base.pieces if piece.type == NORMAL]
        + [(-row.score, row.text) for row in new],
        key=lambda item: item[0],
    )
    return {text: rank for rank, (_, text) in enumerate(scored)}
