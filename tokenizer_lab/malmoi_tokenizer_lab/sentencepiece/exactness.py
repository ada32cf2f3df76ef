"""Whether tokens counted over units are those of the corpus (why they can be: `malmoi_pipelines.contracts.cuts`)."""

from typing import Any

import pyarrow as pa
from malmoi_pipelines.contracts.cuts import check_no_crossing
from malmoi_pipelines.contracts.hangul import CONTROLS
from malmoi_pipelines.tokenizers.model_proto import NORMAL, USER_DEFINED

from malmoi_tokenizer_lab.words import Units, Words


def check_exact(model: Any, words: Words) -> None:
    """Check that no piece can cross a cut between two units of this corpus.

    Raises:
        CheckError: naming the piece, and what in it crosses a cut.
    """
    pieces = (piece.piece for piece in model.pieces if piece.type in (NORMAL, USER_DEFINED))
    check_no_crossing(pieces, _controls_in(words.other))


def _controls_in(other: Units) -> frozenset[str]:
    """The control characters of the corpus."""
    found = pa.compute.index_in(pa.array(sorted(CONTROLS), pa.large_string()), value_set=other.text)
    return frozenset(
        control for control, index in zip(sorted(CONTROLS), found.to_pylist(), strict=True) if index is not None
    )
