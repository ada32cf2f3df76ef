"""Speed of the near-dedupe path up to the band digests, and MinHash signatures beside those of other packages.

    python benchmarks/bench_signatures.py [--input ROOT] [--megabytes court-decisions=30 movie-reviews=10] [--repeats 7]

ROOT is a folder of raw text with one folder a source; without it a generated sample is used. Rates are MB of UTF-8 text
per CPU second of one process, medians of rounds in which all take turns. All signers get the same 64-bit hashes of
shingles, a block of about 1 MB of text at a time. datasketch, rensa and numba are measured where the interpreter has
them: the last two are no dependencies, so run this in an environment that has them as well as malmoi's.

Errors are those of the similarity that two signatures show against the true one, on sets of known similarity that are
made from the documents' shingles. The number expected of 112 independent permutations is sqrt(J (1 - J) / 112).
"""

import argparse
import functools
import importlib
import importlib.util
import itertools
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("RAYON_NUM_THREADS", "1")  # rensa: one core, as all others
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
from malmoi_pipelines.contracts.arrays import I64, U32, U64, offsets
from malmoi_pipelines.dedupe.config import SHINGLE_SIZES
from malmoi_pipelines.dedupe.near.minhash import _permutations, band_digests, signatures
from malmoi_pipelines.dedupe.near.shingles import shingles
from malmoi_pipelines.dedupe.normalise import normalise

from benchmarks import inputs
from benchmarks.measure import commit
from benchmarks.raw_text import raw_blocks

BANDS, ROWS = 14, 8
PERMUTATIONS = BANDS * ROWS
BLOCK_BYTES = 1 << 20  # as in the stage
SIMILARITIES = (0.5, 0.8, 0.95)
PAIRS = 2000
SEEDS = range(8)

