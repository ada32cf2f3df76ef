"""What a run did: the report, and the guards that stop it before a mistake is published."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.ledger import FAILED, IN, KEPT, Ledger
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.result import Result, ledger_of, pick
from malmoi_pipelines.dedupe.apply import FileDeduped
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.digest import ShortDocuments
from malmoi_pipelines.dedupe.lines.repeated_lines import LinesMet
from malmoi_pipelines.dedupe.lines.text_lines import LineLedger
from malmoi_pipelines.dedupe.names import Cluster, ClustersNamed
from malmoi_pipelines.dedupe.near.bands import BandsSent
from malmoi_pipelines.dedupe.near.candidates import BucketsPaired
from malmoi_pipelines.dedupe.near.resolve import FollowedUp
from malmoi_pipelines.dedupe.near.verify import EdgesVerified
from malmoi_pipelines.dedupe.pictures import cluster_picture, similarity_picture
from malmoi_pipelines.dedupe.removals import Example, Removals
from malmoi_pipelines.raw.budget import check_read, tell_problems
from malmoi_pipelines.raw.inputs import InputFile
from malmoi_pipelines.raw.unread import Unread

_Key = TypeVar("_Key")
_LARGEST = 5  # clusters named in the report
_LOOK = "look at some with `malmoi dedupe explain ID --in OUT --documents DOCS`, OUT being the folder of this run"
_NO_LINES = {"lines": 0, "bytes": 0}


def summarise(
    results: list[Result], inputs: Sequence[InputFile], config: DedupeConfig
) -> tuple[list[FileInfo], Report]:
    """The files written and the report.

    Args:
        results: all results of the steps, in any order.
        inputs: what was read.
        config: the config of the steps.

    Raises:
        BadInputError: more could not be read than the error budget allows.
        CheckError: a guard stopped the run.
    """
    unread, ledger = Unread.total(results), ledger_of(results)
    check_read(unread, ledger, inputs, config)
    files, told = pick(results, FileDeduped), pick(results, Removals)
    infos = sorted([info for file in files for info in file.files] + unread.files, key=lambda info: info.path)
    short = pick(results, ShortDocuments)
    removed, too_short = _by_source(part.removed for part in told), _added(part.counts for part in short)
    rows = (_source_row(ledger, source, removed, too_short) for source in sorted(ledger.counts))
    sources = [row for row in rows if row["documents"]]  # not those of which nothing could be read
    clusters = pick(results, ClustersNamed)
    largest = _largest(clusters)
    facts = _facts(results, ledger, sources, largest)
    _guard(sources, largest, config, told, short)
    similarities, sizes = _added(part.similarities for part in told), _added(part.sizes for part in clusters)
    tables = {
        "Removed by source": sources,
        "Largest clusters": [{"documents": size, "source": source, "id": id_} for size, source, id_ in largest],
    }
    if config.repeated_lines is not None:
        tables["Repeated lines by source"] = _line_rows(files)
    pictures = {}
    if similarities:
        pictures["Similarity of near duplicates"] = similarity_picture(similarities, config.threshold)
    if sizes:
        pictures["Sizes of clusters"] = cluster_picture(sizes)
    report = Report("dedupe", ledger, facts, tables, pictures)
    tell_problems(report, unread, inputs)
    return infos, report


def _added(counts: Iterable[Counter[_Key]]) -> Counter[_Key]:
    total: Counter[_Key] = Counter()
    for part in counts:
        total.update(part)
    return total


def _by_source(parts: Iterable[dict[str, Counter[str]]]) -> dict[str, Counter[str]]:
    total: dict[str, Counter[str]] = {}
    for part in parts:
        for source, counts in part.items():
            total.setdefault(source, Counter()).update(counts)
    return total


def _largest(clusters: list[ClustersNamed]) -> list[Cluster]:
    found = [cluster for part in clusters for cluster in part.largest]
    return sorted(found, key=lambda cluster: (-cluster.size, cluster.source, cluster.id))[:_LARGEST]


def _source_row(ledger: Ledger, source: str, removed: dict[str, Counter[str]], short: Counter[str]) -> dict[str, Any]:
    documents = ledger.documents(IN, source) - ledger.documents(FAILED, source)
    counts = removed.get(source, Counter())
    return {
        "source": source,
        "documents": documents,
        "exact": counts["exact"],
        "near": counts["near"],
        "emptied": counts["lines"],
        "near share": round(counts["near"] / max(1, documents), 4),
        "shorter than a shingle": short[source],
    }


def _line_rows(files: list[FileDeduped]) -> list[dict[str, Any]]:
    """The ledger of lines, one row a source."""
    ledger = LineLedger()
    for file in files:
        ledger.merge(file.lines)
    ledger.check()
    outcomes = ("in", "kept", "removed")
    return [
        {
            "source": source,
            **{f"lines {outcome}": cells.get(outcome, _NO_LINES)["lines"] for outcome in outcomes},
            **{f"MB {outcome}": round(cells.get(outcome, _NO_LINES)["bytes"] / 1e6, 2) for outcome in outcomes},
        }
        for source, cells in ledger.to_json().items()
    ]


def _facts(
    results: list[Result], ledger: Ledger, sources: list[dict[str, Any]], largest: list[Cluster]
) -> dict[str, Any]:
    bands, buckets, edges = pick(results, BandsSent), pick(results, BucketsPaired), pick(results, EdgesVerified)
    banded = sum(part.documents for part in bands)
    return {
        "documents in": ledger.documents(IN),
        "documents kept": ledger.documents(KEPT),
        "exact duplicates removed": sum(row["exact"] for row in sources),
        "near duplicates removed": sum(row["near"] for row in sources),
        "documents of repeated lines only": sum(row["emptied"] for row in sources),
        "largest cluster": largest[0].size if largest else 0,
        "documents shorter than a shingle": sum(row["shorter than a shingle"] for row in sources),
        "documents with bands": banded,
        "band bytes shuffled per document": round(sum(part.bytes for part in bands) / banded, 1) if banded else 0,
        "candidate edges": sum(part.candidates for part in edges),
        "verified edges": sum(part.verified for part in edges),
        "verified follow-up edges": sum(part.edges for part in pick(results, FollowedUp)),
        "hot buckets": sum(part.hot for part in buckets),
        "members beyond their cap": sum(part.beyond_cap for part in buckets),
        "distinct repeated lines": sum(part.repeated for part in pick(results, LinesMet)),
        "largest bucket": max((part.largest for part in buckets), default=0),
    }


def _guard(
    rows: list[dict[str, Any]],
    largest: list[Cluster],
    config: DedupeConfig,
    told: list[Removals],
    too_short: list[ShortDocuments],
) -> None:
    """Stop when a source all but vanished: template text can make unlike documents look alike."""
    guards, removed = config.guards, _by_source(part.guarded for part in told)
    for row in rows:
        source, number = row["source"], row["documents"]
        if number < guards.from_documents:
            continue
        gone = removed.get(source, Counter())
        for reason, most, count in (
            ("near", guards.near_share, gone["near"]),
            ("exact", guards.exact_share, gone["exact"]),
            ("removed", max(guards.removed_share, guards.near_share, guards.exact_share), gone.total()),
        ):
            if count / number > most:
                raise CheckError(
                    f"source {source!r} must not lose more than guards.{reason}_share = {most} of its documents"
                    f"{'' if reason == 'removed' else f' as {reason} duplicates'}. Got {count:,} of {number:,} "
                    f"({count / number:.3f}), {_examples(told, source, reason)} among them.",
                    hint=f"{_LOOK}; {_lines_hint(config) if reason != 'exact' else ''}if they are right, set "
                    f"guards.{reason}_share higher",
                )
        short = row["shorter than a shingle"]
        if config.near and short / number > guards.short_share:
            raise CheckError(
                f"source {source!r} must not have more than guards.short_share = {guards.short_share} of its documents "
                f"shorter than a shingle. Got {short:,} of {number:,}, "
                f"{_short_examples(too_short, source)} among them.",
                hint="such documents lose exact duplicates only. If that is right, set guards.short_share higher",
            )
    limit = max(guards.cluster_share * sum(row["documents"] for row in rows), guards.from_documents)
    if largest and largest[0].size > limit:
        size, source, id_ = largest[0]
        raise CheckError(
            f"no cluster may have more than guards.cluster_share = {guards.cluster_share} of the documents "
            f"({limit:,.0f}). Got {size:,}, into {id_} of source {source!r}.",
            hint=f"{_LOOK}; {_lines_hint(config)}if it is right, set guards.cluster_share higher",
        )


def _lines_hint(config: DedupeConfig) -> str:
    """What helps where pages are alike by what a site puts around its texts."""
    if config.lines_before_near or not config.near:
        return ""
    return "if they share headers and footers only, let near dedupe pass over these (repeated_lines.before_near=true); "


def _examples(told: list[Removals], source: str, reason: str) -> str:
    """The least similar removals of a source, by name: texts have no place in messages."""
    found: list[Example] = []
    for part in told:
        for kind, examples in part.examples.get(source, {}).items():
            found += examples if reason in (kind, "removed") else []
    parts = sorted(found)[:3]
    return ", ".join(f"{id_} for {partner} of {other!r} ({value:.3f})" for value, id_, other, partner in parts)


def _short_examples(short: list[ShortDocuments], source: str) -> str:
    return ", ".join(sorted(id_ for part in short for id_ in part.examples.get(source, ()))[:3])
