"""The command line `malmoi`: one verb per stage, `run` for all of them, `inspect` and `verify` for any folder."""

import logging
import os
import sys

import typer
from malmoi_pipelines.contracts.errors import MalmoiError

from malmoi.console import print_error
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

app = typer.Typer(
    name="malmoi",
    help="Raw Korean text to a clean corpus, an extended tokenizer, training shards and a trained model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in VERBS:
    module.register(app)


def main() -> None:
    """Entry point: errors a user can meet end with their message, hint and exit code, not with a traceback."""
    # Beam warns at import when an optional client is missing, and transformers about every default: neither is news.
    logging.getLogger().setLevel(logging.ERROR)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
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
