"""The report: how long the corpus is in tokens, by source, and how often the tokens of the vocabulary occur."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts.arrays import I64, Bool
from malmoi_pipelines.contracts.errors import DefectError
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.count_tokens.steps import Encoded
from malmoi_pipelines.tokenizers.encoder import Encoder

THRESHOLDS = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
NUM_TOP = 20
DISTINCT_UNITS, EOJEOL_TOKENS = "distinct units", "tokens of eojeol"
"""Facts that the loop of `expand` reads back when it counts by this job."""


def summarise(
    encoder: Encoder, counts: I64, total: Encoded, sources: pa.Table, tokens_by_source: dict[str, int]
) -> Report:
    """The report.

    Args:
        encoder: the tokenizer.
        counts: occurrences of each id, shape [vocab_size].
        total: what was encoded, of all parts.
        sources: source, documents, bytes, eojeol: one row a source.
        tokens_by_source: source → tokens.
    """
    pieces, spellings = encoder.pieces(), encoder.spellings()
    text_bytes = pc.sum(sources["bytes"]).as_py() or 0
    facts = {
        "tokens": total.tokens,
        "bytes per token": ratio(text_bytes, total.tokens),
        EOJEOL_TOKENS: total.eojeol_tokens,
        "tokens per eojeol": ratio(total.eojeol_tokens, total.eojeol),
        "documents": pc.sum(sources["documents"]).as_py() or 0,
        "MB of text": round(text_bytes / 1e6, 2),
        "units": total.units,
        DISTINCT_UNITS: total.distinct,
        "share of tokens that are a part of a character": ratio(int(counts[parts(spellings)].sum()), total.tokens),
        **_vocabulary_facts(encoder, counts, pieces, spellings),
    }
    tables = {
        "Sources": _source_rows(sources, tokens_by_source),
        "Vocabulary": _threshold_rows(counts, pieces, total.tokens),
        "Most frequent tokens": _top_rows(counts, pieces, total.tokens),
    }
    return Report("count tokens", None, facts, tables)


def ratio(part: float, whole: float) -> float:
    """Rounded; 0 of nothing.

    >>> ratio(1, 3), ratio(1, 0)
    (0.333333, 0.0)
    """
    return round(part / whole, 6) if whole else 0.0


def parts(spellings: Sequence[bytes | None]) -> Bool:
    r"""Which tokens stand for bytes that are no whole characters: byte fallback, and pieces of byte-level merges.

    >>> parts([b" a", b"\xea\xb0", None]).tolist()
    [False, True, False]
    """
    return np.array([spelling is not None and not _is_text(spelling) for spelling in spellings], bool)


def _is_text(spelling: bytes) -> bool:
    try:
        spelling.decode()
    except UnicodeDecodeError:
        return False
    return True


def _vocabulary_facts(
    encoder: Encoder, counts: I64, pieces: list[str | None], spellings: list[bytes | None]
) -> dict[str, Any]:
    of_text = np.array([spelling is not None for spelling in spellings], bool)
    facts: dict[str, Any] = {
        "vocabulary: tokens": sum(piece is not None for piece in pieces),
        "vocabulary: possible in text": int(of_text.sum()),
        "vocabulary: never seen": int((of_text & (counts == 0)).sum()),
    }
    if encoder.first_new < encoder.vocab_size:
        new = counts[encoder.first_new :][of_text[encoder.first_new :]]
        facts |= {
            "new tokens: number": len(new),
            "new tokens: never seen": int((new == 0).sum()),
            "new tokens: least occurrences": int(new.min()) if len(new) else 0,
            "new tokens: share of the corpus": ratio(int(new.sum()), int(counts.sum())),
        }
    return facts


def _source_rows(sources: pa.Table, tokens_by_source: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "source": row["source"],
            "documents": row["documents"],
            "MB": round(row["bytes"] / 1e6, 2),
            "tokens": tokens_by_source.get(row["source"], 0),
            "bytes per token": ratio(row["bytes"], tokens_by_source.get(row["source"], 0)),
            "tokens per word": ratio(tokens_by_source.get(row["source"], 0), row["eojeol"]),
        }
        for row in sources.to_pylist()
    ]


def _threshold_rows(counts: I64, pieces: list[str | None], total: int) -> list[dict[str, Any]]:
    exists = np.array([piece is not None for piece in pieces], bool)
    rows = []
    for least in THRESHOLDS:
        chosen = exists & (counts >= least)
        rows.append(
            {
                "occurrences, at least": least,
                "tokens": int(chosen.sum()),
                "share of the vocabulary": ratio(int(chosen.sum()), int(exists.sum())),
                "share of the corpus": ratio(int(counts[chosen].sum()), total),
            }
        )
    return rows


def _top_rows(counts: I64, pieces: list[str | None], total: int) -> list[dict[str, Any]]:
    order = np.lexsort((np.arange(len(counts)), -counts))[:NUM_TOP].tolist()
    return [
        {
            "id": index,
            "piece": repr(pieces[index]),
            "count": int(counts[index]),
            "share": ratio(int(counts[index]), total),
        }
        for index in order
        if counts[index]
    ]


def check_counted(
    total: Encoded, rows: int, counts: I64, spellings: list[bytes | None], by_source: dict[str, int]
) -> None:
    """Prove that every unit was counted once: the tokens spell what the units do, and no unit is missing.

    Raises:
        DefectError: they do not.
    """
    lengths = np.array([len(spelling or b"") for spelling in spellings], np.int64)
    for what, expected, actual in (
        ("distinct units", rows, total.distinct),
        ("tokens", total.tokens, int(counts.sum())),
        ("tokens of all sources", total.tokens, sum(by_source.values())),
        ("bytes that the tokens spell", total.bytes, int(np.dot(lengths, counts))),
    ):
        if expected != actual:
            raise DefectError(f"{what} must be {expected}. Got {actual}.")
