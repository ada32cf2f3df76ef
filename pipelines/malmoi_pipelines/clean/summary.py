"""The clean stage's report, and whether too much of the input could not be read."""

from collections import Counter
from typing import Any

from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.clean.counts import CleanCounts
from malmoi_pipelines.clean.histograms import SCALES, histogram_rows, histogram_svg
from malmoi_pipelines.clean.task import Cleaned, Cuts, check_sources
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.ledger import DROPPED, FAILED, IN, KEPT, Ledger
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.result import Result, pick
from malmoi_pipelines.contracts.sources import check_sources_occur
from malmoi_pipelines.raw.budget import check_read, tell_problems
from malmoi_pipelines.raw.compression import CORRUPT, TRUNCATED
from malmoi_pipelines.raw.inputs import FoundInputs
from malmoi_pipelines.raw.unread import Unread

REQUIRED_KINDS = ("rrn", "acc", "tell")  # shown even if there are none


def summarise(results: list[Result], found: FoundInputs, config: CleanConfig) -> tuple[list[FileInfo], Report]:
    """Merge the results of all tasks.

    Args:
        results: what the job told, ordered by step; of a task that was cleaned twice the last counts.
        found: what was read.
        config: the stage's options.

    Returns:
        The files written, in path order, and the report.

    Raises:
        BadInputError: more documents failed than `error_budget` allows, or there are too many sources.
    """
    cuts = {source: highest for part in pick(results, Cuts) for source, highest in part.highest.items()}
    total = Cleaned()
    for cleaned in _last_of_each_task(results):
        total.merge(cleaned)
        check_sources(total.ledger, config)
    unread = Unread(total.ledger, problems=total.counts.problems, read=total.read)
    check_read(unread, total.ledger, found.files, config)
    check_sources_occur("sources", config.sources, total.ledger.counts)
    report = Report(
        "clean",
        total.ledger,
        _facts(total, found),
        _tables(total, cuts, config),
        _pictures(total.counts),
    )
    tell_problems(report, unread, found.files)
    return sorted(total.files, key=lambda info: info.path), report


def remove_replaced(results: list[Result], out: str) -> None:
    """Remove the files of tasks that were cleaned again, into files of other names."""
    kept = {info.path for cleaned in _last_of_each_task(results) for info in cleaned.files}
    for cleaned in pick(results, Cleaned):
        for info in cleaned.files:
            if info.path not in kept:
                files.remove_tree(files.join(out, info.path))


def _last_of_each_task(results: list[Result]) -> list[Cleaned]:
    return list({cleaned.task: cleaned for cleaned in pick(results, Cleaned)}.values())


def _facts(total: Cleaned, found: FoundInputs) -> dict[str, Any]:
    ledger, counts = total.ledger, total.counts
    damaged = {file for file, reason in counts.problems if reason in (TRUNCATED, CORRUPT)}
    kinds: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    for (_, kind, _), number in counts.masks.items():
        kinds[kind] += number
    for (_, rule), number in counts.changes.items():
        rules[rule] += number
    return {
        "documents in": ledger.documents(IN),
        "documents kept": ledger.documents(KEPT),
        "documents dropped": ledger.documents("dropped"),
        "documents failed": ledger.documents(FAILED),
        "MB written, normalised and masked": round(sum(info.text_bytes for info in total.files) / 1e6, 2),
        **{f"masks {kind}": kinds[kind] for kind in sorted({*REQUIRED_KINDS, *kinds})},
        "MB in": round(ledger.bytes(IN) / 1e6, 2),
        "MB of the documents kept, as they came": round(ledger.bytes(KEPT) / 1e6, 2),
        "NFD documents": rules["nfd"],
        "documents with literal masks": rules["literal_mask"],
        "documents given an id of their own": counts.rekeyed.total(),
        "input files": len(found.files),
        "empty input files": sum(file.bytes == 0 for file in found.files),
        "files passed over": found.passed_over,
        "damaged input files": len(damaged),
        "MB of damaged files lost, or may be": round(total.read.lost_bytes.total() / 1e6, 2),
    }


def _tables(total: Cleaned, cuts: dict[str, float], config: CleanConfig) -> dict[str, list[dict[str, Any]]]:
    counts = total.counts
    tables = {
        "Dropped by source": dropped_rows(total.ledger),
        "Changes": _rows(counts.changes, ("source", "rule"), "documents"),
        "Masks": _rows(counts.masks, ("source", "kind", "rule"), "masks"),
        "Shared ids": _rows(counts.rekeyed, ("source",), "documents"),
        "Perplexity cuts": [
            {
                "source": source,
                "share to drop": config.policy(source).perplexity_cut,
                "highest score kept": round(cut, 2),
            }
            for source, cut in sorted(cuts.items())
        ],
        **{SCALES[name].title.capitalize(): histogram_rows(counts.histograms, name) for name in _drawn(counts)},
    }
    return {name: rows for name, rows in tables.items() if rows}


def dropped_rows(ledger: Ledger) -> list[dict[str, Any]]:
    """Dropped documents: one row a source and reason that occurs."""
    return [
        {"source": source, "reason": outcome.removeprefix(DROPPED), "documents": cell[0]}
        for source, outcomes in sorted(ledger.counts.items())
        for outcome, cell in sorted(outcomes.items(), key=lambda item: (-item[1][0], item[0]))
        if outcome.startswith(DROPPED)
    ]


def _pictures(counts: CleanCounts) -> dict[str, bytes]:
    return {SCALES[name].title.capitalize(): histogram_svg(counts.histograms, name) for name in _drawn(counts)}


def _drawn(counts: CleanCounts) -> list[str]:
    """The measures of which there are values."""
    present = {measure for measure, _, _ in counts.histograms}
    return [measure for measure in SCALES if measure in present]


def _rows(counter: Counter[Any], names: tuple[str, ...], unit: str) -> list[dict[str, Any]]:
    return [{**dict(zip(names, key, strict=True)), unit: number} for key, number in sorted(counter.items())]
