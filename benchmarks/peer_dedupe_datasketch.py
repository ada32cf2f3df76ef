"""Near dedupe of a folder of Parquet files by a script around datasketch.

    PYTHON benchmarks/peer_dedupe_datasketch.py INPUT OUT [--style plain|careful] [--workers 1]

Run by `bench_dedupe.py` in an environment with datasketch, xxhash and pyarrow. Both styles shingle the dedupe form by
five eojeol, a shorter document is one shingle, and go through the documents in order: one that is like a kept one goes.

- `plain` is the documentation's example: one process, `MinHash.update` for each shingle, MinHashLSH for a threshold of
  0.8, which chooses its bands; what the index answers is believed.
- `careful` is what a good engineer makes of it: a pool of processes, `update_batch` on xxHash, exact duplicates first,
  16 bands of 7 rows, and what the index answers is verified on the shingle sets, which stay in memory.

The kept documents go to OUT/documents.parquet, their ids to OUT/kept.txt.
"""

import argparse
import multiprocessing
import pathlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import xxhash
from datasketch import MinHash, MinHashLSH

PERMUTATIONS, BANDS, ROWS = 112, 16, 7
THRESHOLD = 0.8
SIZE = 5

Digest = tuple[bytes, Any, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input")
    parser.add_argument("out")
    parser.add_argument("--style", choices=["plain", "careful"], default="plain")
    parser.add_argument("--workers", type=int, default=1, help="processes of `careful`")
    arguments = parser.parse_args()
    table = pyarrow.dataset.dataset(arguments.input).to_table()
    texts = table.column("text").to_pylist()
    kept = careful(texts, arguments.workers) if arguments.style == "careful" else plain(texts)
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    survivors = table.take(pa.array(kept, pa.int64()))
    pyarrow.parquet.write_table(survivors, out / "documents.parquet", compression="zstd")
    (out / "kept.txt").write_text("".join(f"{name}\n" for name in survivors.column("id").to_pylist()), "utf-8")


def plain(texts: list[str]) -> list[int]:
    """The numbers of the documents to keep."""
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    kept = []
    for number, text in enumerate(texts):
        signature = MinHash(num_perm=PERMUTATIONS)
        for shingle in shingles(dedupe_form(text)):
            signature.update(shingle.encode())
        if not index.query(signature):
            index.insert(number, signature)
            kept.append(number)
    return kept


def careful(texts: list[str], workers: int) -> list[int]:
    """The numbers of the documents to keep."""
    index = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, ROWS))
    seen: set[bytes] = set()
    sets: dict[int, Any] = {}
    for number, (key, values, signature) in enumerate(mapped(digest, texts, workers)):
        if key in seen:
            continue
        seen.add(key)
        minhash = EMPTY.copy()
        minhash.hashvalues = signature
        if all(jaccard(values, sets[other]) < THRESHOLD for other in index.query(minhash)):
            index.insert(number, minhash)
            sets[number] = values
    return list(sets)


def mapped(work: Callable[[str], Digest], texts: Iterable[str], workers: int) -> Iterator[Digest]:
    if workers == 1:
        yield from map(work, texts)
        return
    with multiprocessing.Pool(workers) as pool:
        yield from pool.imap(work, texts, chunksize=64)


def digest(text: str) -> Digest:
    """A document's exact key, its shingles as sorted hashes, and its signature."""
    form = dedupe_form(text)
    hashes = [xxhash.xxh3_64_intdigest(shingle.encode()) for shingle in shingles(form)]
    signature = EMPTY.copy()
    signature.update_batch(hashes)
    return xxhash.xxh3_128_digest(form.encode()), np.unique(np.array(hashes, np.uint64)), signature.hashvalues


def lower_half(value: int) -> int:
    return value & 0xFFFFFFFF


EMPTY = MinHash(num_perm=PERMUTATIONS, hashfunc=lower_half)  # copies share its permutations, which take time to draw


def jaccard(left: Any, right: Any) -> float:
    if min(len(left), len(right)) < THRESHOLD * max(len(left), len(right)):
        return 0.0
    shared = len(np.intersect1d(left, right, assume_unique=True))
    return shared / (len(left) + len(right) - shared)


def shingles(form: str) -> set[str]:
    words = form.split()
    return {" ".join(words[i : i + SIZE]) for i in range(max(len(words) - SIZE + 1, 1))}


def dedupe_form(text: str) -> str:
    """Composed, words with one space between: malmoi's dedupe form (docs/signatures.md), or the bare text."""
    return " ".join(unicodedata.normalize("NFC", text).split()) or text


if __name__ == "__main__":
    main()
