"""The data stages, one after the other, in MB of text per second.

    python benchmarks/bench_stages.py [--input ROOT] [--bytes 48MB] [--workers 1]

Without --input a generated sample is used; ROOT is a folder of raw text with one folder a source.
"""

import argparse
import functools
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import mistral_common
from malmoi_pipelines.clean.stage import clean
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.stage import dedupe
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.stage import sample
from malmoi_pipelines.shard.config import ShardConfig
from malmoi_pipelines.shard.stage import shard

from benchmarks.inputs import ANY_LANGUAGE
from benchmarks.measure import bytes_read, measure

BASE = str(pathlib.Path(mistral_common.__file__).parent / "data" / "tokenizer.model.v1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", help="root of raw text")
    parser.add_argument("--bytes", default="48MB", help="size of the generated sample")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    options = RunOptions(workers=arguments.workers)
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.input
        if root is None:
            config = SampleConfig(bytes=arguments.bytes)
            raw = f"{folder}/raw"
            measure("sample", lambda: sample(raw, config, options), lambda: config.bytes, workers=options.workers)
            root = f"{folder}/raw/data"
        walk(root, folder, options)


def walk(root: str, folder: str, options: RunOptions) -> None:
    """clean, dedupe, count, shard, each measured against the text that it read."""
    docs, corpus = f"{folder}/docs", f"{folder}/corpus"
    unguarded = DedupeConfig(guards={f"{name}_share": 1 for name in ("near", "exact", "removed", "short", "cluster")})
    stages = {
        "clean": (docs, lambda: clean([root], docs, ANY_LANGUAGE, options)),
        "dedupe": (corpus, lambda: dedupe([docs], corpus, unguarded, options)),
        "count": (f"{folder}/words", lambda: count([corpus], f"{folder}/words", CountConfig(), options)),
        "shard": (f"{folder}/shards", lambda: shard([corpus], BASE, f"{folder}/shards", ShardConfig(), options)),
    }
    for name, (out, work) in stages.items():
        measure(name, work, functools.partial(bytes_read, out), workers=options.workers)


if __name__ == "__main__":
    main()
