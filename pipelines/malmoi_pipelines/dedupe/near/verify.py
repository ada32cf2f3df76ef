"""Step 7, by file: candidates are verified on their whole shingle sets."""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import F64, I64, U64, Bool, cuts, run_starts
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.streams import open_stream
from malmoi_pipelines.dedupe import work_files
from malmoi_pipelines.dedupe.messages import MATCH, Columns, distinct_edges, file_of, row_of, take, to_batch
from malmoi_pipelines.dedupe.near.components import send_labels
from malmoi_pipelines.dedupe.work_files import ShingleSets
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import PartitionBuffer

_ROUND_VALUES = 1 << 22  # shingles compared at once: 32 MB, and some four times that in all
_ROUND_PAIRS = 1 << 16


@dataclass(frozen=True)
class VerifyEdges:
    """Compute the exact similarity of the candidates of one input file; send those that reach the threshold."""

    work: str
    similarity: str
    threshold: float
    partitions: int
    """Partitions of the resolving step. With one, the matches go there; with more, they wait in a work file until their
    components are known, and their ends go on as labels."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file of the edges' documents."""
        edges = distinct_edges(chunks)
        matches = verified(edges, self.work, self.similarity, self.threshold)
        yield EdgesVerified(len(edges["document"]), len(matches["document"]))
        if self.partitions > 1:
            with open_stream(work_files.matches_path(self.work, partition), MATCH) as writer:
                writer.write_batch(to_batch(MATCH, matches))
            yield from send_labels(matches["document"], matches["partner"], self.partitions)
            return
        buffer = PartitionBuffer()
        yield from buffer.add(to_batch(MATCH, matches), np.zeros(len(matches["document"]), np.int64))
        yield from buffer.flush()


@dataclass(frozen=True)
class EdgesVerified(Result):
    """The edges of one file's documents."""

    candidates: int
    verified: int


def verified(edges: Columns, work: str, similarity: str, threshold: float) -> Columns:
    """The edges whose two shingle sets reach the threshold, with their similarity.

    Edges are taken file pair by file pair, a bounded number of shingles at a time.
    """
    edges = take(edges, np.lexsort((edges["document"], edges["partner"], file_of(edges["document"]))))
    found = np.zeros(len(edges["document"]))
    files = file_of(edges["document"]), file_of(edges["partner"])
    starts = run_starts(*files)
    open_sets = functools.lru_cache(maxsize=8)(functools.partial(ShingleSets, work))
    for start, size in zip(starts.tolist(), np.diff(starts, append=len(found)).tolist(), strict=True):
        stop = start + size
        sets = open_sets(int(files[0][start])), open_sets(int(files[1][start]))
        rows = row_of(edges["document"][start:stop]), row_of(edges["partner"][start:stop])
        found[start:stop] = _similarities(sets, rows, similarity, threshold)
    edges["similarity"] = found
    return take(edges, found >= threshold)


def possible(document_sizes: I64, partner_sizes: I64, similarity: str, threshold: float) -> Bool:
    """Whether sets of these sizes can reach the threshold at all.

    >>> possible(np.array([8, 10]), np.array([10, 8]), "containment", 0.9).tolist()
    [True, False]
    """
    whole = document_sizes if similarity == "containment" else np.maximum(document_sizes, partner_sizes)
    # The division of the verification itself: rounded otherwise, a pair right at the threshold would be lost.
    return np.minimum(document_sizes, partner_sizes) / whole >= threshold


def _similarities(
    sets: tuple[ShingleSets, ShingleSets], rows: tuple[I64, I64], similarity: str, threshold: float
) -> F64:
    """Similarity of the pairs (rows[0][i], rows[1][i]); 0 where the sizes alone rule the threshold out."""
    left, right = sets[0].sizes(rows[0]), sets[1].sizes(rows[1])
    result = np.zeros(len(left))
    chances = np.flatnonzero(possible(left, right, similarity, threshold))
    for first, last in cuts((left + right)[chances], _ROUND_VALUES):
        for chosen in np.split(chances[first:last], range(_ROUND_PAIRS, last - first, _ROUND_PAIRS)):
            values = sets[0].read(rows[0][chosen]), sets[1].read(rows[1][chosen])
            shared = intersections(*values, left[chosen], right[chosen])
            whole = left[chosen] if similarity == "containment" else left[chosen] + right[chosen] - shared
            result[chosen] = shared / whole
    return result


def intersections(left: U64, right: U64, left_sizes: I64, right_sizes: I64) -> I64:
    """Sizes of the intersections |A ∩ B| of many pairs of sets in one sort.

    The pair's number takes the high bits of a key and the shingle hash the rest (at least 48: in a pair of documents
    of 10,000 words any two shingles are confused with probability 10^-6). Sorted, a key that occurs twice is shared.

    Args:
        left: uint64, the first sets of all pairs end to end, each without repeats.
        right: the second sets.
        left_sizes: int64[pairs].
        right_sizes: int64[pairs].

    >>> sets = np.array([1, 2, 3, 4], np.uint64) << np.uint64(32)
    >>> intersections(sets[:3], sets[1:], np.array([3]), np.array([3])).tolist()
    [2]
    """
    pairs = len(left_sizes)
    pair_bits = max(1, (pairs - 1).bit_length())
    number, shift = np.arange(pairs, dtype=np.uint64), np.uint64(64 - pair_bits)
    keys = np.concatenate([left, right]) >> np.uint64(pair_bits)
    keys |= np.concatenate([np.repeat(number, left_sizes), np.repeat(number, right_sizes)]) << shift
    keys.sort()
    return np.bincount((keys[1:][keys[1:] == keys[:-1]] >> shift).astype(np.int64), minlength=pairs)