Sets = tuple[U64, I64]
"""The hashes of a block's shingles, and where each document's begin; no document is without."""
Signer = Callable[[U64, I64], Any]
"""Makes the signatures of a block, in whatever form is the package's own."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", help="root of raw text")
    parser.add_argument("--megabytes", nargs="+", default=["court-decisions=30", "movie-reviews=10"])
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.input or inputs.raw_text(folder, "48MB")
        amounts = dict(amount.split("=") for amount in arguments.megabytes)
        if not arguments.input:
            amounts = {"legal": "8", "reviews": "8"}
        for source, megabytes in amounts.items():
            blocks = list(read(f"{root}/{source}", float(megabytes) * 1e6))
            size = sum(len(text.encode()) for block in blocks for text in block) / 1e6
            about = {"source": source, "mb": round(size, 1), "documents": sum(map(len, blocks)), "commit": commit()}
            for unit in SHINGLE_SIZES:
                show(about | {"unit": unit, "mb_per_cpu_s": whole_path(blocks, unit, size, arguments.repeats)})
            compare(about, blocks, size, arguments.repeats)


def read(path: str, limit: float) -> Iterator[list[str]]:
    """The first `limit` bytes of text of a source, in blocks."""
    size = 0
    for block in raw_blocks(path, BLOCK_BYTES):
        yield block.texts
        size += sum(len(text.encode()) for text in block.texts)
        if size > limit:
            return


def show(line: dict[str, Any]) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)


def whole_path(blocks: list[list[str]], unit: str, size: float, repeats: int) -> dict[str, float]:
    """Rates from texts to band digests: of each step alone, and of all in."""
    path_once(blocks[:1], unit)  # tables
    rounds = [path_once(blocks, unit) for _ in range(repeats)]
    return {step: round(size / statistics.median(one[step] for one in rounds), 1) for step in rounds[0]}


def path_once(blocks: list[list[str]], unit: str) -> dict[str, float]:
    """CPU seconds from texts to band digests."""
    seconds = dict.fromkeys(("normalise", "shingles", "signatures", "bands"), 0.0)
    for texts in blocks:
        start = time.process_time()
        block = normalise(texts)
        normalised = time.process_time()
        hashes, bounds = shingles(block, unit, SHINGLE_SIZES[unit], 500_000)
        shingled = time.process_time()
        signature = signatures(hashes, without_empty(bounds), PERMUTATIONS, 0)
        signed = time.process_time()
        band_digests(signature, BANDS, 0)
        steps = (normalised - start, shingled - normalised, signed - shingled, time.process_time() - signed)
        for step, taken in zip(seconds, steps, strict=True):
            seconds[step] += taken
    return seconds | {"all in": sum(seconds.values())}


def without_empty(bounds: I64) -> I64:
    lengths = np.diff(bounds)
    return offsets(lengths[lengths > 0])


def compare(about: dict[str, Any], blocks: list[list[str]], size: float, repeats: int) -> None:
    """One line for each signer: its rate, its rate beside ours, and its errors."""
    sets = [hashed(texts) for texts in blocks]
    pairs = {similarity: known_pairs(sets, similarity) for similarity in SIMILARITIES}
    seconds: dict[str, list[float]] = {name: [] for name in SIGNERS if importlib.util.find_spec(PACKAGE[name])}
    missing = [name for name in SIGNERS if name not in seconds]
    signers = {name: SIGNERS[name](0) for name in seconds}
    for signer in signers.values():
        signer(*sets[0])  # tables, compilers
    for _ in range(repeats):
        for name, signer in signers.items():
            start = time.process_time()
            for block in sets:
                signer(*block)
            seconds[name].append(time.process_time() - start)
    for name in signers:
        rate = size / statistics.median(seconds[name])
        beside = statistics.median(a / b for a, b in zip(seconds["ours"], seconds[name], strict=True))
        found = {str(similarity): errors(SIGNERS[name], *pair) for similarity, pair in pairs.items()}
        show(about | {"signer": name, "mb_per_cpu_s": round(rate, 2), "times_ours": round(beside, 3), "errors": found})
    if missing:
        show(about | {"not measured, for want of the package": missing})


def hashed(texts: list[str]) -> Sets:
    hashes, bounds = shingles(normalise(texts), "eojeol", 5)
    return hashes, without_empty(bounds)


def known_pairs(sets: list[Sets], similarity: float) -> tuple[Sets, Sets, I64]:
    """Documents' sets, their partners of nearly the given similarity, and how many shingles each two share.

    A partner keeps a part of the shingles; in place of the others it has random ones.
    """
    rng = np.random.default_rng(1)
    whole = [np.unique(hashes[start:end]) for hashes, bounds in sets for start, end in itertools.pairwise(bounds)]
    whole = [values for values in whole if len(values) >= 10]
    chosen = [rng.permutation(whole[i]) for i in rng.choice(len(whole), min(PAIRS, len(whole)), replace=False)]
    shared = [round(2 * len(values) * similarity / (1 + similarity)) for values in chosen]
    others = [
        np.concatenate([values[:kept], rng.integers(0, 2**64, len(values) - kept, dtype=np.uint64)])
        for values, kept in zip(chosen, shared, strict=True)
    ]
    bounds = offsets(np.array([len(values) for values in chosen]))
    return (np.concatenate(chosen), bounds), (np.concatenate(others), bounds), np.array(shared)


def errors(signer: Callable[[int], Signer], left: Sets, right: Sets, shared: I64) -> dict[str, float]:
    """Mean and standard deviation of (similarity of the signatures - true similarity), and pairs that meet in a band.

    Over all pairs and `SEEDS`: documents share shingles, so under one seed their errors lean to one side together.
    """
    lengths = np.diff(left[1])
    truth = shared / (2 * lengths - shared)
    equal = np.array([as_matrix(sign(*left)) == as_matrix(sign(*right)) for sign in map(signer, SEEDS)])
    equal = equal.reshape(-1, PERMUTATIONS)
    found = equal.mean(axis=1) - np.tile(truth, len(SEEDS))
    met = np.any(np.all(equal.reshape(-1, BANDS, ROWS), axis=2), axis=1)
    expected = np.sqrt(np.mean(truth * (1 - truth) / PERMUTATIONS))
    return {
        "bias": round(float(np.mean(found)), 4),
        "deviation": round(float(np.std(found)), 4),
        "expected": round(float(expected), 4),
        "met_percent": round(100 * float(np.mean(met)), 1),
        "met_by_formula": round(100 * float(np.mean(1 - (1 - truth**ROWS) ** BANDS)), 1),
    }


def as_matrix(result: Any) -> U32:
    """One row a document."""
    return np.array(result.to_rows() if hasattr(result, "to_rows") else result)


def ours(seed: int) -> Signer:
    return lambda hashes, bounds: signatures(hashes, bounds, PERMUTATIONS, seed).T


def datasketch(seed: int) -> Signer:
    """MinHash.update_batch, with the hash handed over as it is: 32 bits, as its default scheme wants."""
    minhash = importlib.import_module("datasketch").MinHash
    empty = minhash(PERMUTATIONS, seed=seed + 1, hashfunc=int)

    def sign(hashes: U64, bounds: I64) -> list[Any]:
        values = (hashes >> np.uint64(32)).tolist()
        result = []
        for start, end in itertools.pairwise(bounds.tolist()):
            sketch = empty.copy()
            sketch.update_batch(values[start:end])
            result.append(sketch.hashvalues)
        return result

    return sign


def rensa_r(seed: int) -> Signer:
    """R-MinHash of the full set of integers, after Fast Similarity Sketching (Dahlgaard, Knudsen and Thorup 2017)."""
    sketches = importlib.import_module("rensa").RMinHash
    return lambda hashes, bounds: sketches.digest_matrix_from_flat_token_hashes(
        hashes, bounds.astype(np.uint64), PERMUTATIONS, seed
    )


def rensa_c(seed: int) -> Signer:
    """C-MinHash of the full set of integers: two permutations, the second shifted for each slot (Li and Li 2022)."""
    sketches = importlib.import_module("rensa").CMinHash

    def sign(hashes: U64, bounds: I64) -> Any:
        values = hashes.tolist()
        sets = [values[start:end] for start, end in itertools.pairwise(bounds.tolist())]
        return sketches.digests64_from_token_hash_sets(sets, PERMUTATIONS, seed)

    return sign


def compiled(seed: int) -> Signer:
    """Our arithmetic as a loop that numba compiles: document by document, permutation by permutation."""
    factors, addends = _permutations(PERMUTATIONS, seed)
    fold = compile_fold()

    def sign(hashes: U64, bounds: I64) -> U32:
        result = np.empty((len(bounds) - 1, PERMUTATIONS), np.uint32)
        fold((hashes >> np.uint64(32)).astype(np.uint32), bounds, factors, addends, result)
        return result

    return sign


@functools.cache
def compile_fold() -> Any:
    @importlib.import_module("numba").njit(fastmath=True)  # type: ignore[untyped-decorator]
    def fold(values: U32, bounds: I64, factors: U32, addends: U32, result: U32) -> None:
        for document in range(len(bounds) - 1):
            for row in range(len(factors)):
                factor, addend, least = factors[row], addends[row], np.uint32(0xFFFFFFFF)
                for place in range(bounds[document], bounds[document + 1]):
                    least = min(least, np.uint32(np.uint32(values[place] * factor) + addend))
                result[document, row] = least

    return fold


SIGNERS: dict[str, Callable[[int], Signer]] = {
    "ours": ours,
    "ours, compiled by numba": compiled,
    "rensa R-MinHash": rensa_r,
    "rensa C-MinHash": rensa_c,
    "datasketch": datasketch,
}
PACKAGE = {
    "ours": "numpy",
    "ours, compiled by numba": "numba",
    "rensa R-MinHash": "rensa",
    "rensa C-MinHash": "rensa",
    "datasketch": "datasketch",
}


if __name__ == "__main__":
    main()
