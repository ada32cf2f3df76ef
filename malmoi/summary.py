"""A stage run for a person: its progress, and what is printed of the result or of any folder."""

from collections.abc import Callable
from typing import Any

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.progress import Progress
from malmoi_pipelines.contracts.report import ledger_rows, read_report
from malmoi_pipelines.contracts.stage import StageResult

from malmoi.console import out, print_facts, print_rows
from malmoi.progress import ShownProgress

HEADLINE = 8  # facts printed of a finished stage


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
    print_report(result.folder, HEADLINE)
    out.print(f"written to {result.folder}; all figures: {report_page(result)}")


def report_page(result: StageResult) -> str:
    """The best form of a stage's report to read: with pictures on one page, where there is such a page."""
    names = {info.path for info in result.manifest.files}
    return files.join(result.folder, "report.html" if "report.html" in names else "report.md")


def print_report(folder: str, facts: int | None = None) -> None:
    """The facts, the ledger and the shown tables of a dataset folder's report.

    Args:
        folder: the dataset folder.
        facts: how many facts, the most important ones; None: all of them.
    """
    report = read_report(folder)
    print_facts(dict(list(report.facts.items())[:facts]), report.stage)
    for name in report.shown:
        print_rows(report.tables[name], name)
    if report.ledger:
        print_rows(ledger_rows(report.ledger), "ledger")
        reasons: list[dict[str, Any]] = [{"reason": k, "documents": v} for k, v in report.ledger.reasons().items()]
        print_rows(reasons, "dropped")
