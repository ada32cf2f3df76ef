"""The Beam job of the sample: one partition a shard, no shuffle."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.engine.job import Result
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.plan import plan_shards
from malmoi_pipelines.sample.shard import write_shard


@dataclass(frozen=True)
class GenerateShards:
    """Writes the shard of its partition's number; the result is `ShardResult.to_json()`."""

    config: SampleConfig
    out: str

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Result]:
        """Write one shard."""
        plan = plan_shards(self.config)[partition]
        yield Result(write_shard(self.config, plan, self.out).to_json())


def report_tables(results: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Sum the results of all shards into the tables of a report: `sources` and `plantings`.

    The order of the results does not matter.
    """
    sources: dict[str, dict[str, Any]] = {}
    plantings: dict[str, dict[str, Any]] = {}
    for result in results:
        name = result["source"]
        row = sources.setdefault(name, {"source": name, "documents": 0, "bytes": 0, "text bytes": 0})
        for key, value in (("documents", "documents"), ("bytes", "bytes"), ("text bytes", "text_bytes")):
            row[key] += result[value]
        for kind, count in result["plantings"].items():
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


def summarise(results: Iterable[dict[str, Any]]) -> tuple[list[FileInfo], Report]:
    """All files and the report of a sample from the results of its shards, in any order."""
    results = list(results)
    tables = report_tables(results)
    facts = {
        "files": sum(1 for result in results for info in result["files"] if info["table"] == "data"),
        "documents": sum(result["documents"] for result in results),
        "bytes": sum(result["bytes"] for result in results),
        "plantings": sum(row["total"] for row in tables["plantings"]),
    }
    infos = [FileInfo.model_validate(info) for result in results for info in result["files"]]
    return sorted(infos, key=lambda info: info.path), Report("sample", facts=facts, tables=tables)
