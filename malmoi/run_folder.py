"""Runs the steps of a recipe into one folder: finished ones are skipped, changed ones made again from there on."""

import datetime
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.manifest import MANIFEST, REPORTS, WORK
from malmoi_pipelines.contracts.report import Report, read_report
from malmoi_pipelines.contracts.stage import StageResult
from malmoi_pipelines.contracts.timings import TIMINGS, read_timings

from malmoi.chain import Step
from malmoi.console import err
from malmoi.progress import ShownProgress


@dataclass(frozen=True)
class FinishedRun:
    """A run whose steps are done."""

    results: dict[str, StageResult]
    """Name of each step → what it made, in order."""
    report: Report


def run_steps(name: str, steps: list[Step], folder: str, *, overwrite: bool, quiet: bool) -> FinishedRun:
    """Run all steps and write the report of the run; its timings are those of the steps that are done so far.

    Args:
        name: the recipe's.
        steps: what to run, in order; they write below `folder`.
        folder: the folder of the run.
        overwrite: begin anew.
        quiet: show nothing.

    Returns:
        What each step made, and the report as it is in the folder.

    Raises:
        UsageError: the folder holds something that is not a run.
    """
    results, timings = {}, {}
    open_run_folder(folder, (step.folder for step in steps), overwrite)
    started = time.monotonic()
    for number, step in enumerate(steps, 1):
        if not quiet:
            so_far = f", {clock(time.monotonic() - started)} so far" if number > 1 else ""
            err.print(f"[bold]{step.name}[/], stage {number} of {len(steps)}{so_far}")
        with ShownProgress(quiet) as progress:
            results[step.name] = result = step.run(progress)
        timings[step.name] = read_timings(step.folder)
        files.write_bytes(files.join(folder, TIMINGS), orjson.dumps(timings, option=orjson.OPT_INDENT_2) + b"\n")
        if not quiet:
            _note(result)
    report = run_report(name, steps, timings)
    report.write(folder)
    return FinishedRun(results, report)


def is_run_or_empty(folder: str) -> bool:
    """Whether a run may write there: it holds one, or nothing. A stage's folder, too, has timings, and is no run."""
    fs, inner = files.filesystem(folder)
    of_a_stage = any(files.exists(files.join(folder, name)) for name in (MANIFEST, WORK))
    is_run = files.exists(files.join(folder, TIMINGS)) and not of_a_stage
    return is_run or not fs.exists(inner) or not fs.ls(inner)


def open_run_folder(folder: str, outputs: Iterable[str], overwrite: bool) -> None:
    """Begin a run in a folder, or go on with the one that is there; a file of timings marks it.

    Raises:
        UsageError: the folder holds something that is not a run.
    """
    if not is_run_or_empty(folder):
        raise UsageError(f"{folder} is not empty and is not a malmoi run.", hint="choose another --out")
    path = files.join(folder, TIMINGS)
    if overwrite and files.exists(path):
        for name in (*outputs, path, *(files.join(folder, report) for report in REPORTS)):
            files.remove_tree(name)
    if not files.exists(path):
        files.write_bytes(path, b"{}\n")


def _note(result: StageResult) -> None:
    if result.skipped:
        err.print("  up to date, skipped")
    for reason in result.changed:
        err.print(f"  made again: {reason}", markup=False)


def run_report(name: str, steps: list[Step], timings: Mapping[str, Any]) -> Report:
    """The report of a run whose steps are finished."""
    reports = {step.name: read_report(step.folder) for step in steps}
    funnel = [_funnel_row(stage, report, timings.get(stage, {})) for stage, report in reports.items()]
    funnel.append(_total_row(timings))
    facts = headline(reports, {step.name: step.stage.headline for step in steps})
    return Report(name, None, facts, {"Stages": funnel})


def _funnel_row(stage: str, report: Report, timing: Mapping[str, Any]) -> dict[str, Any]:
    ledger = report.ledger
    counts = {key: ledger.documents(key) if ledger else "" for key in ("in", "kept", "dropped", "merged", "failed")}
    return {"stage": stage, **counts, "seconds": timing.get("seconds", ""), "peak MB": timing.get("peak_mb", "")}


def _total_row(timings: Mapping[str, Any]) -> dict[str, Any]:
    """The time of all stages, and the memory of the one that took most."""
    counts = dict.fromkeys(("in", "kept", "dropped", "merged", "failed"), "")
    seconds = round(sum(timing.get("seconds", 0.0) for timing in timings.values()), 2)
    peak_mb = max((timing.get("peak_mb", 0.0) for timing in timings.values()), default=0.0)
    return {"stage": "total", **counts, "seconds": seconds, "peak MB": peak_mb}


def clock(seconds: float) -> str:
    """Time as people read it.

    >>> clock(7.2), clock(3671)
    ('0:00:07', '1:01:11')
    """
    return str(datetime.timedelta(seconds=int(seconds)))


def headline(reports: Mapping[str, Report], wanted: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The figures of a run that answer "did it work?": the facts that each stage's declaration names."""
    return {f"{name}: {fact}": report.facts[fact] for name, report in reports.items() for fact in wanted[name]}
