"""The symbols of a SentencePiece base: what the loop works on."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from malmoi_pipelines.contracts.hangul import SPACE_MARK, is_korean_piece
from malmoi_pipelines.tokenizers.model_proto import NORMAL, lowest_rank_score

from malmoi_tokenizer_lab.loop.merges import Merges
from malmoi_tokenizer_lab.loop.spelling import Inventory, all_splits
from malmoi_tokenizer_lab.words import Units


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


def _in_korean_units(piece: str) -> bool:
    """Whether a piece can occur in a unit of spaces and Hangul letters."""
    letters = piece.lstrip(SPACE_MARK)
    return not letters or is_korean_piece(letters)
