"""The verb sample."""

from typing import Annotated

import typer

from malmoi.arguments import (
    BEAM,
    ConfigFile,
    Out,
    Overwrite,
    Quiet,
    Runner,
    Set,
    Workers,
    own_options,
    run_options,
    split_inputs,
    stage_config,
)
from malmoi.summary import finish


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(context_settings=BEAM)(sample)


def sample(
    context: typer.Context,
    out: Out,
    size: Annotated[str | None, typer.Option("--bytes", help="Raw text to generate, e.g. 100MB.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Another seed gives another text.")] = None,
    config: ConfigFile = None,
    set_: Set = None,
    workers: Workers = None,
    runner: Runner = "DirectRunner",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Generate Korean-like raw text with planted defects and a ground truth that says where."""
    _, flags = split_inputs([], context.args)
    options = run_options(runner, workers, flags, own_options(context))
    from malmoi_pipelines.sample.config import SampleConfig
    from malmoi_pipelines.sample.stage import sample as run

    settings = stage_config("sample", SampleConfig, config, set_, bytes=size, seed=seed)
    finish(quiet, lambda progress: run(out, settings, options, overwrite=overwrite, progress=progress))
