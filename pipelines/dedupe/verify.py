"""Steps 5 and 6, by input file: candidates are verified on their whole shingle sets."""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.contracts.arrays import F64, I64, U64, cuts, run_starts
from pipelines.contracts.tables import cut_by_size
from pipelines.dedupe.digest import BLOCK_BYTES
from pipelines.dedupe.messages import (
    EDGE,
    MATCH,
    Columns,
    distinct_edges,
    file_of,
    from_chunks,
    row_of,
    take,
    to_batch,
)
from pipelines.dedupe.normalise import normalise
from pipelines.dedupe.parquet_rows import read_rows
from pipelines.dedupe.shingles import shingles
from pipelines.dedupe.work_files import ShingleSets, ShingleWriter
from pipelines.engine.job import Result, Send
from pipelines.engine.partition import PartitionBuffer

_ROUND_VALUES = 1 << 22  # shingles compared at once: 32 MB, and some four times that in all
_ROUND_PAIRS = 1 << 16


@dataclass(frozen=True)
class ExtractShingles:
    """Read the candidates of one input file again and leave their shingle sets in a work file.

    Only documents that met a candidate are stored: sets of all documents would be about as large as the corpus.
    """

    files: tuple[str, ...]
    work: str
    words: int

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file; its edges go on to the same partition of the next step."""
        edges = distinct_edges(chunks)
        wanted = np.unique(row_of(edges["document"]))
        with ShingleWriter(self.work, partition) as writer:
            for rows, batch in read_rows(self.files[partition], wanted, ["text"]):
                done = 0
                for part in cut_by_size(batch, BLOCK_BYTES):
                    hashes, bounds = shingles(normalise(part.column("text").to_pylist()), self.words)
                    pairs = zip(bounds.tolist(), bounds[1:].tolist(), strict=False)
                    sets = [np.unique(hashes[start:end]) for start, end in pairs]
                    writer.add(rows[done : done + part.num_rows], sets)
                    done += part.num_rows
        edges = take(edges, edges["document"] != edges["partner"])
        yield Result({"candidate_edges": len(edges["document"])})
        buffer = PartitionBuffer()
        yield from buffer.add(to_batch(EDGE, edges), file_of(edges["document"]))
        yield from buffer.flush()


@dataclass(frozen=True)
class VerifyEdges:
    """Compute the exact similarity of the candidates of one input file; send those that reach the threshold."""

    work: str
    threshold: float

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file of the edges' documents. The next step has one partition."""
        matches = verified(from_chunks(chunks, EDGE), self.work, self.threshold)
        yield Result({"verified_edges": len(matches["document"])})
        buffer = PartitionBuffer()
        yield from buffer.add(to_batch(MATCH, matches), np.zeros(len(matches["document"]), np.int64))
        yield from buffer.flush()


def verified(edges: Columns, work: str, threshold: float) -> Columns:
    """The edges whose two shingle sets have a Jaccard similarity of at least `threshold`, with that similarity.

    Edges are taken file pair by file pair, a bounded number of shingles at a time.
    """
    edges = take(edges, np.lexsort((edges["document"], edges["partner"], file_of(edges["document"]))))
    similarity = np.zeros(len(edges["document"]))
    files = file_of(edges["document"]), file_of(edges["partner"])
    starts = run_starts(*files)
    open_sets = functools.lru_cache(maxsize=8)(functools.partial(ShingleSets, work))
    for start, size in zip(starts.tolist(), np.diff(starts, append=len(similarity)).tolist(), strict=True):
        stop = start + size
        sets = open_sets(int(files[0][start])), open_sets(int(files[1][start]))
        rows = row_of(edges["document"][start:stop]), row_of(edges["partner"][start:stop])
        similarity[start:stop] = _similarities(sets, rows, threshold)
    edges["similarity"] = similarity
    return take(edges, similarity >= threshold)


def _similarities(sets: tuple[ShingleSets, ShingleSets], rows: tuple[I64, I64], threshold: float) -> F64:
    """Jaccard similarity of the pairs (rows[0][i], rows[1][i]); 0 where the sizes alone rule the threshold out."""
    left, right = sets[0].sizes(rows[0]), sets[1].sizes(rows[1])
    result = np.zeros(len(left))
    possible = np.flatnonzero(np.minimum(left, right) >= threshold * np.maximum(left, right))
    for first, last in cuts((left + right)[possible], _ROUND_VALUES):
        for chosen in np.split(possible[first:last], range(_ROUND_PAIRS, last - first, _ROUND_PAIRS)):
            values = sets[0].read(rows[0][chosen]), sets[1].read(rows[1][chosen])
            result[chosen] = jaccards(*values, left[chosen], right[chosen])
    return result


def jaccards(left: U64, right: U64, left_sizes: I64, right_sizes: I64) -> F64:
    """Jaccard similarities |A ∩ B| / |A ∪ B| of many pairs of sets in one sort.

    The pair's number takes the high bits of a key and the shingle hash the rest (at least 48: in a pair of documents
    of 10,000 words any two shingles are confused with probability 10^-6). Sorted, a key that occurs twice is shared.

    Args:
        left: uint64, the first sets of all pairs end to end, each without repeats.
        right: the second sets.
        left_sizes: int64[pairs].
        right_sizes: int64[pairs].

    >>> sets = np.array([1, 2, 3, 4], np.uint64) << np.uint64(32)
    >>> jaccards(sets[:3], sets[1:], np.array([3]), np.array([3])).tolist()
    [0.5]
    """
    pairs = len(left_sizes)
    pair_bits = max(1, (pairs - 1).bit_length())
    number, shift = np.arange(pairs, dtype=np.uint64), np.uint64(64 - pair_bits)
    keys = np.concatenate([left, right]) >> np.uint64(pair_bits)
    keys |= np.concatenate([np.repeat(number, left_sizes), np.repeat(number, right_sizes)]) << shift
    keys.sort()
    shared = np.bincount((keys[1:][keys[1:] == keys[:-1]] >> shift).astype(np.int64), minlength=pairs)
    return shared / (left_sizes + right_sizes - shared)
