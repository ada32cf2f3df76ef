"""How many distinct units there are, against bytes of text; Heaps' law fitted, and what 100 GB would need.

    python benchmarks/bench_distinct_units.py [--input FOLDER] [--bytes 30MB] [--sizes 3,10,30] [--rules RULE,...]

FOLDER is a dataset folder of documents; without it a generated sample is used. The first N MB are those of its
documents with the least hashes, so that every size has every source in its share. Sizes are in MB. Prints one JSON line
a rule and size, and one with the fit a rule.
"""

import argparse
import json
import pathlib
import sys
import tempfile
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import pyarrow as pa
import xxhash
from malmoi_pipelines.contracts.arrays import text_buffers
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.count.words import UnitCounts, chunks_of, merge_counts
from malmoi_pipelines.raw.config import InputConfig
from malmoi_pipelines.raw.documents import find_documents
from malmoi_pipelines.text.units import unit_slices

from benchmarks import inputs
from benchmarks.measure import commit
from tests.pipelines.count.whole import count_units

BLOCK_BYTES = 32 << 20
"""Text that is counted at once, as `malmoi count` does."""
TARGET_MB = 100_000
LAB_BYTES = {"unit, Arrow offset": 8, "count": 8, "base tokens (int32), 8 a unit": 32, "token offset": 8}
"""Bytes of state that the tokenizer lab holds for each distinct unit, its UTF-8 bytes apart."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", help="dataset folder of documents")
    parser.add_argument("--bytes", default="30MB", help="size of the generated sample")
    parser.add_argument("--sizes", default="3,10,30", help="MB, ascending")
    parser.add_argument("--rules", default="metaspace,byte-level")
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        texts = shuffled(arguments.input or inputs.documents(folder, arguments.bytes))
        for rule in arguments.rules.split(","):
            lines = list(growth(texts, sizes, rule))
            for line in lines:
                print(json.dumps({"rule": rule, **line, "commit": commit()}), flush=True)
            print(json.dumps({"rule": rule, **fit(lines, "distinct"), "units": "all"}), flush=True)
            print(json.dumps({"rule": rule, **fit(lines, "twice"), "units": "seen twice or more"}), flush=True)


def shuffled(docs: str) -> pa.LargeStringArray:
    """The texts of all documents in the order of a hash."""
    found = find_documents([docs], InputConfig())
    batches = [batch for number in range(len(found.tasks)) for batch in found.read(number)]
    keys = [xxhash.xxh3_64_intdigest(id_.encode()) for batch in batches for id_ in batch.column("id").to_pylist()]
    texts = pa.chunked_array([batch.column("text") for batch in batches])
    order = np.argsort(np.array(keys, np.uint64), kind="stable")
    return pa.concat_arrays(texts.take(pa.array(order)).chunks)


def growth(texts: pa.LargeStringArray, sizes: list[int], rule: UnitKind) -> Iterator[dict[str, float]]:
    """Distinct units of the first megabytes, for each size."""
    _, bounds = text_buffers(texts)
    whole: list[pa.RecordBatch] = []
    start = 0
    for size in sizes:
        stop = min(int(np.searchsorted(bounds, size * 1_000_000)), len(texts))
        chunks = [*whole, *(only_chunk(block) for block in counted(texts, start, stop, bounds, rule))]
        counts = merge_counts(chunks)
        whole, start = [only_chunk(counts)], stop
        totals = counts.totals
        data, _ = text_buffers(counts.units)
        yield {
            "mb": round(bounds[stop] / 1e6, 1),
            "units": int(totals.sum()),
            "distinct": len(totals),
            "twice": int(np.count_nonzero(totals > 1)),
            "bytes_a_unit": round(len(data) / max(len(totals), 1), 2),
        }


def counted(
    texts: pa.LargeStringArray, start: int, stop: int, bounds: np.ndarray, rule: UnitKind
) -> Iterator[UnitCounts]:
    """Counts of some documents, block by block."""
    while start < stop:
        end = min(stop, max(start + 1, int(np.searchsorted(bounds, bounds[start] + BLOCK_BYTES))))
        yield count_units([("all", units) for units in unit_slices(texts.slice(start, end - start), rule)])
        start = end


def only_chunk(counts: UnitCounts) -> pa.RecordBatch:
    """All counts in one chunk."""
    return next(chunk for _, chunk in chunks_of(counts, np.zeros(len(counts.units), np.int64)))


def fit(lines: list[dict[str, float]], name: str) -> dict[str, float | str]:
    """Heaps' law `distinct = K * MB^beta` by least squares of logarithms, and 100 GB by the slope of the last octave.

    The slope falls with size, so the law of all sizes promises too much, and the local one is an upper bound, too.
    """
    mb, distinct = (np.log([line[key] for line in lines]) for key in ("mb", name))
    beta, log_k = np.polyfit(mb, distinct, 1)
    octave = float(np.interp(mb[-1] - np.log(2), mb, distinct))
    local = (distinct[-1] - octave) / np.log(2)
    rows = float(np.exp(distinct[-1] + local * (np.log(TARGET_MB) - mb[-1])))
    state = rows * (sum(LAB_BYTES.values()) + lines[-1]["bytes_a_unit"])
    return {
        "K": round(float(np.exp(log_k))),
        "beta": round(float(beta), 3),
        "local_beta": round(float(local), 3),
        "distinct_at_100GB_millions": round(rows / 1e6, 1),
        "distinct_at_100GB_by_the_fit_millions": round(float(np.exp(log_k) * TARGET_MB**beta) / 1e6, 1),
        "lab_state_GB": round(state / 1e9, 1),
    }


if __name__ == "__main__":
    main()
