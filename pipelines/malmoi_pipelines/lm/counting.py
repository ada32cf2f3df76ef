"""The steps after: n-grams counted from the highest order down, each order from the one above it.

    tokens ──N-grams by context──▶ N ──suffixes by context──▶ N-1 ──▶ ... ──▶ 1

Every distinct n-gram sends its suffix with its occurrences and one different word to the left. So each order knows how
often its n-grams occur, which pruning asks for, and how many words stand before them, which smoothing asks for. All
n-grams of one context (all words but the last) are in one partition, so their sums are known there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts.arrays import I64, Bool, run_starts
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.streams import read_stream
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import PartitionBuffer, partition_of
from malmoi_pipelines.lm.ngrams import (
    BOS,
    FIRST_WORD,
    UNK,
    NgramCounts,
    concatenate,
    context_hash,
    count_windows,
    merge,
)
from malmoi_pipelines.lm.work_files import (
    contexts_path,
    ngrams_path,
    read_table,
    segments_path,
    vocabulary_path,
    write_stream,
)

MERGE_BYTES = 40 << 20  # bytes of n-grams held before equal ones are merged

CONTEXT = pa.schema([(name, pa.int64()) for name in ("kept", "sum", "pruned", "ones", "twos", "more")])
"""One row a context with kept n-grams, in their order: how many are kept; the sum of the adjusted counts of all its
n-grams, and of those left out; kept n-grams with an adjusted count of 1, of 2, of more."""


def ngram_schema(order: int) -> pa.Schema:
    """Kept n-grams with their adjusted counts."""
    return pa.schema([*((f"w{number}", pa.uint32()) for number in range(order)), ("adjusted", pa.int64())])


@dataclass(frozen=True)
class CutWindows:
    """Partition n counts the n-grams of the highest order in the tokens of task n."""

    work: str
    order: int
    partitions: int

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send]:
        """Count one task."""
        del chunks  # the first step gets none
        vocabulary = read_table(vocabulary_path(self.work))["word"]
        buffer = PartitionBuffer()
        held: list[NgramCounts] = []
        for segment in read_stream(segments_path(self.work, partition)):
            held.append(_count_segment(segment, vocabulary, self.order))
            if sum(counts.nbytes for counts in held) > MERGE_BYTES:
                yield from _send(merge(concatenate(held)), self.partitions, buffer)
                held = []
        if held:
            yield from _send(merge(concatenate(held)), self.partitions, buffer)
        yield from buffer.flush()


def _count_segment(segment: pa.RecordBatch, vocabulary: pa.ChunkedArray, order: int) -> NgramCounts:
    words, ids, lengths = (segment.column(name).flatten() for name in segment.schema.names)
    found = pc.index_in(words, vocabulary.combine_chunks())
    known = pc.fill_null(pc.add(found, FIRST_WORD), UNK).to_numpy().astype(np.uint32)
    return count_windows(known[ids.to_numpy()], lengths.to_numpy(), order)


@dataclass(frozen=True)
class MergeOrder:
    """Partition n merges the n-grams of one order with hash n, writes those that are kept, and sends their suffixes."""

    work: str
    order: int
    highest: bool
    threshold: int
    """Occurrences up to which n-grams are left out."""
    partitions: int
    """Partitions of the next lower order."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Merge one partition."""
        counts = merge_chunks(chunks, self.order)
        if self.order > 1:
            yield from send_suffixes(counts, self.partitions)
            counts = counts.rows(~starts_twice(counts))
        adjusted = adjust(counts, self.highest)
        kept = is_kept(counts, self.threshold)
        ngrams = [pa.array(column[kept]) for column in counts.words]
        columns = pa.record_batch([*ngrams, pa.array(adjusted[kept])], schema=ngram_schema(self.order))
        write_stream(ngrams_path(self.work, self.order, partition), columns.schema, [columns])
        contexts = sum_contexts(counts, adjusted, kept)
        write_stream(contexts_path(self.work, self.order, partition), CONTEXT, [contexts])
        smoothed = adjusted if self.order > 1 else adjusted[counts.words[0] != UNK]
        counts_of_counts = np.bincount(np.minimum(smoothed, 5), minlength=6)[1:5].tolist()
        yield NgramsMerged(self.order, len(smoothed), int(np.count_nonzero(kept)), counts_of_counts)


