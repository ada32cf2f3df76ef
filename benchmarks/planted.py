"""Documents with planted duplicates, made as fast as they can be written: input for dedupe at any size.

Text is drawn word by word from a vocabulary of made-up eojeol with Zipf frequencies, so unrelated documents share next
to nothing. Document n is a function of (seed, n): a copy makes its original again, and memory does not grow with the
corpus. Of every 20 documents

- 18 are originals,
- one is an exact copy: of equal dedupe form, half of them with other white space,
- one is a near copy: words changed, added and removed for a Jaccard similarity of 0.70 to 0.99. What came out is
  counted on the words and written to the truth.

An original has at most one copy, which is always in another file.
"""

import functools
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from malmoi_pipelines.contracts.arrays import I64, U64, Bool, offsets, ranges
from malmoi_pipelines.contracts.code import Code
from malmoi_pipelines.contracts.hashing import GOLDEN, mix64
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.result import Result, pick
from malmoi_pipelines.contracts.schemas import DOCUMENTS, Field, Table
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from malmoi_pipelines.contracts.tables import write_parquet
from malmoi_pipelines.engine.job import Job, Step
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.engine.run import run_job

TRUTH = Table(
    "truth",
    "one row a copy",
    (
        Field("copy_id", pa.string(), "text", "the copy"),
        Field("original_id", pa.string(), "text", "what it is a copy of"),
        Field("kind", pa.string(), "text", "exact or near"),
        Field("jaccard", pa.float64(), "0..1", "similarity of their sets of runs of five words"),
    ),
)

# Of the documents: raise it when they change, so that kept ones are made again.
CODE = Code(stage="benchmarks.planted", modules={"documents": "2"})
FILE_BYTES = 32e6
BATCH = 2500  # documents made at once: some 8 MB of text
PERIOD = 20  # documents of a group: originals, an exact copy, a near copy
EXACT, NEAR = PERIOD - 2, PERIOD - 1  # their places in the group
HALF = EXACT // 2  # the first half of a group's originals have exact copies, the second half near ones
VOCABULARY, CANDIDATES = 50_000, 64_000  # words; some are coined twice
MEAN_WORDS, SPREAD, FEWEST = 300, 0.8, 30  # words of a document: log-normal, some 3 kB on average
SHINGLE, LEAST, MOST = 5, 0.70, 0.99  # words of a shingle; wanted similarity of near copies
# Behind words: plain, and the other dress of a copy. A mark belongs to its word, so that both have the same words.
SEPARATORS = ((" ", ", ", ". ", "\n"), ("  ", ",\n", ".\u00a0", "\n\n"))
OFTEN = np.repeat(np.arange(4), (218, 10, 20, 8))  # which separator, by one random byte of the word
TABLE_BITS = 20  # of the table from random bits to words


@dataclass(frozen=True)
class Plan:
    """How many documents there are, and which is a copy of which."""

    seed: int
    files: int
    groups: int
    """Groups of `PERIOD` documents in a file."""

    @classmethod
    def of(cls, text_bytes: int, seed: int) -> "Plan":
        """For about so many bytes of text; at least two files, for copies to be in another."""
        files = max(2, round(text_bytes / FILE_BYTES))
        document = MEAN_WORDS * vocabulary(seed).mean_bytes
        return cls(seed, files, max(1, round(text_bytes / files / PERIOD / document)))

    @property
    def documents(self) -> int:
        """Documents in all."""
        return self.files * self.groups * PERIOD

    def originals(self, numbers: I64) -> I64:
        """The original of each document, which is the document itself but for copies.

        Groups are matched one to one: the place in the file by a permutation, the file by a shift that is not 0.
        """
        group, place = np.divmod(numbers, PERIOD)
        file, row = np.divmod(group, self.groups)
        step = next(
            n for n in range(int(self.groups * 0.618) + 1, 2 * self.groups + 2) if math.gcd(n, self.groups) == 1
        )
        shift = 1 + below(draw(self.seed, row, 0), self.files - 1)
        other = (file + shift) % self.files * self.groups + row * step % self.groups
        chosen = below(draw(self.seed, numbers, 1), HALF) + np.where(place == NEAR, HALF, 0)
        return np.where(place >= EXACT, other * PERIOD + chosen, numbers)


@dataclass(frozen=True)
class Vocabulary:
    """Words by number, most frequent first, with every separator of both dresses behind them."""

    tokens: pa.Array
    """String of number (dress x separators + separator) x words + word."""
    words: I64
    """int64[2^TABLE_BITS], words as often as they are drawn."""
    mean_bytes: float
    """Of a word and what follows it."""


