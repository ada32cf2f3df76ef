"""The chain of steps, and the summary of what they did.

    DigestFile ─▶ GroupExact ─▶ SendBands ─▶ PairBuckets ─▶ ExtractShingles ─▶ VerifyEdges ─▶ ResolveMatches
     by file       by digest     by file       by digest       by file            by file       one partition
                                    ╰───────────────(near: false)──────────────────────────────────╮ │
                                                 ApplyRemovals ◀── NameSurvivors ◀── SettleRemovals ◀╯
                                                    by file          by file            by file

Texts are read three times (digest, extract, apply; extract reads only row groups with candidates) and sent never.
"""

from collections import Counter
from typing import Any

from pipelines.contracts.errors import CheckError
from pipelines.contracts.ledger import IN, KEPT, Ledger
from pipelines.contracts.manifest import FileInfo
from pipelines.contracts.report import Report
from pipelines.dedupe.apply import ApplyRemovals, NameSurvivors, SettleRemovals
from pipelines.dedupe.bands import PairBuckets, SendBands
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.digest import DigestFile
from pipelines.dedupe.exact import GroupExact
from pipelines.dedupe.resolve import ResolveMatches
from pipelines.dedupe.verify import ExtractShingles, VerifyEdges
from pipelines.engine.job import Step

PARTITION_BYTES = 128 << 20
"""Bytes of input text a hash partition. Band rows take 336 bytes a document: 12 MB for long documents of 4 KB, and at
most some 0.5 GB where every document is a sentence of just five words."""


def dedupe_steps(
    files: tuple[str, ...], out: str, work: str, config: DedupeConfig, input_bytes: int
) -> tuple[Step, ...]:
    """The steps that remove duplicates.

    Args:
        files: Parquet files of documents. Their order gives the output files their numbers and nothing else.
        out: dataset folder; gets `data/part-NNNNN.parquet` and `removals/part-NNNNN.parquet`, one a file.
        work: folder for work files; all workers must reach it.
        config: what counts as a duplicate.
        input_bytes: UTF-8 bytes of all texts; the number of hash partitions follows it, never the number of workers.
    """
    by_hash = max(1, -(-input_bytes // PARTITION_BYTES))
    by_file = len(files)
    near = (
        Step("pair buckets", PairBuckets(config.neighbours), by_hash),
        Step("extract shingles", ExtractShingles(files, work, config.shingle_words), by_file),
        Step("verify edges", VerifyEdges(work, config.threshold), by_file),
        Step("resolve matches", ResolveMatches(work, config.threshold), 1),
    )
    return (
        Step("digest", DigestFile(files, work, config, by_hash), by_file),
        Step("group exact", GroupExact(), by_hash),
        Step("send bands", SendBands(work, by_hash), by_file),
        *(near if config.near else ()),
        Step("settle removals", SettleRemovals(work), by_file),
        Step("name survivors", NameSurvivors(files), by_file),
        Step("apply removals", ApplyRemovals(files, out), by_file),
    )


def summarise(results: list[dict[str, Any]], config: DedupeConfig) -> tuple[list[FileInfo], Report]:
    """The files written and the report.

    Args:
        results: values of all `Result`s of the steps, in any order.
        config: the config of the steps.

    Raises:
        CheckError: a source lost a larger share to near duplicates than the config allows.
    """
    ledger = Ledger()
    infos: list[FileInfo] = []
    removed: dict[str, Counter[str]] = {}
    for value in results:
        ledger.merge(Ledger.from_json(value.get("ledger", {})))
        infos += [FileInfo.model_validate(info) for info in value.get("files", ())]
        for source, counts in value.get("removed", {}).items():
            removed.setdefault(source, Counter()).update(counts)
    rows = [_source_row(ledger, source, removed.get(source, Counter())) for source in sorted(ledger.counts)]
    _guard(rows, config)

    def total(name: str) -> int:
        return sum(value.get(name, 0) for value in results)

    facts = {
        "documents in": ledger.documents(IN),
        "documents kept": ledger.documents(KEPT),
        "exact duplicates removed": sum(row["exact"] for row in rows),
        "near duplicates removed": sum(row["near"] for row in rows),
        "largest group of duplicates": max((value.get("largest_group", 0) for value in results), default=0),
        "documents shorter than a shingle": total("short_documents"),
        "candidate edges": total("candidate_edges"),
        "verified edges": total("verified_edges"),
        "verified follow-up edges": total("follow_up_edges"),
    }
    infos.sort(key=lambda info: info.path)
    return infos, Report("dedupe", ledger, facts, {"Removed by source": rows})


def _source_row(ledger: Ledger, source: str, removed: Counter[str]) -> dict[str, Any]:
    documents, near = ledger.documents(IN, source), removed["near"]
    return {
        "source": source,
        "documents": documents,
        "exact": removed["exact"],
        "near": near,
        "near share": round(near / documents, 4),
    }


def _guard(rows: list[dict[str, Any]], config: DedupeConfig) -> None:
    """Stop when a source all but vanished: template text can make unlike documents look alike."""
    for row in rows:
        share = row["near"] / row["documents"]
        if row["documents"] >= config.guard_documents and share > config.max_removed_share:
            raise CheckError(
                f"source {row['source']!r} must not lose more than max_removed_share = {config.max_removed_share} of "
                f"its documents as near duplicates. Got {row['near']:,} of {row['documents']:,} ({share:.3f}).",
                hint="look at its removals; if they are right, set max_removed_share higher",
            )
