"""The Beam job of the sample: one partition a shard, no shuffle."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.result import Result, pick
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.plan import plan_shards
from malmoi_pipelines.sample.shard import ShardWritten, write_shard


@dataclass(frozen=True)
class GenerateShards:
    """Writes the shard of its partition's number; the result is a `ShardWritten`."""

    config: SampleConfig
    out: str

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Result]:
        """Write one shard."""
        plan = plan_shards(self.config)[partition]
        yield write_shard(self.config, plan, self.out)


def report_tables(shards: Iterable[ShardWritten]) -> dict[str, list[dict[str, Any]]]:
    """Sum the results of all shards into the tables of a report: `sources` and `plantings`.

    The order of the results does not matter.
    """
    sources: dict[str, dict[str, Any]] = {}
    plantings: dict[str, dict[str, Any]] = {}
    for shard in shards:
        name = shard.source
        row = sources.setdefault(name, {"source": name, "documents": 0, "bytes": 0, "text bytes": 0})
        for key, value in (("documents", shard.documents), ("bytes", shard.bytes), ("text bytes", shard.text_bytes)):
            row[key] += value
        for kind, count in shard.plantings.items():
            cell = plantings.setdefault(kind, {"kind": kind, "total": 0})
            cell["total"] += count
            cell[name] = cell.get(name, 0) + count
    names = sorted(sources)
    return {
        "sources": [sources[name] for name in names],
        "plantings": [
            {"kind": kind, **{name: cell.get(name, 0) for name in names}, "total": cell["total"]}
            for kind, cell in sorted(plantings.items())
        ],
    }


def summarise(results: Iterable[Result]) -> tuple[list[FileInfo], Report]:
    """All files and the report of a sample from the results of its shards, in any order."""
    shards = pick(results, ShardWritten)
    tables = report_tables(shards)
    facts = {
        "files": sum(1 for shard in shards for info in shard.files if info.table == "data"),
        "documents": sum(shard.documents for shard in shards),
        "bytes": sum(shard.bytes for shard in shards),
        "MB of text": round(sum(shard.text_bytes for shard in shards) / 1e6, 2),
        "sources": len(tables["sources"]),
        "plantings": sum(row["total"] for row in tables["plantings"]),
    }
    infos = [info for shard in shards for info in shard.files]
    return sorted(infos, key=lambda info: info.path), Report("sample", facts=facts, tables=tables)
