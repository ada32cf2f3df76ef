"""The extended SentencePiece model: the base's rows, then reserved rows, masks, multis, letters and padding.

Scores of new pieces are `lowest rank of the base - 1 - i`. Two popular choices break: 0 for all (Chinese-LLaMA) makes
ties, which a list of merges cannot express; `min(score) - 1 - i` starts from the sentinel -1e9, where float32 cannot
tell the new pieces apart. Types: NORMAL for tokens; CONTROL for reserved rows, which no text encodes to; USER_DEFINED
for masks, which match before any merging.
"""

from dataclasses import dataclass
from typing import Any

from malmoi_pipelines.tokenizers.model_proto import CONTROL, USER_DEFINED, Piece, extend, scores_below

from malmoi_tokenizer_lab.base import RowKind
from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_tokenizer_lab.loop.candidates import Candidates
from malmoi_tokenizer_lab.row_names import padding_names
from malmoi_tokenizer_lab.words import Ints


@dataclass(frozen=True)
class Layout:
    """The new rows of the extended model, in id order."""

    first_id: int
    """Id of the first new row: the size of the base."""
    num_fixed: int
    """Reserved rows and masks, before the tokens."""
    rows: tuple[Piece, ...]
    kinds: tuple[RowKind, ...]
    alive: Ints
    """Candidate index of each token; token i has the id first_id + num_fixed + i."""

    @property
    def size(self) -> int:
        """Rows of the extended vocabulary."""
        return self.first_id + len(self.rows)


def fixed_rows(config: ExpandConfig) -> list[Piece]:
    """The reserved rows and the masks."""
    reserved = [Piece(text, 0.0, CONTROL) for text in config.reserved]
    return reserved + [Piece(text, 0.0, USER_DEFINED) for text in config.masks]


def token_rows(base: Any, candidates: Candidates, alive: Ints) -> list[Piece]:
    """Rows for some candidates, in their order, scored below all of the base."""
    scores = scores_below(base, len(alive))
    return [Piece(candidates.pieces[index], score) for index, score in zip(alive.tolist(), scores, strict=True)]


def lay_out(base: Any, candidates: Candidates, alive: Ints, config: ExpandConfig) -> Layout:
    """Give every new row its place, and fill up to the pad multiple with `<|reserved_N|>` rows of names not taken.

    Args:
        base: the base model.
        candidates: the tokens there are.
        alive: indices of those that are kept, ascending.
        config: names of the fixed rows, and the pad multiple.
    """
    fixed = fixed_rows(config)
    tokens = token_rows(base, candidates, alive)
    filled = len(base.pieces) + len(fixed) + len(tokens)
    padding_kind: RowKind = "reserved"
    taken = {piece.piece for piece in base.pieces} | {row.text for row in fixed}
    names = padding_names(taken, -filled % config.pad_multiple)
    padding = [Piece(name, 0.0, CONTROL) for name in names]
    named: list[RowKind] = ["mask" if row.type == USER_DEFINED else "reserved" for row in fixed]
    kinds: list[RowKind] = ["multi" if index < candidates.num_multis else "letter" for index in alive.tolist()]
    return Layout(
        first_id=len(base.pieces),
        num_fixed=len(fixed),
        rows=(*fixed, *tokens, *padding),
        kinds=(*named, *kinds, *(padding_kind for _ in padding)),
        alive=alive,
    )


def build_model(base: Any, layout: Layout) -> Any:
    """The extended model."""
    return extend(base, layout.rows)
