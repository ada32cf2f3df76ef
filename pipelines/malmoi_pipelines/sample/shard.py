"""Writing one shard: its lines and its truth, each to one file that appears whole or not at all."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import orjson
import zstandard

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.documents import Document, documents
from malmoi_pipelines.sample.junk import invalid_utf8, truncated
from malmoi_pipelines.sample.plan import ShardPlan
from malmoi_pipelines.sample.roles import document_id
from malmoi_pipelines.sample.sources import SOURCES
from malmoi_pipelines.sample.truth import Planting

ZSTD_LEVEL = 3
WRITE_BYTES = 1 << 18  # lines collected before they go to the compressor
_BREAK = {"truncated": truncated, "invalid_utf8": invalid_utf8}


@dataclass
class ShardWritten(Result):
    """What one shard holds."""

    source: str
    files: list[FileInfo] = field(default_factory=list)
    documents: int = 0
    """Lines, broken ones included."""
    bytes: int = 0
    """UTF-8 bytes of the lines, uncompressed."""
    text_bytes: int = 0
    """UTF-8 bytes of the texts of the readable lines."""
    plantings: Counter[str] = field(default_factory=Counter)
    """Rows of the truth file by kind."""


def write_shard(config: SampleConfig, plan: ShardPlan, out: str) -> ShardWritten:
    """Write a shard's data and truth files below `out`; the bytes depend on `config` and `plan` only.

    Args:
        config: the sample's configuration.
        plan: one of `plan_shards(config)`.
        out: a folder, local or any fsspec URL.
    """
    result = ShardWritten(plan.source)
    with (
        files.atomic_write(files.join(out, plan.data_path)) as data,
        files.atomic_write(files.join(out, plan.truth_path)) as truth,
    ):
        with zstandard.ZstdCompressor(level=ZSTD_LEVEL).stream_writer(cast(BinaryIO, data), closefd=False) as stream:
            _write_lines(config, plan, result, stream, truth)
        result.files = [
            FileInfo.of_sink(plan.data_path, data, table="data", rows=result.documents, text_bytes=result.text_bytes),
            FileInfo.of_sink(plan.truth_path, truth),
        ]
    return result


def _write_lines(config: SampleConfig, plan: ShardPlan, result: ShardWritten, stream: Any, truth: Any) -> None:
    lines: list[bytes] = []
    waiting = 0
    for document in documents(config, plan):
        line, text_bytes = _line(plan, document)
        # Stop where the size is nearest to the target.
        if result.bytes + len(line) // 2 > plan.target_bytes and result.documents >= plan.least_documents:
            break
        result.documents += 1
        result.bytes += len(line)
        result.text_bytes += text_bytes
        lines.append(line)
        waiting += len(line)
        for planting in document.plantings:
            result.plantings[planting.kind] += 1
            row = planting.row(_identity(plan, document), plan.source, plan.data_path, document.position + 1)
            truth.write(orjson.dumps(row) + b"\n")
        if waiting >= WRITE_BYTES:
            stream.write(b"".join(lines))
            lines, waiting = [], 0
    stream.write(b"".join(lines))


def _identity(plan: ShardPlan, document: Document) -> str:
    return document_id(plan.source, plan.shard, document.position)


def _line(plan: ShardPlan, document: Document) -> tuple[bytes, int]:
    """The line of a document, and the bytes of its text (0 if the line cannot be read)."""
    draft, identity = document.draft, _identity(plan, document)
    text = draft.text
    record: dict[str, Any] = {"id": identity, "source": plan.source, "text": text}
    if draft.lead:
        record |= {"text_en": draft.lead, "text_ko": draft.body}
    else:
        record |= SOURCES[plan.source].extra(identity, document.key)
    line = orjson.dumps(record)
    if document.kind in _BREAK:
        line, form, quoted = _BREAK[document.kind](line, document.dice("break"))
        document.plantings.append(Planting(document.kind, form=form, text=quoted))
        return line + b"\n", 0
    return line + b"\n", len(text.encode())
