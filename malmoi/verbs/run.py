"""`malmoi run RECIPE`: every stage in order; finished ones are skipped, changed ones made again from there on."""

from typing import Annotated

import typer
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import UsageError

from malmoi.arguments import BEAM, Overwrite, Quiet, Runner, Set, Workers, own_options, run_options, split_inputs
from malmoi.console import out as stdout
from malmoi.console import print_rows, print_warning


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(context_settings=BEAM)(run)


def run(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Recipe file, or one of ours, e.g. quickstart.")],
    out: Annotated[
        str, typer.Option("--out", "-o", help="Run folder to write, a folder in it for each stage (local path or URL).")
    ],
    input_root: Annotated[
        str | None, typer.Option("--input", help="Root of the raw input. Default: the recipe generates its input.")
    ] = None,
    set_: Set = None,
    workers: Workers = None,
    runner: Runner = "DirectRunner",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and print what would be done; nothing is written.")
    ] = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Run every stage of a recipe in order; run again after an interruption or a change, only what must is redone."""
    (path, *rest), flags = split_inputs([recipe], context.args)
    if positional := [argument for argument in [*rest, *flags] if not argument.startswith("-")]:
        raise UsageError(f"run takes one recipe. Got also {positional}.")
    options = run_options(runner, workers, flags, own_options(context))
    from malmoi.chain import build_chain
    from malmoi.preflight import changed_settings, check_run, find_warnings, plan_rows
    from malmoi.recipe import load_recipe
    from malmoi.run_folder import run_steps

    settings = load_recipe(path, set_ or [])
    steps = build_chain(settings, input_root, out, options)
    if dry_run:
        print_rows(plan_rows(steps), f"{settings.name}: what would be done")
        print_rows(changed_settings(steps), "settings that differ from their defaults")
    for line in find_warnings(steps):
        print_warning(line)
    check_run(steps, out)
    if dry_run:
        return
    report = run_steps(settings.name, steps, out, overwrite=overwrite, quiet=quiet).report
    print_rows(report.tables["Stages"], f"{settings.name}: stages")
    print_rows([{"figure": key, "value": value} for key, value in report.facts.items()], f"{settings.name}: result")
    print_rows([{"stage": step.name, "folder": step.folder} for step in steps], "outputs")
    stdout.print(f"report: {files.join(out, 'report.md')}")
