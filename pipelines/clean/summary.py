"""The clean stage's report, and whether too much of the input could not be read."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pipelines.clean.config import CleanConfig
from pipelines.clean.core import Counts
from pipelines.clean.job import TaskResult, check_sources
from pipelines.contracts.errors import BadInputError
from pipelines.contracts.ledger import FAILED, IN, KEPT, Ledger
from pipelines.contracts.manifest import FileInfo
from pipelines.contracts.report import Report
from pipelines.raw.compression import CORRUPT, TRUNCATED

SHOWN = 5  # problems that an error message names


def summarise(results: Iterable[dict[str, Any]], config: CleanConfig) -> tuple[list[FileInfo], Report]:
    """Merge the results of all tasks.

    Args:
        results: the values that `CleanFiles` yielded, in any order.
        config: the stage's options.

    Returns:
        The files written, in path order, and the report.

    Raises:
        BadInputError: more documents failed than `error_budget` allows, or there are too many sources.
    """
    total = TaskResult()
    for value in results:
        total.merge(TaskResult.from_json(value))
        check_sources(total.ledger, config)
    check_budget(total.ledger, total.counts, config)
    report = Report("clean", total.ledger, _facts(total, config), _tables(total.counts))
    return sorted(total.files, key=lambda info: info.path), report


def check_budget(ledger: Ledger, counts: Counts, config: CleanConfig) -> None:
    """Fail if more documents failed than the budget allows.

    `error_budget` is a share of the documents that came in. One failure is always allowed beside documents that could
    be read, so that one broken line does not stop a trial run of a hundred; a budget of 0 allows none.

    Raises:
        BadInputError: with the worst files and reasons.
    """
    came, failed = ledger.documents(IN), ledger.documents(FAILED)
    allowed = max(config.error_budget * came, 1) if config.error_budget else 0
    if failed == 0 or (failed <= allowed and failed < came):
        return
    worst = [f"{file}: {number:,} {reason}" for (file, reason), number in _most(counts.problems)]
    more = f" and {len(worst) - SHOWN:,} more" if len(worst) > SHOWN else ""
    raise BadInputError(
        f"{failed:,} of {came:,} documents could not be read, the error budget is {config.error_budget:g} of them. "
        f"{'; '.join(worst[:SHOWN])}{more}.",
        hint=_remedy(counts),
    )


def _remedy(counts: Counts) -> str:
    reasons: Counter[str] = Counter()
    for (_, reason), number in counts.problems.items():
        reasons[reason] += number
    remedies = {
        "invalid_utf8": "convert the files to UTF-8 (many Korean files are CP949: iconv -f cp949 -t utf-8), ",
        "missing_text": "name the field that holds the text (--set read.columns.text=NAME), ",
    }
    worst = _most(reasons)[0][0]
    return remedies.get(worst, "") + "look at the lines in rejects/, or raise the budget (--set error_budget=SHARE)"


def _facts(total: TaskResult, config: CleanConfig) -> dict[str, Any]:
    ledger, counts = total.ledger, total.counts
    damaged = {file for file, reason in counts.problems if reason in (TRUNCATED, CORRUPT)}
    kinds: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    for (_, kind, _), number in counts.masks.items():
        kinds[kind] += number
    for (_, rule), number in counts.changes.items():
        rules[rule] += number
    facts: dict[str, Any] = {
        "input files": total.input_files,
        "empty input files": total.empty_files,
        "damaged input files": len(damaged),
        "documents in": ledger.documents(IN),
        "documents kept": ledger.documents(KEPT),
        "documents dropped": ledger.documents("dropped"),
        "documents failed": ledger.documents(FAILED),
        "MB in": round(ledger.bytes(IN) / 1e6, 2),
        "MB kept": round(ledger.bytes(KEPT) / 1e6, 2),
        "NFD documents": rules["nfd"],
        "documents with literal masks": rules["literal_mask"],
        **{f"masks {kind}": kinds[kind] for kind in ("rrn", "acc", "tell")},
    }
    if unused := sorted(set(config.sources) - set(ledger.counts)):
        facts["policies of sources that did not occur"] = ", ".join(unused)
    return facts


def _tables(counts: Counts) -> dict[str, list[dict[str, Any]]]:
    tables = {
        "Changes": _rows(counts.changes, ("source", "rule"), "documents"),
        "Masks": _rows(counts.masks, ("source", "kind", "rule"), "masks"),
        "Input problems": _rows(counts.problems, ("file", "reason"), "lines"),
    }
    return {name: rows for name, rows in tables.items() if rows}


def _rows(counter: Counter[Any], names: tuple[str, ...], unit: str) -> list[dict[str, Any]]:
    return [{**dict(zip(names, key, strict=True)), unit: number} for key, number in sorted(counter.items())]


def _most(counter: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))
