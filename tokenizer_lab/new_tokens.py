"""The table of new tokens: what each row is, why it is there, how often it occurs, and what it was before."""

from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.contracts.schemas import NEW_TOKENS
from tokenizer_lab.build import Expansion
from tokenizer_lab.hangul import SPACE_MARK
from tokenizer_lab.model_proto import load_for_units, merge_ranks
from tokenizer_lab.reachability import parents


def new_token_batch(expansion: Expansion) -> pa.RecordBatch:
    """The rows of `NEW_TOKENS`, in id order."""
    layout = expansion.layout
    texts = [row.text for row in layout.rows]
    counts = expansion.counts.tolist()
    columns = {
        "id": np.arange(layout.first_id, layout.size, dtype=np.int32),
        "piece": texts,
        "score": np.array([row.score for row in layout.rows], np.float32),
        "kind": list(layout.kinds),
        "reason": [_reason(kind, count, expansion.cutoff) for kind, count in zip(layout.kinds, counts, strict=True)],
        "count": counts,
        "parents": _parent_ids(expansion.model, texts, layout.kinds),
        "base_ids": load_for_units(expansion.base).encode([t.replace(SPACE_MARK, " ") for t in texts], out_type=int),
    }
    arrays = [pa.array(columns[field.name], field.type) for field in NEW_TOKENS.schema]
    return pa.RecordBatch.from_arrays(arrays, schema=NEW_TOKENS.schema)


def _reason(kind: str, count: int, cutoff: int) -> str:
    if kind != "multi":
        return kind
    return "kept" if count >= cutoff else "scaffold"


def _parent_ids(model: Any, texts: list[str], kinds: tuple[str, ...]) -> list[list[int]]:
    """Ids of the two parents of each multi in the final vocabulary, an empty list for the others."""
    ranks = merge_ranks(model.pieces)
    ids = {piece.piece: index for index, piece in enumerate(model.pieces)}
    halves = [parents(text, ranks) or () if kind == "multi" else () for text, kind in zip(texts, kinds, strict=True)]
    return [[ids[half] for half in pair] for pair in halves]
