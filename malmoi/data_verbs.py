"""The verbs of the data stages but dedupe and count: sample, clean, shard."""

from collections.abc import Callable
from typing import Annotated

import typer
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.stage import StageResult

from malmoi.arguments import (
    BEAM,
    ConfigFile,
    Out,
    Overwrite,
    Quiet,
    Runner,
    Set,
    Workers,
    run_options,
    split_inputs,
    stage_config,
)
from malmoi.console import StageProgress, stage_progress
from malmoi.summary import print_result

RawInputs = Annotated[
    list[str], typer.Argument(metavar="INPUT...", help="Files, globs, folders, dataset folders, remote URLs.")
]
Documents = Annotated[
    list[str], typer.Argument(metavar="DOCS...", help="Dataset folders, or Parquet, Arrow or JSON Lines files.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs of all data stages to the application, in their order."""
    from malmoi import count_verbs, dedupe_verbs  # which build on this module

    add = app.command(context_settings=BEAM)
    add(sample)
    add(clean)
    dedupe_verbs.register(app)
    count_verbs.register(app)
    add(shard)


def finish(quiet: bool, stage: Callable[[StageProgress], StageResult]) -> None:
    """Run a stage with progress and print its result."""
    with stage_progress(quiet) as progress:
        result = stage(progress)
    print_result(result)


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
    options = run_options(runner, workers, flags)
    from malmoi_pipelines.sample.config import SampleConfig
    from malmoi_pipelines.sample.stage import sample as run

    settings = stage_config(SampleConfig, config, set_, bytes=size, seed=seed)
    finish(quiet, lambda progress: run(out, settings, options, overwrite=overwrite, progress=progress))


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
    options = run_options(runner, workers, flags)
    from malmoi_pipelines.clean.config import CleanConfig
    from malmoi_pipelines.clean.stage import clean as run

    settings = stage_config(CleanConfig, config, set_)
    finish(quiet, lambda progress: run(paths, out, settings, options, overwrite=overwrite, progress=progress))


def shard(
    context: typer.Context,
    inputs: Documents,
    tokenizer: Annotated[
        str, typer.Option("--tokenizer", help="Tokenizer folder, SentencePiece .model file, or tokenizer.json.")
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
    options = run_options(runner, workers, flags)
    from malmoi_pipelines.shard.config import ShardConfig
    from malmoi_pipelines.shard.stage import shard as run

    settings = stage_config(ShardConfig, config, set_)
    finish(
        quiet, lambda progress: run(paths, tokenizer, out, settings, options, overwrite=overwrite, progress=progress)
    )


def input_paths(arguments: list[str], context: typer.Context) -> tuple[list[str], tuple[str, ...]]:
    """The inputs of a verb and the flags for Beam.

    Raises:
        UsageError: there is no input.
    """
    paths, flags = split_inputs(arguments, context.args)
    if not paths:
        raise UsageError("at least one input is needed.", hint="name a file, a glob or a folder")
    return paths, flags
