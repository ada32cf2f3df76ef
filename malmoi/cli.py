"""The command line `malmoi`: one verb per stage, `run` for all of them, `inspect` and `verify` for any folder."""

import logging
import os
import sys
from typing import Annotated

import typer
from malmoi_pipelines.contracts import extras
from malmoi_pipelines.contracts.errors import MalmoiError

from malmoi import __version__
from malmoi.console import out, print_error
from malmoi.verbs import (
    accept,
    clean,
    config,
    count,
    dedupe,
    expand,
    inspect,
    lm,
    pii,
    run,
    sample,
    shard,
    tokenizer,
    train,
    verify,
)

VERBS = (sample, lm, clean, dedupe, count, expand, shard, train, run, tokenizer, pii, config, inspect, verify, accept)
"""In the order of the help."""
INTERRUPTED = 130  # what Typer makes of Ctrl-C


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(__version__)
        raise typer.Exit


app = typer.Typer(
    name="malmoi",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for module in VERBS:
    module.register(app)


@app.callback()
def _malmoi(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Raw Korean text to a clean corpus, an extended tokenizer, training shards and a trained model."""


def main() -> None:
    """Entry point: errors a user can meet end with their message, hint and exit code, not with a traceback."""
    # Beam warns at import when an optional client is missing, and transformers about every default: neither is news.
    logging.getLogger().setLevel(logging.ERROR)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        with extras.named():
            app()
    except MalmoiError as error:
        print_error(error.message, error.hint)
        sys.exit(error.exit_code)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            print_error("interrupted", "run the same command again: finished stages are kept")
        raise


if __name__ == "__main__":
    main()
