"""The verb shard."""

from typing import Annotated

import typer

from malmoi.arguments import (
    BEAM,
    ConfigFile,
    Documents,
    Out,
    Overwrite,
    Quiet,
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
    app.command(context_settings=BEAM)(shard)


def shard(
    context: typer.Context,
    inputs: Documents,
    tokenizer: Annotated[
        str, typer.Option("--tokenizer", help="Tokenizer: a folder, a file, default, or owner/name on the hub.")
    ],
    out: Out,
    config: ConfigFile = None,
    set_: Set = None,
    workers: Workers = None,
    runner: Runner = "DirectRunner",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Corpus and tokenizer to packed training examples, biased to the new tokens."""
    paths, flags = input_paths(inputs, context)
    options = run_options(runner, workers, flags, own_options(context))
    from malmoi_pipelines.shard.config import ShardConfig
    from malmoi_pipelines.shard.stage import shard as run

    settings = stage_config("shard", ShardConfig, config, set_)
    finish(
        quiet, lambda progress: run(paths, tokenizer, out, settings, options, overwrite=overwrite, progress=progress)
    )
