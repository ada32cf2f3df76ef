"""Steps 5 and 6: the documents that met are described by their files, and become candidate pairs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import I64, Bool, run_starts
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.streams import read_stream
from malmoi_pipelines.contracts.tables import cut_by_size
from malmoi_pipelines.dedupe import order, work_files
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.digest import BLOCK_BYTES
from malmoi_pipelines.dedupe.lines.before_near import RepeatedLineKeys
from malmoi_pipelines.dedupe.messages import (
    EDGE,
    MEETING,
    MEMBER,
    Columns,
    distinct,
    file_of,
    from_chunks,
    row_of,
    take,
    to_batch,
)
from malmoi_pipelines.dedupe.near.shingles import shingles
from malmoi_pipelines.dedupe.near.verify import possible
from malmoi_pipelines.dedupe.normalise import normalise
from malmoi_pipelines.dedupe.parquet_rows import read_rows
from malmoi_pipelines.dedupe.work_files import ShingleWriter
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import PartitionBuffer, partition_of

_MEMBERS_AT_ONCE = 1 << 18  # rows of buckets paired at once: some 150 MB of edges


@dataclass(frozen=True)
class DescribeCandidates:
    """Read the documents of one file that met others again, and leave their shingle sets in a work file.

    Only these are stored: sets of all documents would be about as large as the corpus.
    """

    files: tuple[str, ...]
    """Input files and those of earlier corpora."""
    work: str
    config: DedupeConfig
    partitions: int
    """Partitions of the next step."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = file. Each meeting goes back to its digest's partition, with order and size of the document."""
        met = from_chunks(chunks, MEETING)
        rows, place = np.unique(row_of(met["locator"]), return_inverse=True)
        sizes = self._store_shingles(partition, rows)
        described = {**met, **{name: values[place] for name, values in self._order(partition, rows).items()}}
        described["size"] = sizes[place].astype(np.uint32)
        buffer = PartitionBuffer()
        yield from buffer.add(to_batch(MEMBER, described), partition_of(met["digest"], self.partitions))
        yield from buffer.flush()

    def _store_shingles(self, partition: int, wanted: I64) -> I64:
        """Write the shingle sets of chosen rows; returns their sizes."""
        sizes = [np.zeros(0, np.int64)]
        lines = RepeatedLineKeys(self.work, partition, self.config) if self.config.lines_before_near else None
        with ShingleWriter(self.work, partition) as writer:
            for rows, batch in read_rows(self.files[partition], wanted, ["text"]):
                done = 0
                for part in cut_by_size(batch, BLOCK_BYTES):
                    texts = part.column("text").to_pylist()
                    block = normalise(texts if lines is None else lines.without_repeated(texts), self.config.fold)
                    hashes, bounds = shingles(block, self.config.shingle, self.config.size)
                    pairs = zip(bounds.tolist(), bounds[1:].tolist(), strict=False)
                    sets = [np.unique(hashes[start:end]) for start, end in pairs]
                    sizes.append(writer.add(rows[done : done + part.num_rows], sets))
                    done += part.num_rows
        return np.concatenate(sizes)

    def _order(self, partition: int, wanted: I64) -> Columns:
        """Rank and tie of chosen rows."""
        parts: dict[str, list[np.ndarray]] = {"rank": [np.zeros(0, np.uint64)], "tie": [np.zeros(0, np.uint64)]}
        start = 0
        for batch in read_stream(work_files.digests_path(self.work, partition)):
            first, last = np.searchsorted(wanted, [start, start + batch.num_rows])
            for name, values in parts.items():
                values.append(batch.column(name).to_numpy()[wanted[first:last] - start])
            start += batch.num_rows
        return {name: np.concatenate(values) for name, values in parts.items()}


@dataclass(frozen=True)
class BucketsPaired(Result):
    """The buckets of one range of digests."""

    hot: int
    """Those with more members than `bucket_cap`."""
    beyond_cap: int
    """Members that are too many for their bucket."""
    largest: int
    """Members of the largest."""


@dataclass(frozen=True)
class PairBuckets:
    """Turn buckets of equal band digests into candidate edges, from each document to earlier ones.

    In a bucket sorted by the order, each member is paired with the first (the star that finds the survivor) and with a
    few just before it. These are closest in length, and catch the families inside a bucket whose first member is like
    none of them: forms with a common head, or a long document that shares one band by chance. All pairs would be
    quadratic: one bucket of 10,000 templates has 50 million pairs, but 90,000 edges with eight neighbours; beyond the
    cap a member has one edge. Pairs whose sizes alone rule out the threshold are left out.
    """

    config: DedupeConfig
    first_old: int
    """Number of the first file of an earlier corpus."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = range of digests. Edges go to the document's file."""
        members = from_chunks(chunks, MEMBER)
        # By length, documents of earlier corpora among the others: neighbours are to be close in length.
        among = order.old(members["rank"])
        members = take(members, np.lexsort((members["locator"], members["tie"], among, members["digest"])))
        starts = run_starts(members["digest"])
        lengths = np.diff(starts, append=len(members["digest"]))
        begin, star = np.repeat(starts, lengths), np.repeat(_firsts(members, starts), lengths)
        buffer = PartitionBuffer()
        for start in range(0, len(star), _MEMBERS_AT_ONCE):
            rows = np.arange(start, min(start + _MEMBERS_AT_ONCE, len(star)))
            edges = distinct(self._edges(members, rows, begin[rows], star[rows]))
            yield from buffer.add(to_batch(EDGE, edges), file_of(edges["document"]))
        yield from buffer.flush()
        hot = lengths > self.config.bucket_cap
        beyond = int((lengths[hot] - self.config.bucket_cap).sum())
        yield BucketsPaired(int(hot.sum()), beyond, int(lengths.max(initial=0)))

    def _edges(self, members: Columns, rows: I64, begin: I64, star: I64) -> Columns:
        """Edges of some rows of the sorted members; `begin` is where each one's bucket starts, `star` its survivor."""
        near = np.flatnonzero(rows - begin < self.config.bucket_cap)
        pairs = [(rows, star)]
        for distance in range(1, self.config.neighbours + 1):
            inside = near[rows[near] - distance >= begin[near]]
            pairs.append((rows[inside], rows[inside] - distance))
        left, right = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
        swap = _earlier(members, left, right)
        later, first = np.where(swap, right, left), np.where(swap, left, right)
        sizes = members["size"].astype(np.int64)
        ok = (later != first) & (file_of(members["locator"][later]) < self.first_old)
        ok &= possible(sizes[later], sizes[first], self.config.similarity, self.config.threshold)
        later, first = later[ok], first[ok]
        return {
            "document": members["locator"][later],
            "partner": members["locator"][first],
            **{f"document_{name}": members[name][later] for name in ("rank", "tie")},
            **{f"partner_{name}": members[name][first] for name in ("rank", "tie")},
        }


def _firsts(members: Columns, starts: I64) -> I64:
    """The row of each bucket's first document in the total order."""
    if len(starts) == 0:
        return starts
    lowest = np.minimum.reduceat(members["rank"], starts)
    lengths = np.diff(starts, append=len(members["rank"]))
    is_first = members["rank"] == np.repeat(lowest, lengths)  # of equal ranks the first has the smallest tie
    numbers = np.repeat(np.arange(len(starts)), lengths)[is_first]
    return np.flatnonzero(is_first)[run_starts(numbers)]


def _earlier(members: Columns, left: I64, right: I64) -> Bool:
    rank, tie = members["rank"], members["tie"]
    return order.earlier(rank[left], tie[left], rank[right], tie[right])
