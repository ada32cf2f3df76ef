"""The verbs of language models: `malmoi lm train`."""

from typing import Annotated

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

lm = typer.Typer(name="lm", help="N-gram language models, which score how usual a text is.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs to the application."""
    app.add_typer(lm)


@lm.callback()
def _lm() -> None:
    """Without a callback Typer would make the only command the whole application."""


@lm.command(context_settings=BEAM)
def train(
    context: typer.Context,
    inputs: RawInputs,
    out: Out,
    order: Annotated[int | None, typer.Option("--order", help="Words of the longest n-grams, 2 to 6.")] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option("--tokenizer", help="`eojeol`, or a tokenizer with a SentencePiece model."),
    ] = None,
    config: ConfigFile = None,
    set_: Set = None,
    workers: Workers = None,
    runner: Runner = "DirectRunner",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Reference text to a language model (ARPA, Kneser-Ney). All text is learnt from: choose it well."""
    paths, flags = input_paths(inputs, context)
    options = run_options(runner, workers, flags, own_options(context))
    from malmoi_pipelines.lm.config import LmConfig
    from malmoi_pipelines.lm.stage import train_lm

    settings = stage_config("lm train", LmConfig, config, set_, order=order, tokenizer=tokenizer)
    finish(quiet, lambda progress: train_lm(paths, out, settings, options, overwrite=overwrite, progress=progress))
