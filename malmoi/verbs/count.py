"""The verb count, and its subverb tokens."""

from typing import Annotated

import typer
from malmoi_pipelines.contracts.errors import UsageError

from malmoi.arguments import (
    BEAM,
    ConfigFile,
    Out,
    Overwrite,
    Quiet,
    Runner,
    Set,
    Workers,
    input_paths,
    own_options,
    run_options,
    split_inputs,
    stage_config,
)
from malmoi.summary import finish
from malmoi.verb_group import with_subverbs

subverbs = typer.Typer()


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(context_settings=BEAM, cls=with_subverbs(subverbs))(count)


def count(
    context: typer.Context,
    out: Out,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="DOCS...", help="Documents, in whatever form `clean` reads."),
    ] = None,
    units: Annotated[
        str | None,
        typer.Option("--units", help="How text is cut: metaspace (SentencePiece bases; the default) or byte-level."),
    ] = None,
    add: Annotated[
        list[str] | None, typer.Option("--add", help="A finished word table to add in; may be repeated.")
    ] = None,
    held_out_share: Annotated[
        float | None, typer.Option("--held-out-share", help="Share of the documents to count apart, to evaluate on.")
    ] = None,
    config: ConfigFile = None,
    set_: Set = None,
    workers: Workers = None,
    runner: Runner = "DirectRunner",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Corpus to the word table: every distinct unit and letter with its count."""
    paths, flags = split_inputs(inputs or [], context.args)
    if not paths and not add:
        raise UsageError("at least one input is needed.", hint="name a file, a glob or a folder; or tables by --add")
    options = run_options(runner, workers, flags, own_options(context))
    from malmoi_pipelines.count.config import CountConfig
    from malmoi_pipelines.count.stage import count as run

    settings = stage_config("count", CountConfig, config, set_, units=units, held_out_share=held_out_share)
    tables = add or []
    finish(
        quiet, lambda progress: run(paths, out, settings, options, add=tables, overwrite=overwrite, progress=progress)
    )


@subverbs.command(context_settings=BEAM)
def tokens(
    context: typer.Context,
    words: Annotated[
        list[str], typer.Argument(metavar="WORDS...", help="Word tables made by `malmoi count`; they add up.")
    ],
    tokenizer: Annotated[
        str, typer.Option("--tokenizer", help="Tokenizer: a folder, a file, default, or owner/name on the hub.")
    ],
    out: Out,
    held_out: Annotated[bool, typer.Option("--held-out", help="Count the documents that were held out.")] = False,
    config: ConfigFile = None,
    set_: Set = None,
    workers: Workers = None,
    runner: Runner = "DirectRunner",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Count how often each token of a tokenizer occurs in the corpus, exactly, without reading the corpus again."""
    tables, flags = input_paths(words, context)
    options = run_options(runner, workers, flags, own_options(context))
    from malmoi_pipelines.count_tokens.config import CountTokensConfig
    from malmoi_pipelines.count_tokens.stage import count_tokens as run

    settings = stage_config("count tokens", CountTokensConfig, config, set_, table="held_out" if held_out else None)
    finish(
        quiet, lambda progress: run(tables, tokenizer, out, settings, options, overwrite=overwrite, progress=progress)
    )
