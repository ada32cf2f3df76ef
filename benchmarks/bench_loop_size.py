"""The loop on ever larger word tables: seconds and peak memory by distinct Korean units.

    python benchmarks/bench_loop_size.py [--words WORDS] [--bytes 16MB] [--millions 1,2]

WORDS is a word table of metaspace units; without it that of a generated sample is used. Larger tables are made from
it: a new unit is one unit and the letters of another, with the smaller count of
the two, halved; so new units are rare, as the ones that more text would bring are.
"""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from malmoi_pipelines.contracts.progress import SILENT
from malmoi_tokenizer_lab.bases import open_base
from malmoi_tokenizer_lab.build import Builder
from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_tokenizer_lab.loop.curation import Curation
from malmoi_tokenizer_lab.words import Units, Words

from benchmarks import inputs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", help="word table of metaspace units")
    parser.add_argument("--bytes", default="16MB", help="size of the generated sample")
    parser.add_argument("--millions", default="1,2", help="distinct Korean units")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        measure(arguments.words, arguments.one)
        return
    names = (
        "distinct Korean units, M",
        "spelling, s",
        "training, s",
        "loop, s",
        "rounds",
        "median round, s",
        "peak GB",
    )
    print(f"| {' | '.join(names)} |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        words = arguments.words or inputs.words(folder, arguments.bytes)
        for millions in arguments.millions.split(","):  # a process each: peak memory never falls
            subprocess.run([sys.executable, __file__, "--words", words, "--one", millions], check=True)


def measure(folder: str, millions: int) -> None:
    base = open_base(None)
    config = ExpandConfig(num_threads=2, candidates=base.candidate_sources[0])
    words = base.read_words([folder], config)
    korean = grown(words.korean, millions * 1_000_000)
    words = Words(korean, words.other, words.letters, words.num_bytes * len(korean) // len(words.korean))
    start = time.perf_counter()
    steps = Builder(base, words, config, Curation(), None)
    spelled = time.perf_counter()
    steps.propose(SILENT)
    trained = time.perf_counter()
    loop = steps.run("leaf-first", SILENT)
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"| {len(korean) / 1e6:.1f} | {spelled - start:.0f} | {trained - spelled:.0f} | {done - trained:.0f} "
        f"| {len(loop.seconds)} | {np.median(loop.seconds):.2f} | {peak:.1f} |",
        flush=True,
    )


def grown(units: Units, size: int) -> Units:
    """At least `size` distinct units, if pairs of units give so many; in byte order, as a table's are."""
    text, counts = [units.text], [units.counts]
    random = np.random.default_rng(0)
    total = len(units)
    while total < size:
        left, right = random.integers(0, len(units), (2, min(size - total, 4_000_000)))
        letters = pc.utf8_trim_whitespace(units.text.take(right))
        made = pc.binary_join_element_wise(units.text.take(left), letters, pa.scalar("", pa.large_string()))
        text.append(made)
        counts.append(np.maximum(1, np.minimum(units.counts[left], units.counts[right]) // 2))
        total += len(made)
    table = pa.table({"unit": pa.concat_arrays(text), "count": np.concatenate(counts)})
    table = table.group_by("unit").aggregate([("count", "max")]).sort_by("unit").combine_chunks()
    return Units(table["unit"].chunk(0), table["count_max"].to_numpy())


if __name__ == "__main__":
    main()
