"""The theorem under the word table, and the check of it on an actual vocabulary.

If no piece holds the characters "ab" side by side, no merge ever crosses a boundary a|b: what is merged left of it and
right of it does not depend on each other. So if no piece holds what meets where a unit ends, the tokens of a corpus are
the sum over its distinct units of (times the unit occurs) x (tokens of the unit), exactly and for every token id.
"""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.hangul import CONTROLS, SPACE_MARK, has_letter, is_korean_piece


def controls_in(units: pa.Array) -> frozenset[str]:
    r"""The control characters among `metaspace` units: each is a unit of its own.

    >>> controls_in(pa.array([" a", "\n"]))
    frozenset({'\n'})
    """
    found = pc.is_in(units, value_set=pa.array(sorted(CONTROLS), units.type))
    return frozenset(units.filter(found).to_pylist())


def check_no_crossing(pieces: Iterable[str], controls: frozenset[str]) -> None:
    r"""Check that no SentencePiece piece can cross a cut between two `metaspace` units of a corpus.

    Args:
        pieces: those that text can be merged to, in between or at the end (`Encoder.mergeable`).
        controls: the control characters of the corpus (`controls_in`). A piece that joins one to others (Mistral has
            `;\r`) is harmless where it never occurs.

    Raises:
        CheckError: naming the piece, and what in it crosses a cut.
    """
    for piece in pieces:
        if reason := _crossing(piece, controls):
            raise CheckError(
                f"token counts by unit would not be exact: the piece {piece!r} {reason}.",
                hint="clean the corpus first (line ends are \\n there), or use another tokenizer",
            )


def _crossing(piece: str, controls: frozenset[str]) -> str | None:
    """Why a piece could cross a cut, or None."""
    if SPACE_MARK in piece.lstrip(SPACE_MARK):
        return "has a space after another character"
    if has_letter(piece) and not is_korean_piece(piece.lstrip(SPACE_MARK)):
        return "mixes Hangul letters with other characters"
    if len(piece) > 1 and controls.intersection(piece):
        return "joins a control character to others, and the corpus has that character"
    return None
