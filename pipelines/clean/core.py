"""The pure core of the clean stage: a block of raw documents in; documents, rejects, spans and counts out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.clean.config import CleanConfig, SourcePolicy
from pipelines.clean.meta import mask_meta
from pipelines.contracts.ledger import DROPPED, FAILED, IN, KEPT, Ledger
from pipelines.contracts.schemas import DOCUMENTS, REJECTS, SPANS
from pipelines.raw.rows import RawBlock
from pipelines.text.normalise import normalise
from pipelines.text.pii import Span, find_spans, mask
from pipelines.text.quality import reject_reason


class CleanedText(NamedTuple):
    """What became of one text. A tuple, because a frozen dataclass takes a microsecond more to make."""

    text: str
    """Normalised and, if kept, masked."""
    reason: str | None
    """Why it is not kept."""
    changes: tuple[str, ...]
    """Normalisation rules that changed it."""
    spans: Sequence[Span]
    """What was masked; offsets refer to the normalised text."""


@dataclass
class Counts:
    """What the report tells beside the ledger."""

    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(source, normalisation rule) → documents it changed."""
    masks: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(source, kind, rule) → masks put."""
    problems: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(file, reason) → lines that could not be read."""

    def merge(self, other: "Counts") -> None:
        """Add another's counts."""
        self.changes.update(other.changes)
        self.masks.update(other.masks)
        self.problems.update(other.problems)

    def to_json(self) -> dict[str, list[list[Any]]]:
        """Plain values in a fixed order: name → rows of key parts and count."""
        return {name: [[*key, count] for key, count in sorted(counter.items())] for name, counter in vars(self).items()}

    @classmethod
    def from_json(cls, value: dict[str, list[list[Any]]]) -> "Counts":
        """The inverse of `to_json`."""
        return cls(**{name: Counter({tuple(row[:-1]): row[-1] for row in rows}) for name, rows in value.items()})


@dataclass(frozen=True)
class CleanedBlock:
    """What became of one block."""

    documents: pa.RecordBatch
    rejects: pa.RecordBatch
    """In the order of the lines."""
    spans: pa.RecordBatch
    ledger: Ledger
    counts: Counts


def clean_text(text: str, policy: SourcePolicy) -> CleanedText:
    """Normalise, judge, and mask if kept.

    >>> clean_text("연락처는 010-1234-5678로 해 주세요. ", SourcePolicy()).text
    '연락처는 <|tell|>로 해 주세요.'
    """
    normalised = normalise(text, policy.normalise)
    reason = reject_reason(normalised.text, policy.thresholds)
    if reason is not None or not policy.pii.enabled:
        return CleanedText(normalised.text, reason, normalised.changes, ())
    spans = find_spans(normalised.text, policy.pii.strict, policy.pii.representative)
    masked = mask(normalised.text, spans) if spans else normalised.text
    return CleanedText(masked, None, normalised.changes, spans)


def clean_block(block: RawBlock, config: CleanConfig, file_name: str | None = None) -> CleanedBlock:
    """Clean a block of raw documents. The order of the rows is kept.

    Args:
        block: raw documents of one file.
        config: policies by source.
        file_name: what the report calls the file; its base name if None.
    """
    cleaned = [clean_text(text, config.policy(source)) for text, source in zip(block.texts, block.sources, strict=True)]
    raw = pa.array(block.texts, pa.large_string())
    counts = _counts(block, cleaned, file_name or block.file)
    return CleanedBlock(
        documents=_documents(block, cleaned, config, counts),
        rejects=_rejects(block, cleaned, raw),
        spans=_spans(block, cleaned),
        ledger=_ledger(block, cleaned, raw),
        counts=counts,
    )


def _documents(block: RawBlock, cleaned: list[CleanedText], config: CleanConfig, counts: Counts) -> pa.RecordBatch:
    kept = [i for i, result in enumerate(cleaned) if result.reason is None]
    columns = {
        "id": [block.ids[i] for i in kept],
        "source": [block.sources[i] for i in kept],
        "text": [cleaned[i].text for i in kept],
        "meta": [_masked_meta(block.metas[i], block.sources[i], config, counts) for i in kept],
        "perplexity": [None] * len(kept),
        "bad_perplexity": [None] * len(kept),
    }
    return pa.RecordBatch.from_pydict(columns, schema=DOCUMENTS.schema)


def _masked_meta(meta: str | None, source: str, config: CleanConfig, counts: Counts) -> str | None:
    if meta is None:
        return None
    masked, spans = mask_meta(meta, config.policy(source).pii)
    for span in spans:
        counts.masks[source, span.kind, f"{span.rule} (meta)"] += 1
    return masked


def _rejects(block: RawBlock, cleaned: list[CleanedText], raw: pa.Array) -> pa.RecordBatch:
    dropped = [i for i, result in enumerate(cleaned) if result.reason is not None]
    none = [None] * len(block.bad)
    columns = {
        "id": [block.ids[i] for i in dropped] + none,
        "source": [block.sources[i] for i in dropped] + [block.source] * len(none),
        "text": pa.concat_arrays([raw.take(pa.array(dropped, pa.int64())), pa.nulls(len(none), pa.large_string())]),
        "meta": [block.metas[i] for i in dropped] + none,
        "raw": [None] * len(dropped) + [bad.raw for bad in block.bad],
        "file": [block.file] * (len(dropped) + len(none)),
        "start": [block.start] * (len(dropped) + len(none)),
        "line": [block.lines[i] for i in dropped] + [bad.line for bad in block.bad],
        "reason": [cleaned[i].reason for i in dropped] + [bad.reason for bad in block.bad],
    }
    return pa.RecordBatch.from_pydict(columns, schema=REJECTS.schema).sort_by("line")


def _spans(block: RawBlock, cleaned: list[CleanedText]) -> pa.RecordBatch:
    rows = [(block.ids[i], block.sources[i], *span) for i, result in enumerate(cleaned) for span in result.spans]
    columns = zip(*rows, strict=True) if rows else [()] * len(SPANS.fields)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SPANS.fields, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SPANS.schema)


def _ledger(block: RawBlock, cleaned: list[CleanedText], raw: pa.Array) -> Ledger:
    ledger = Ledger()
    outcomes = [KEPT if result.reason is None else DROPPED + result.reason for result in cleaned]
    rows = pa.table({"source": block.sources, "outcome": outcomes, "bytes": pc.binary_length(raw)})
    if rows.num_rows:
        groups = rows.group_by(["source", "outcome"]).aggregate([("bytes", "count"), ("bytes", "sum")])
        for group in groups.to_pylist():
            _enter(ledger, group["source"], group["outcome"], group["bytes_count"], group["bytes_sum"])
    for bad in block.bad:
        _enter(ledger, block.source, FAILED, 1, bad.num_bytes)
    return ledger


def _enter(ledger: Ledger, source: str, outcome: str, documents: int, num_bytes: int) -> None:
    for name in (IN, outcome):
        ledger.add(source, name, documents, num_bytes)


def _counts(block: RawBlock, cleaned: list[CleanedText], file_name: str) -> Counts:
    counts = Counts(problems=Counter((file_name, bad.reason) for bad in block.bad))
    for source, result in zip(block.sources, cleaned, strict=True):
        for rule in result.changes:
            counts.changes[source, rule] += 1
        for span in result.spans:
            counts.masks[source, span.kind, span.rule] += 1
    return counts
