"""What a run did: the report, and the guards that stop it before a mistake is published."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.ledger import FAILED, IN, KEPT, Ledger
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.lines.text_lines import LineLedger
from malmoi_pipelines.dedupe.pictures import cluster_picture, similarity_picture
from malmoi_pipelines.raw.unread import Unread, check_budget

SUMS = {
    "candidate edges": "candidate_edges",
    "verified edges": "verified_edges",
    "verified follow-up edges": "follow_up_edges",
    "hot buckets": "hot_buckets",
    "members beyond their cap": "beyond_cap",
    "distinct repeated lines": "repeated_lines",
}
_LARGEST = 5  # clusters named in the report
_LOOK = "look at some with `malmoi dedupe explain ID --in OUT --documents DOCS`, OUT being the folder of this run"
_NO_LINES = {"lines": 0, "bytes": 0}


def summarise(results: list[dict[str, Any]], config: DedupeConfig) -> tuple[list[FileInfo], Report]:
    """The files written and the report.

    Args:
        results: values of all `Result`s of the steps, in any order.
        config: the config of the steps.

    Raises:
        BadInputError: more could not be read than the error budget allows.
        CheckError: a guard stopped the run.
    """
    unread = Unread.of_results(results)
    ledger = unread.ledger
    for value in results:
        ledger.merge(Ledger.from_json(value.get("ledger", {})))
    check_budget(ledger, unread.problems, config.error_budget)
    infos = [FileInfo.model_validate(info) for value in results for info in value.get("files", ())] + unread.files
    infos.sort(key=lambda info: info.path)
    removed, short = _nested(results, "removed"), _added(value.get("short_documents", {}) for value in results)
    rows = (_source_row(ledger, source, removed, short) for source in sorted(ledger.counts))
    sources = [row for row in rows if row["documents"]]  # not those of which nothing could be read
    largest = _largest(results)
    facts = _facts(results, ledger, sources, largest)
    _guard(sources, largest, config, results)
    similarities = _added(value.get("similarities", {}) for value in results)
    sizes = _added(value.get("cluster_sizes", {}) for value in results)
    tables = {
        "Removed by source": sources,
        "Largest clusters": [{"documents": size, "source": source, "id": id_} for size, source, id_ in largest],
    }
    if config.repeated_lines is not None:
        tables["Repeated lines by source"] = _line_rows(results)
    tables |= unread.tables()
    pictures = {}
    if similarities:
        pictures["Similarity of near duplicates"] = similarity_picture(similarities, config.threshold)
    if sizes:
        pictures["Sizes of clusters"] = cluster_picture(sizes)
    return infos, Report("dedupe", ledger, facts, tables, pictures)


def _added(counts: Iterable[dict[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return total


def _nested(results: list[dict[str, Any]], name: str) -> dict[str, Counter[str]]:
    total: dict[str, Counter[str]] = {}
    for value in results:
        for source, counts in value.get(name, {}).items():
            total.setdefault(source, Counter()).update(counts)
    return total


def _largest(results: list[dict[str, Any]]) -> list[list[Any]]:
    found = [cluster for value in results for cluster in value.get("largest", ())]
    return sorted(found, key=lambda cluster: (-cluster[0], *cluster[1:]))[:_LARGEST]


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


def _line_rows(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ledger of lines, one row a source."""
    ledger = LineLedger()
    for value in results:
        ledger.merge(LineLedger.from_json(value.get("lines", {})))
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
    results: list[dict[str, Any]], ledger: Ledger, sources: list[dict[str, Any]], largest: list[list[Any]]
) -> dict[str, Any]:
    def total(name: str) -> int:
        return sum(value.get(name, 0) for value in results)

    banded = total("band_documents")
    return {
        "documents in": ledger.documents(IN),
        "documents kept": ledger.documents(KEPT),
        "exact duplicates removed": sum(row["exact"] for row in sources),
        "near duplicates removed": sum(row["near"] for row in sources),
        "documents of repeated lines only": sum(row["emptied"] for row in sources),
        "largest cluster": largest[0][0] if largest else 0,
        "documents shorter than a shingle": sum(row["shorter than a shingle"] for row in sources),
        "documents with bands": banded,
        "band bytes shuffled per document": round(total("band_bytes") / banded, 1) if banded else 0,
        **{fact: total(name) for fact, name in SUMS.items()},
        "largest bucket": max((value.get("largest_bucket", 0) for value in results), default=0),
    }


def _guard(
    rows: list[dict[str, Any]], largest: list[list[Any]], config: DedupeConfig, results: list[dict[str, Any]]
) -> None:
    """Stop when a source all but vanished: template text can make unlike documents look alike."""
    guards, removed = config.guards, _nested(results, "guarded")
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
                    f"({count / number:.3f}), {_examples(results, source, reason)} among them.",
                    hint=f"{_LOOK}; if they are right, set guards.{reason}_share higher",
                )
        short = row["shorter than a shingle"]
        if config.near and short / number > guards.short_share:
            raise CheckError(
                f"source {source!r} must not have more than guards.short_share = {guards.short_share} of its documents "
                f"shorter than a shingle. Got {short:,} of {number:,}, {_short_examples(results, source)} among them.",
                hint="such documents lose exact duplicates only. If that is right, set guards.short_share higher",
            )
    limit = max(guards.cluster_share * sum(row["documents"] for row in rows), guards.from_documents)
    if largest and largest[0][0] > limit:
        size, source, id_ = largest[0]
        raise CheckError(
            f"no cluster may have more than guards.cluster_share = {guards.cluster_share} of the documents "
            f"({limit:,.0f}). Got {size:,}, into {id_} of source {source!r}.",
            hint=f"{_LOOK}; if it is right, set guards.cluster_share higher",
        )


def _examples(results: list[dict[str, Any]], source: str, reason: str) -> str:
    """The least similar removals of a source, by name: texts have no place in messages."""
    found: list[list[Any]] = []
    for value in results:
        for kind, examples in value.get("examples", {}).get(source, {}).items():
            found += examples if reason in (kind, "removed") else []
    parts = sorted(found)[:3]
    return ", ".join(f"{id_} for {partner} of {other!r} ({value:.3f})" for value, id_, other, partner in parts)


def _short_examples(results: list[dict[str, Any]], source: str) -> str:
    return ", ".join(sorted(id_ for value in results for id_ in value.get("short_examples", {}).get(source, ()))[:3])
