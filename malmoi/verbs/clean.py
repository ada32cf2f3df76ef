"""The verb clean."""

import typer

from malmoi.arguments import (
    BEAM,
    ConfigFile,
    Out,
    Overwrite,
    Quiet,
    RawInputs,
    Runner,
    Set,
    Workers,
    input_paths,
    own_options,
    run_options,
    stage_config,
)
from malmoi.summary import finish


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(context_settings=BEAM)(clean)


def clean(
    context: typer.Context,
    inputs: RawInputs,
    out: Out,
    config: ConfigFile = None,
    set_: Set = None,
    workers: Workers = None,
    runner: Runner = "DirectRunner",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Raw text to documents: normalised, filtered, PII masked; every reject with its reason."""
    paths, flags = input_paths(inputs, context)
    options = run_options(runner, workers, flags, own_options(context))
    from malmoi_pipelines.clean.config import CleanConfig
    from malmoi_pipelines.clean.stage import clean as run

    settings = stage_config("clean", CleanConfig, config, set_)
    finish(quiet, lambda progress: run(paths, out, settings, options, overwrite=overwrite, progress=progress))