@functools.cache
def vocabulary(seed: int) -> Vocabulary:
    """The words; they are distinct, so that similarity can be counted on their numbers."""
    coins = map(coin, draw(seed, np.arange(CANDIDATES * 8), 2).reshape(-1, 8).tolist())
    found = list(itertools.islice(dict.fromkeys(coins), VOCABULARY))
    tokens = pa.array(word + separator for separators in SEPARATORS for separator in separators for word in found)
    weights = np.cumsum(1 / (np.arange(VOCABULARY) + 2.7))  # Mandelbrot's form of Zipf's law
    words = np.searchsorted(weights / weights[-1], (np.arange(1 << TABLE_BITS) + 0.5) / (1 << TABLE_BITS))
    sizes = np.array([len(word.encode()) for word in found])
    behind = np.array([len(separator) for separator in SEPARATORS[0]])
    return Vocabulary(tokens, words, float(sizes[words].mean() + behind[OFTEN].mean()))


def coin(draws: list[int]) -> str:
    """A word from eight random numbers."""
    kind = draws[0] % 40
    if kind == 0:
        return "".join(chr(97 + draw % 26) for draw in draws[1 : 4 + draws[0] // 64 % 5])
    if kind == 1:
        digits = 1 + draws[1] % 4
        return f"{draws[3] % 10**digits:0{digits}d}{syllable(draws[2])}"
    length = (1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5)[draws[0] // 64 % 12]
    return "".join(map(syllable, draws[1 : 1 + length]))


def syllable(draw: int) -> str:
    """A Hangul syllable; half of them end in a vowel."""
    final = draw // 1024 % 28 if draw % 2 else 0
    return chr(0xAC00 + draw // 65536 % (19 * 21) * 28 + final)


def draw(seed: int, numbers: I64, stream: int) -> U64:
    """A random number for each document number (or other number), another one in each stream."""
    keys = mix64(numbers.astype(np.uint64) + np.uint64(seed * GOLDEN % 2**64))
    return mix64(keys + np.uint64((stream + 1) * GOLDEN % 2**64))


def below(draws: U64, limit: int) -> I64:
    return (draws % np.uint64(limit)).astype(np.int64)


def unit(draws: U64) -> npt.NDArray[np.float64]:
    """Random numbers above 0, at most 1."""
    return ((draws >> np.uint64(11)) + np.uint64(1)) / 2.0**53


@dataclass(frozen=True)
class Planted(Result):
    """The files of one partition."""

    files: list[FileInfo]


@dataclass(frozen=True)
class PlantFile:
    """Writes the documents of one file, and the truth of its copies."""

    plan: Plan
    out: str

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Result]:
        del chunks  # there are none
        name, size = f"part-{partition:05d}", self.plan.groups * PERIOD
        truth: list[pa.RecordBatch] = []
        starts = range(partition * size, (partition + 1) * size, BATCH)
        numbers = (np.arange(start, min(start + BATCH, (partition + 1) * size)) for start in starts)
        files = [
            write_parquet(self.out, DOCUMENTS, name, (documents(self.plan, some, truth) for some in numbers)),
            write_parquet(self.out, TRUTH, name, truth),
        ]
        yield Planted(files)


def plant(text_bytes: int, out: str, options: RunOptions, *, seed: int = 0) -> StageResult:
    """Make a dataset folder of about so much text, with `truth/` beside `data/`, unless it is there already."""
    plan = Plan.of(text_bytes, seed)
    config = {"seed": seed, "files": plan.files, "groups": plan.groups}

    def body(work: str) -> StageOutput:
        job = Job("plant", (Step("plant", PlantFile(plan, out), plan.files),), text_bytes)
        infos = [info for planted in pick(run_job(job, work, options), Planted) for info in planted.files]
        return StageOutput(infos, Report("plant", facts={"documents": plan.documents}))

    return run_stage(StageIdentity("documents", "plant", {}, config, CODE), out, body, overwrite=True)


def documents(plan: Plan, numbers: I64, truth: list[pa.RecordBatch]) -> pa.RecordBatch:
    """The documents of these numbers; adds their copies to the truth."""
    originals, place = plan.originals(numbers), numbers % PERIOD
    texts = words_of(plan.seed, originals)
    similarity = np.ones(len(numbers))
    for row in np.flatnonzero(place == NEAR).tolist():
        original = texts[row]
        texts[row] = edited(plan.seed, int(numbers[row]), original)
        similarity[row] = jaccard(original, texts[row])
    copies = place >= EXACT
    dressed = copies & (draw(plan.seed, numbers, 3) % np.uint64(2) == 1)
    kinds = np.where(place == NEAR, "near", "exact")[copies]
    columns = [names(numbers[copies]), names(originals[copies]), kinds, similarity[copies]]
    truth.append(pa.record_batch([pa.array(column) for column in columns], schema=TRUTH.schema))
    nothing = [pa.nulls(len(numbers), field.type) for field in DOCUMENTS.schema if field.nullable]
    given = [pa.array(names(numbers)), pa.array(["planted"] * len(numbers)), spelled(plan.seed, texts, dressed)]
    return pa.record_batch([*given, *nothing], schema=DOCUMENTS.schema)


def names(numbers: I64) -> list[str]:
    """The ids of documents."""
    return [f"doc-{number:09d}" for number in numbers.tolist()]


def numbers_of(ids: pa.Array) -> I64:
    """The numbers of documents with these ids.

    >>> numbers_of(pa.array(names(np.array([20, 7])))).tolist()
    [20, 7]
    """
    return np.array([int(name.removeprefix("doc-")) for name in ids.to_pylist()], np.int64)


def words_of(seed: int, originals: I64) -> list[I64]:
    """The words of originals, as numbers."""
    radius, angle = unit(draw(seed, originals, 4)), unit(draw(seed, originals, 5))
    normal = np.sqrt(-2 * np.log(radius)) * np.cos(2 * np.pi * angle)  # Box and Muller
    lengths = np.maximum(FEWEST, (MEAN_WORDS * np.exp(SPREAD * normal - SPREAD**2 / 2)).astype(np.int64))
    words = vocabulary(seed).words[stream(seed, originals, lengths, 6) >> np.uint64(64 - TABLE_BITS)]
    return np.split(words, offsets(lengths)[1:-1])


def stream(seed: int, numbers: I64, lengths: I64, number: int) -> U64:
    """As many random numbers as wanted for each document, end to end."""
    return mix64(np.repeat(draw(seed, numbers, number), lengths) + steps(lengths))


def steps(lengths: I64) -> U64:
    """Places in documents of these lengths, end to end, as far apart as `mix64` wants them."""
    return ranges(np.zeros_like(lengths), lengths).astype(np.uint64) * np.uint64(GOLDEN)


def edited(seed: int, number: int, words: I64) -> I64:
    """The words of near copy `number`: of a similarity drawn from `LEAST` to `MOST`, more or less.

    A similarity of J takes (1 - J) / (1 + J) of the shingles to break. One edit breaks five; where that is too many,
    words at the end go, each with one shingle.
    """
    copy = np.array([number])
    wanted = LEAST + (MOST - LEAST) * float(unit(draw(seed, copy, 7))[0])
    broken = (len(words) - SHINGLE + 1) * (1 - wanted) / (1 + wanted)
    edits = round(broken / SHINGLE)
    if edits == 0:
        return words[: -max(1, round(broken))]
    draws = stream(seed, copy, np.array([3 * edits]), 8).reshape(3, edits)
    places, first = np.unique(below(draws[0], len(words)), return_index=True)
    kinds, others = below(draws[1], 3)[first], below(draws[2], VOCABULARY - 1)[first]
    result = words.copy()
    changed, gone, added = (places[kinds == kind] for kind in range(3))
    result[changed] = (result[changed] + 1 + others[kinds == 0]) % VOCABULARY
    result[gone] = -1
    result = np.insert(result, added, others[kinds == 2])
    return result[result >= 0]


def jaccard(left: I64, right: I64) -> float:
    """Similarity of the sets of runs of five words; nothing is hashed.

    >>> jaccard(np.arange(10), np.arange(1, 11))
    0.7142857142857143
    """
    runs = np.concatenate([left, right])
    for length in range(1, SHINGLE):  # runs of `length` words, numbered, become runs of one more
        runs = np.unique(runs[:-1] * VOCABULARY + np.concatenate([left, right])[length:], return_inverse=True)[1]
    ours, theirs = set(runs[: len(left) - SHINGLE + 1].tolist()), set(runs[len(left) :].tolist())
    return len(ours & theirs) / len(ours | theirs)


def spelled(seed: int, texts: list[I64], dressed: Bool) -> pa.Array:
    """The texts of word numbers, as large strings.

    Separators follow from word and dress: exact copies that are not `dressed` have equal bytes.
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    bounds = offsets(lengths)
    dress = np.repeat(dressed.astype(np.int64), lengths)
    words = np.concatenate(texts)
    after = OFTEN[mix64(words.astype(np.uint64)) & np.uint64(255)]
    tokens = vocabulary(seed).tokens.take(pa.array((dress * len(SEPARATORS[0]) + after) * VOCABULARY + words))
    _, ends, data = tokens.buffers()
    text_ends = np.frombuffer(ends, np.int32)[bounds].astype(np.int64)
    return pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(text_ends), data)
