"""The report of `expand`, and what other reports on tokenizers share with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from malmoi_pipelines.contracts.report import Report

from malmoi_tokenizer_lab.evaluate.evaluation import ALL, CORPUS, HELD_OUT, Evaluation
from malmoi_tokenizer_lab.evaluate.overlap import overlap_rows, token_rows
from malmoi_tokenizer_lab.evaluate.pieces import shown
from malmoi_tokenizer_lab.report.pictures import count_distribution, fertility_by_source, token_lengths, trace

NUM_SHOWN = 50
"""Rows of a list of tokens; the tables of the folder have all."""

NUM_COUNTS = 8
"""Counts of a token's way through the rounds, the last ones."""

TOKENIZERS = "Tokenizers"
"""The table of figures of each tokenizer, side by side."""

Row = dict[str, Any]


@dataclass(frozen=True)
class LoopTables:
    """The tables that `expand` writes (malmoi_pipelines.contracts.schemas)."""

    new_tokens: pa.Table
    candidates: pa.Table
    rounds: pa.Table
    history: pa.Table


def make_report(facts: Mapping[str, Any], tables: LoopTables, evaluation: Evaluation, cutoff: int) -> Report:
    """The report of `expand`: equal input, equal report.

    Args:
        facts: single figures, name → value.
        tables: what the folder holds.
        evaluation: the base and the tokenizers of one or more policies, on the corpus and on held-out text.
        cutoff: least occurrences of a new token.
    """
    chosen = [row for row in tables.new_tokens.to_pylist() if row["kind"] in ("multi", "letter")]
    dropped = tables.candidates.filter(pc.invert(tables.candidates["kept"])).to_pylist()
    lists = _token_lists(chosen, dropped)
    ways = _ways(tables, [row["piece"] for rows in lists.values() for row in rows[:NUM_SHOWN]])
    rounds = tables.rounds.to_pylist()
    return Report(
        "expand",
        facts={**facts, "scaffolds": len(lists["Scaffolds"]), "tokens never emitted": len(lists["Never emitted"])},
        tables={
            **evaluation_tables(evaluation),
            "Rounds": readable(rounds),
            **{name: [_token_row(row, ways) for row in rows[:NUM_SHOWN]] for name, rows in lists.items()},
        },
        pictures={
            **({"Trace of rounds": trace(rounds)} if rounds else {}),
            **evaluation_pictures(evaluation, cutoff),
        },
        with_page=True,
    )


def _token_lists(chosen: Sequence[Row], dropped: Sequence[Row]) -> dict[str, list[Row]]:
    """Tokens worth a look, each list in a total order."""

    def by_count(rows: Iterable[Row], sign: int) -> list[Row]:
        return sorted(rows, key=lambda row: (sign * row["count"], row.get("id", row.get("candidate"))))

    return {
        "Most frequent new tokens": by_count(chosen, -1),
        "Least frequent kept tokens": by_count((row for row in chosen if row["reason"] in ("kept", "allowed")), 1),
        "Most frequent dropped tokens": by_count(dropped, -1),
        "Scaffolds": by_count((row for row in chosen if row["reason"] == "scaffold"), -1),
        "Never emitted": by_count((row for row in chosen if row["count"] == 0), 1),
    }


def _token_row(row: Row, ways: Mapping[str, str]) -> Row:
    place = {"id": row["id"]} if "id" in row else {"round": row["round"]}
    return {
        "token": shown(row["piece"]),
        **place,
        "count": row["count"],
        "raw count": row["raw_count"],
        "reason": row["reason"],
        "counts by round": ways.get(row["piece"], ""),
    }


def _ways(tables: LoopTables, pieces: Iterable[str]) -> dict[str, str]:
    """The ways of some candidates through the rounds: piece → its counts, where they changed."""
    wanted = pa.array(sorted(set(pieces)), pa.string())
    found = tables.candidates.filter(pc.is_in(tables.candidates["piece"], value_set=wanted))
    numbers = dict(zip(found["candidate"].to_pylist(), found["piece"].to_pylist(), strict=True))
    own = tables.history.filter(pc.is_in(tables.history["candidate"], value_set=pa.array(sorted(numbers), pa.int32())))
    counts: dict[str, list[int]] = {}
    for row in own.sort_by([("candidate", "ascending"), ("round", "ascending")]).to_pylist():
        counts.setdefault(numbers[row["candidate"]], []).append(row["count"])
    return {
        piece: ("… → " if len(values) > NUM_COUNTS else "") + " → ".join(f"{value:,}" for value in values[-NUM_COUNTS:])
        for piece, values in counts.items()
    }


def evaluation_tables(evaluation: Evaluation) -> dict[str, list[Row]]:
    """An evaluation as tables of a report: first in all, then by source."""
    tables = {
        TOKENIZERS: [row for row in evaluation.efficiency if row["source"] == ALL],
        "Tokenizers by source": [row for row in evaluation.efficiency if row["source"] != ALL],
        "Use of new tokens": [row for row in evaluation.vocabulary if row["source"] == ALL],
        "Use of new tokens by source": [row for row in evaluation.vocabulary if row["source"] != ALL],
        "Length of new tokens": evaluation.lengths,
        "Letters": evaluation.letters,
        "Parallel text": evaluation.parity,
        "Morphemes": evaluation.morphemes,
        "New tokens in pairs": overlap_rows(evaluation.new_counts),
        "New tokens of one only": token_rows(evaluation.new_counts),
        "Not measured": [dict(zip(("what", "why"), note.split(": ", 1), strict=True)) for note in evaluation.notes],
    }
    return {name: readable(rows) for name, rows in tables.items() if rows}


def evaluation_pictures(evaluation: Evaluation, cutoff: int | None) -> dict[str, bytes]:
    """The pictures of an evaluation: those that it has figures for.

    Args:
        evaluation: the figures.
        cutoff: least occurrences of a new token, drawn as a line beside the counts of the evaluation's first part.
    """
    pictures = {}
    counts = {name: list(own.values()) for name, own in evaluation.new_counts.items() if any(own.values())}
    if counts:
        pictures["Counts of new tokens"] = count_distribution(counts, cutoff)
    for part in (HELD_OUT, CORPUS):
        rows = [row for row in evaluation.efficiency if row["part"] == part]
        if rows:
            pictures[f"Tokens per eojeol {part}"] = fertility_by_source(rows, evaluation.tokenizers)
    if evaluation.lengths:
        pictures["Lengths of new tokens"] = token_lengths(evaluation.lengths)
    return pictures


def readable(rows: Sequence[Row]) -> list[Row]:
    """Rows with the names of their columns written as words."""
    return [{name.replace("_", " "): value for name, value in row.items()} for row in rows]
