"""What the loop did, as the tables of the dataset folder: new tokens, candidates, rounds, counts round by round."""

from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pyarrow as pa
from malmoi_pipelines.contracts.schemas import CANDIDATES, HISTORY, NEW_TOKENS, ROUNDS, Table

from malmoi_tokenizer_lab.build import Expansion, Loop
from malmoi_tokenizer_lab.loop.fixed_point import Round
from malmoi_tokenizer_lab.report.report import LoopTables


def loop_tables(expansion: Expansion) -> LoopTables:
    """All four."""
    return LoopTables(
        new_tokens=_new_tokens(expansion),
        candidates=_candidates(expansion),
        rounds=_rounds(expansion.loop),
        history=_history(expansion.loop),
    )


def _table(table: Table, columns: dict[str, Any]) -> pa.Table:
    arrays = [pa.array(columns[field.name], field.type) for field in table.schema]
    return pa.Table.from_arrays(arrays, schema=table.schema)


def _new_tokens(expansion: Expansion) -> pa.Table:
    rows, first = expansion.artefact.rows, expansion.base.size
    counts = expansion.counts.tolist()
    raw = [
        int(expansion.raw_counts[row.candidate]) if row.candidate >= 0 else count
        for row, count in zip(rows, counts, strict=True)
    ]
    reasons = _reasons(expansion.loop)
    return _table(
        NEW_TOKENS,
        {
            "id": range(first, first + len(rows)),
            "piece": [row.piece for row in rows],
            "text": [row.text for row in rows],
            "score": np.array([row.score for row in rows], np.float32),
            "kind": [row.kind for row in rows],
            "reason": [reasons[row.candidate] if row.candidate >= 0 else row.kind for row in rows],
            "count": counts,
            "raw_count": raw,
            "parents": _parent_ids(expansion),
            "base_ids": expansion.base_ids,
        },
    )


def _parent_ids(expansion: Expansion) -> list[list[int]]:
    """Ids of the two parents of each multi in the final vocabulary, an empty list for the others."""
    candidates, alive = expansion.loop.candidates, expansion.loop.fixed_point.alive
    ids = np.arange(candidates.num_symbols)
    for place, row in enumerate(expansion.artefact.rows):
        if row.candidate >= 0:
            ids[candidates.symbols[row.candidate]] = expansion.base.size + place
    parents = candidates.parents(alive)
    pairs = np.where(parents >= 0, ids[parents], -1).tolist()
    return [
        pairs[row.candidate] if row.candidate >= 0 and pairs[row.candidate][0] >= 0 else []
        for row in expansion.artefact.rows
    ]


def _reasons(loop: Loop) -> list[str]:
    """Why each candidate is kept, or what dropped it."""
    found, limits = loop.fixed_point, loop.limits
    reasons: list[str] = []
    for index, piece_round in enumerate(found.dropped_in.tolist()):
        if not found.alive[index]:
            reasons.append(found.phases[piece_round])
        elif limits.wanted[index]:
            reasons.append("allowed")
        elif index >= loop.candidates.num_multis:
            reasons.append("letter")
        else:
            reasons.append("kept" if found.counts[index] >= limits.cutoff else "scaffold")
    return reasons


def _candidates(expansion: Expansion) -> pa.Table:
    loop = expansion.loop
    candidates, found = loop.candidates, loop.fixed_point
    first_counts = np.zeros(len(candidates), np.int64)
    first_counts[found.history[0][0]] = found.history[0][1]
    left_out = [*loop.unreachable, *loop.denied]
    multis = candidates.num_multis
    kinds = ["multi" if index < multis else "letter" for index in range(len(candidates))]
    none = [0] * len(left_out)
    return _table(
        CANDIDATES,
        {
            "candidate": range(len(candidates) + len(left_out)),
            "piece": [*candidates.pieces, *left_out],
            "kind": [*kinds, *("letter" if len(piece) == 1 else "multi" for piece in left_out)],
            "parents": [*_parent_pieces(loop), *([] for _ in left_out)],
            "first_count": [*first_counts.tolist(), *none],
            "count": [*found.counts.tolist(), *none],
            "raw_count": expansion.raw_counts.tolist(),
            "kept": [*found.alive.tolist(), *(False for _ in left_out)],
            "reason": [*_reasons(loop), *("unreachable" for _ in loop.unreachable), *("denied" for _ in loop.denied)],
            "round": [*(number or None for number in found.dropped_in.tolist()), *(None for _ in left_out)],
        },
    )


def _parent_pieces(loop: Loop) -> list[list[str]]:
    candidates = loop.candidates
    texts = [*candidates.inventory.texts, *candidates.pieces[: candidates.num_multis]]
    pairs = candidates.parents(np.ones(len(candidates), bool)).tolist()
    return [[texts[left], texts[right]] if left >= 0 else [] for left, right in pairs]


def _rounds(loop: Loop) -> pa.Table:
    rows = [asdict(this) for this in loop.fixed_point.rounds]
    return _table(ROUNDS, {field.name: [row[field.name] for row in rows] for field in fields(Round)})


def _history(loop: Loop) -> pa.Table:
    changes = loop.fixed_point.history
    numbers = np.repeat(np.arange(1, len(changes) + 1), [len(which) for which, _ in changes])
    return _table(
        HISTORY,
        {
            "round": numbers,
            "candidate": np.concatenate([which for which, _ in changes]),
            "count": np.concatenate([counts for _, counts in changes]),
        },
    )