@dataclass(frozen=True)
class NgramsMerged(Result):
    """The n-grams of one order and hash partition."""

    order: int
    distinct: int
    kept: int
    counts_of_counts: list[int]
    """How many have the adjusted count 1, 2, 3, 4."""


def merge_chunks(chunks: Iterable[pa.RecordBatch], order: int) -> NgramCounts:
    """All chunks of one partition as distinct n-grams, sorted; memory follows the distinct ones."""
    held = [NgramCounts.empty(order)]
    for chunk in chunks:
        held.append(_from_chunk(chunk))
        if len(held) > 2 and sum(part.nbytes for part in held) > max(MERGE_BYTES, 2 * held[0].nbytes):
            held = [merge(concatenate(held))]
    return merge(concatenate(held))


def starts_twice(counts: NgramCounts) -> Bool:
    """Whether an n-gram begins with `<s> <s>`: then it only carries a shorter one, to where its length is counted."""
    return (counts.words[0] == BOS) & (counts.words[1] == BOS)


def adjust(counts: NgramCounts, highest: bool) -> I64:
    """Kneser-Ney's counts: how many words stand before an n-gram, or its occurrences where nothing can stand there."""
    if highest:
        return counts.raw
    return np.where(counts.words[0] == BOS, counts.raw, counts.left)


def is_kept(counts: NgramCounts, threshold: int) -> Bool:
    """Which n-grams the model has: the frequent ones of known words.

    An unknown word stands for many: if it were predicted by its count, a text of unknown words would be a likely text.
    """
    kept: Bool = counts.raw > threshold
    for column in counts.words:
        kept &= column != UNK
    return kept


def sum_contexts(counts: NgramCounts, adjusted: I64, kept: Bool) -> pa.RecordBatch:
    """The rows of `CONTEXT` of sorted n-grams."""
    if len(counts) == 0:
        return pa.RecordBatch.from_pylist([], CONTEXT)
    starts = run_starts(*counts.words[:-1]) if len(counts.words) > 1 else np.zeros(1, np.int64)
    columns = [
        kept,
        adjusted,
        np.where(kept, 0, adjusted),
        kept & (adjusted == 1),
        kept & (adjusted == 2),
        kept & (adjusted > 2),
    ]
    sums = [np.add.reduceat(column, starts, dtype=np.int64) for column in columns]
    used = sums[0] > 0
    return pa.record_batch([pa.array(column[used]) for column in sums], schema=CONTEXT)


def send_suffixes(counts: NgramCounts, partitions: int) -> Iterator[Send]:
    """The n-grams without their first words, to the next lower order."""
    if len(counts) == 0:
        return
    left = (~starts_twice(counts)).astype(np.int64)
    suffixes = NgramCounts(counts.words[1:], counts.raw, left)
    buffer = PartitionBuffer()
    yield from _send(merge(suffixes), partitions, buffer)
    yield from buffer.flush()


def _send(counts: NgramCounts, partitions: int, buffer: PartitionBuffer) -> Iterator[Send]:
    columns = [pa.array(column) for column in (*counts.words, counts.raw, counts.left)]
    batch = pa.record_batch(columns, names=[*(f"w{n}" for n in range(len(counts.words))), "raw", "left"])
    yield from buffer.add(batch, partition_of(context_hash(counts.words), partitions))


def _from_chunk(chunk: pa.RecordBatch) -> NgramCounts:
    *words, raw, left = (column.to_numpy() for column in chunk.columns)
    return NgramCounts(tuple(words), raw, left)
