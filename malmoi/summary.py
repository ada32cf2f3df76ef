"""A stage run for a person: its progress, and what is printed of the result or of any folder."""

from collections.abc import Callable
from typing import Any

from malmoi_pipelines.contracts.progress import Progress
from malmoi_pipelines.contracts.report import ledger_rows, read_report
from malmoi_pipelines.contracts.stage import StageResult

from malmoi.console import out, print_facts, print_rows
from malmoi.progress import ShownProgress


def finish(quiet: bool, stage: Callable[[Progress], StageResult]) -> None:
    """Run a stage with progress and print its result."""
    with ShownProgress(quiet) as progress:
        result = stage(progress)
    print_result(result)


def print_result(result: StageResult) -> None:
    """A stage's facts and ledger, and where its output lies."""
    if result.skipped:
        out.print(f"{result.manifest.stage}: {result.folder} is up to date, nothing to do.")
        return
    for reason in result.changed:
        out.print(f"{result.manifest.stage}: made again, because {reason}")
    print_report(result.folder)
    out.print(f"written to {result.folder}")


def print_report(folder: str) -> None:
    """The facts and the ledger of a dataset folder's report."""
    report = read_report(folder)
    print_facts(report.facts, report.stage)
    if report.ledger:
        print_rows(ledger_rows(report.ledger), "ledger")
        reasons: list[dict[str, Any]] = [{"reason": k, "documents": v} for k, v in report.ledger.reasons().items()]
        print_rows(reasons, "dropped")
