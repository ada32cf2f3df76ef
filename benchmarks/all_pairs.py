"""All pairs of similar texts by brute force: the oracle for recall and precision of near dedupe.

    python benchmarks/all_pairs.py FILES [--unit eojeol|syllables] [--size 5] [--threshold 0.8] [--limit 5000]

FILES are Parquet files or folders with a `text` column; prints the number of pairs and their similarities. It shares no
code with `malmoi_pipelines.dedupe`: shingles are strings of a normalisation written again, nothing is hashed or
sampled, and every shared shingle of every two texts is counted.
"""

import argparse
import collections
import itertools
import time
import unicodedata
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.dataset

Pair = tuple[int, int, float]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


def similar_pairs(texts: list[str], threshold: float, *, unit: str = "eojeol", size: int = 5) -> list[Pair]:
    r"""The pairs i < j of texts with Jaccard similarity of at least `threshold`, equal texts included.

    A text shorter than one shingle is like its equals only.
    One core takes 13 s for 9,500 court decisions (64 MB) and 1.7 GB of memory.

    >>> similar_pairs(["가 나 다 라 마 바", "가 나 다 라 마 사", "가\n나 다  라 마 바 "], 0.3)
    [(0, 1, 0.3333333333333333), (0, 2, 1.0), (1, 2, 0.3333333333333333)]
    """
    if threshold <= 0:
        raise ValueError("Texts without a common shingle are not looked at: the threshold must be above 0.")
    sizes, shared = shingle_numbers(texts, unit, size)
    holders, holder_bounds = texts_by_shingle(shared)
    pairs: list[Pair] = []
    for left, numbers in enumerate(shared):
        meetings = [holders[holder_bounds[number] : holder_bounds[number + 1]] for number in numbers.tolist()]
        if not meetings:
            continue
        others, common = counts(np.concatenate(meetings), len(texts))
        common, others = common[others > left], others[others > left]
        similarity = common / (sizes[left] + sizes[others] - common)
        good = similarity >= threshold
        pairs += zip(itertools.repeat(left), others[good].tolist(), similarity[good].tolist(), strict=False)
    return pairs


def shingle_numbers(texts: list[str], unit: str, size: int) -> tuple[I64, list[I32]]:
    """How many shingles each text has, and the numbers of those that it shares with another text."""
    number_of: collections.defaultdict[str, int] = collections.defaultdict(itertools.count().__next__)
    numbers = [
        np.fromiter((number_of[shingle] for shingle in plain_shingles(text, unit, size)), np.int32) for text in texts
    ]
    uses = np.zeros(len(number_of), np.int32)
    for of_text in numbers:
        uses[of_text] += 1
    shared = np.cumsum(uses > 1, dtype=np.int32) - 1
    return np.array([len(n) for n in numbers], np.int64), [shared[n[uses[n] > 1]] for n in numbers]


def texts_by_shingle(shared: list[I32]) -> tuple[I32, I64]:
    """The texts that hold shingle 0, those that hold shingle 1 ..., and where each shingle's begin."""
    lengths = np.array([len(numbers) for numbers in shared], np.int64)
    numbers = np.concatenate([*shared, np.empty(0, np.int32)])
    holders = np.repeat(np.arange(len(shared), dtype=np.int32), lengths)[np.argsort(numbers, kind="stable")]
    return holders, np.concatenate([[0], np.cumsum(np.bincount(numbers))]).astype(np.int64)


def counts(values: I32, limit: int) -> tuple[npt.NDArray[Any], I64]:
    """The distinct values below `limit`, and how often each occurs."""
    if len(values) * 8 < limit:  # a short text among many
        return np.unique(values, return_counts=True)
    times = np.bincount(values, minlength=limit)
    distinct = np.flatnonzero(times)
    return distinct, times[distinct]


def plain_shingles(text: str, unit: str, size: int) -> set[str]:
    r"""The distinct shingles of a text, as strings; of a shorter one what only equal texts have.

    >>> sorted(plain_shingles("A-1, 가나\n다", "eojeol", 2)), sorted(plain_shingles("A-1, 가나 다", "syllables", 6))
    (['A-1, 가나', '가나 다'], ['-1,가나다', 'A-1,가나'])
    """
    words = plain_form(text).split()
    units = words if unit == "eojeol" else list("".join(words))
    if len(units) < size:
        return {" " + (" ".join(words) or text)}  # no other shingle starts with a space
    between = {"eojeol": " ", "syllables": ""}[unit]
    return {between.join(units[i : i + size]) for i in range(len(units) - size + 1)}


def plain_form(text: str) -> str:
    """The dedupe form of a text: composed, words with one space between."""
    return " ".join(word for word in unicodedata.normalize("NFC", text).translate(WHITE).split(" ") if word)


class White(dict[int, str]):
    """The rule for each character, worked out at its first use; see docs/signatures.md."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = " " if unicodedata.category(character) in ("Cc", "Zl", "Zp", "Zs") else character
        return self[code]


WHITE = White()


def texts_of(paths: list[str], limit: int | None) -> Iterator[str]:
    for path in paths:
        batches = pyarrow.dataset.dataset(path).to_batches(columns=["text"])
        yield from itertools.islice((text for batch in batches for text in batch.column(0).to_pylist()), limit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--unit", choices=["eojeol", "syllables"], default="eojeol")
    parser.add_argument("--size", type=int, default=5)
    parser.add_argument("--threshold", type=float, default=0.8)
    parser.add_argument("--limit", type=int, help="documents of each file or folder")
    arguments = parser.parse_args()
    texts = list(texts_of(arguments.files, arguments.limit))
    start = time.perf_counter()
    pairs = similar_pairs(texts, arguments.threshold, unit=arguments.unit, size=arguments.size)
    seconds = time.perf_counter() - start
    megabytes = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) / 1e6
    print(f"{len(texts)} texts, {megabytes:.1f} MB, {len(pairs)} pairs, {seconds:.1f} s")
    for bin_, times in sorted(collections.Counter(int(pair[2] * 20) / 20 for pair in pairs).items()):
        print(f"{bin_:.2f} {times}")


if __name__ == "__main__":
    main()
