"""Where the stages of a run write, below the run folder."""

FOLDERS = {
    "sample": "raw",
    "lm": "lm",
    "clean": "docs",
    "dedupe": "corpus",
    "count": "words",
    "expand": "tokenizer",
    "shard": "shards",
    "train": "run",
}
"""Stage → folder, in the order of the run."""
