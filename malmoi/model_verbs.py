"""The verbs of the tokenizer and the model: expand, train."""

from typing import Annotated

import typer

from malmoi.arguments import ConfigFile, Out, Overwrite, Quiet, Set, stage_config
from malmoi.data_verbs import finish


def register(app: typer.Typer) -> None:
    """Add the verbs to the application."""
    app.command()(expand)
    app.command()(train)


def expand(
    words: Annotated[list[str], typer.Argument(metavar="WORDS...", help="Word tables made by `malmoi count`.")],
    out: Out,
    base: Annotated[str | None, typer.Option("--base", help="Base tokenizer.model, or a folder with one.")] = None,
    cutoff: Annotated[int | None, typer.Option("--cutoff", help="Least occurrences of a new token.")] = None,
    budget: Annotated[int | None, typer.Option("--budget", help="New rows, reserved ones included.")] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", help="What goes when the budget is short: leaves or merge-order.")
    ] = None,
    config: ConfigFile = None,
    set_: Set = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Word table to an extended tokenizer: the fixed-point loop of KoSOLAR / EEVE."""
    from tokenizer_lab.config import ExpandConfig
    from tokenizer_lab.stage import expand as run

    settings = stage_config(ExpandConfig, config, set_, base=base, cutoff=cutoff, budget=budget, policy=policy)
    finish(quiet, lambda progress: run(words, out, settings, overwrite=overwrite, progress=progress.message))


def train(
    shards: Annotated[str, typer.Option("--shards", help="Shards made by `malmoi shard`.")],
    tokenizer: Annotated[str, typer.Option("--tokenizer", help="Tokenizer folder made by `malmoi expand`.")],
    out: Out,
    config: ConfigFile = None,
    set_: Set = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Train the grown rows of a model on shards, everything else frozen, and save a plain Hugging Face model."""
    from trainer.config import TrainConfig
    from trainer.stage import train as run

    settings = stage_config(TrainConfig, config, set_)
    finish(
        quiet,
        lambda progress: run(
            shards,
            tokenizer,
            out,
            settings,
            overwrite=overwrite,
            progress=lambda step, total, rate: progress("train: steps", step, total),
        ),
    )
