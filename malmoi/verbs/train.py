"""The verb train."""

from typing import Annotated

import typer

from malmoi.arguments import (
    ConfigFile,
    Out,
    Overwrite,
    Quiet,
    Set,
    stage_config,
)
from malmoi.summary import finish


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command()(train)


def train(
    shards: Annotated[str, typer.Option("--shards", help="Shards made by `malmoi shard`.")],
    tokenizer: Annotated[
        str, typer.Option("--tokenizer", help="Folder made by `malmoi expand`, or its name on the hub.")
    ],
    out: Out,
    config: ConfigFile = None,
    set_: Set = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Train the grown rows of a model on shards, everything else frozen, and save a plain Hugging Face model."""
    from malmoi_trainer.config import TrainConfig
    from malmoi_trainer.stage import train as run

    settings = stage_config("train", TrainConfig, config, set_)
    finish(
        quiet,
        lambda progress: run(
            shards,
            tokenizer,
            out,
            settings,
            overwrite=overwrite,
            progress=progress,
        ),
    )
