"""`malmoi run RECIPE`: every stage in order; finished ones are skipped, changed ones made again from there on."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.manifest import REPORTS
from malmoi_pipelines.contracts.report import Report, read_report
from malmoi_pipelines.contracts.stage import StageResult, check_apart

from malmoi.arguments import BEAM, Out, Overwrite, Quiet, Runner, Set, Workers, run_options, split_inputs
from malmoi.console import err, print_rows
from malmoi.console import out as stdout
from malmoi.progress import ShownProgress
from malmoi.resources import Meter
from malmoi.stages import FOLDERS

if TYPE_CHECKING:
    from malmoi.chain import Step

TIMINGS = "timings.json"  # what each stage took; also marks a folder as a run folder


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(context_settings=BEAM)(run)


def run(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Recipe file, e.g. recipes/quickstart.yaml.")],
    out: Out,
    input_root: Annotated[
        str | None, typer.Option("--input", help="Root of the raw input. Default: the recipe generates its input.")
    ] = None,
    set_: Set = None,
    workers: Workers = None,
    runner: Runner = "DirectRunner",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Run every stage of a recipe in order; run again after an interruption or a change, only what must is redone."""
    (path, *rest), flags = split_inputs([recipe], context.args)
    if positional := [argument for argument in [*rest, *flags] if not argument.startswith("-")]:
        raise UsageError(f"run takes one recipe. Got also {positional}.")
    options = run_options(runner, workers, flags)
    from malmoi.chain import build_chain
    from malmoi.recipe import load_recipe

    settings = load_recipe(path, set_ or [])
    if input_root is None and settings.section("sample") is None:
        raise UsageError(f"{path} generates no input.", hint="give the root of the raw text with --input ROOT")
    if input_root is not None:
        check_apart(out, [input_root])
    timings = _open_run_folder(out, overwrite)
    chain = build_chain(settings, input_root, out, options)
    for number, stage in enumerate(chain, 1):
        if not quiet:
            err.print(f"[bold]{stage.name}[/], stage {number} of {len(chain)}")
        with Meter() as meter, ShownProgress(quiet) as progress:
            result = stage.run(progress)
        _note(result, quiet)
        if not result.skipped:
            timings[stage.name] = {"seconds": meter.usage.seconds, "peak_mb": meter.usage.peak_mb}
            files.write_bytes(files.join(out, TIMINGS), orjson.dumps(timings, option=orjson.OPT_INDENT_2))
    _write_report(settings.name, out, chain, timings)


def _open_run_folder(folder: str, overwrite: bool) -> dict[str, Any]:
    """The timings of the run in `folder`, empty for a new one.

    Raises:
        UsageError: the folder holds something that is not a run.
    """
    path = files.join(folder, TIMINGS)
    if overwrite and files.exists(path):
        for name in (*FOLDERS.values(), TIMINGS, *REPORTS):
            files.remove_tree(files.join(folder, name))
    if files.exists(path):
        return dict(orjson.loads(files.read_bytes(path)))
    fs, inner = files.filesystem(folder)
    if fs.exists(inner) and fs.ls(inner):
        raise UsageError(f"{folder} is not empty and is not a malmoi run.", hint="choose another --out")
    files.write_bytes(path, b"{}")
    return {}


def _note(result: StageResult, quiet: bool) -> None:
    if quiet:
        return
    if result.skipped:
        err.print("  up to date, skipped")
    for reason in result.changed:
        err.print(f"  made again: {reason}", markup=False)


def _write_report(name: str, folder: str, chain: list["Step"], timings: dict[str, Any]) -> None:
    """Print the run's table and write it as `report.json` and `report.md`."""
    reports = {step.name: read_report(step.folder) for step in chain}
    funnel = [_funnel_row(stage, report, timings.get(stage, {})) for stage, report in reports.items()]
    facts = headline(reports, {step.name: step.stage.headline for step in chain})
    print_rows(funnel, f"{name}: stages")
    print_rows([{"figure": key, "value": value} for key, value in facts.items()], f"{name}: result")
    print_rows([{"stage": step.name, "folder": step.folder} for step in chain], "outputs")
    stdout.print(f"report: {files.join(folder, 'report.md')}")
    Report(name, None, facts, {"Stages": funnel}).write(folder)


def _funnel_row(stage: str, report: Report, timing: dict[str, Any]) -> dict[str, Any]:
    ledger = report.ledger
    counts = {key: ledger.documents(key) if ledger else "" for key in ("in", "kept", "dropped", "merged", "failed")}
    return {"stage": stage, **counts, "seconds": timing.get("seconds", ""), "peak MB": timing.get("peak_mb", "")}


def headline(reports: Mapping[str, Report], wanted: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The figures of a run that answer "did it work?": the facts that each stage's declaration names."""
    return {f"{name}: {fact}": report.facts[fact] for name, report in reports.items() for fact in wanted[name]}
