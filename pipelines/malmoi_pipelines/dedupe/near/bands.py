"""Steps 3 and 4: documents that share a band meet.

Most digests of a corpus occur once, so they travel alone: 8 bytes, and 2 that say which document of a block they are
of. 16 bands take 160 bytes a document, whatever else is known of it; the order and the size of a document are asked for
only if it meets another.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts.arrays import I64, U64, Bool, offsets, run_starts
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.streams import open_stream, read_stream
from malmoi_pipelines.dedupe import work_files
from malmoi_pipelines.dedupe.messages import (
    BANDS,
    EXACT_EDGE,
    MEETING,
    Columns,
    file_of,
    from_chunks,
    locators,
    row_of,
    take,
    to_batch,
)
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import PartitionBuffer, partition_of

_BLOCK_ROWS = 1 << 16  # so that a row's distance from the first fits into 16 bits


@dataclass(frozen=True)
class SendBands:
    """Send the bands of one file's exact survivors, and leave its exact duplicates for `SettleRemovals`."""

    work: str
    partitions: int
    """Partitions of the next step."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = file."""
        edges = from_chunks(chunks, EXACT_EDGE)
        won = take(edges, file_of(edges["partner"]) == partition)
        won = take(won, np.lexsort((won["document"], won["partner"])))
        with open_stream(work_files.exact_path(self.work, partition), EXACT_EDGE) as writer:
            writer.write_batch(to_batch(EXACT_EDGE, won))
        lost = np.sort(row_of(edges["document"][file_of(edges["document"]) == partition]))
        buffer = PartitionBuffer()
        documents = num_bytes = 0
        for rows, digests in _blocks(work_files.digests_path(self.work, partition), lost):
            first = int(locators(partition, int(rows[0]), 1)[0])
            blocks, partitions = band_blocks(first, rows - rows[0], digests, self.partitions)
            documents, num_bytes = documents + len(rows), num_bytes + blocks.nbytes
            yield from buffer.add(blocks, partitions)
        yield from buffer.flush()
        yield BandsSent(documents, num_bytes)


@dataclass(frozen=True)
class BandsSent(Result):
    """The bands of one file."""

    documents: int
    """Those that have any."""
    bytes: int
    """Arrow bytes of what was sent."""


def _blocks(path: str, lost: I64) -> Iterator[tuple[I64, U64]]:
    """Rows and band digests (uint64[n, bands]) of the documents that have any and are not lost, block by block."""
    held: list[tuple[I64, U64]] = []
    row = 0
    for batch in read_stream(path):
        lists = batch.column("bands")
        rows = np.flatnonzero(pc.list_value_length(lists).to_numpy())
        if len(rows):
            digests = lists.flatten().to_numpy().reshape(len(rows), -1)
            rows += row
            kept = np.isin(rows, lost, invert=True)
            held.append((rows[kept], digests[kept]))
        row += batch.num_rows
        if sum(len(rows) for rows, _ in held) >= _BLOCK_ROWS:
            yield from _cut(held)
            held = []
    yield from _cut(held)


def _cut(held: list[tuple[I64, U64]]) -> Iterator[tuple[I64, U64]]:
    if not held:
        return
    rows, digests = (np.concatenate(parts) for parts in zip(*held, strict=True))
    if len(rows):
        starts = run_starts((rows - rows[0]) // _BLOCK_ROWS)
        yield from zip(np.split(rows, starts[1:]), np.split(digests, starts[1:]), strict=True)


def band_blocks(first: int, rows: I64, digests: U64, partitions: int) -> tuple[pa.RecordBatch, I64]:
    """The digests of a block of documents by partition: one row of `BANDS` for each partition that gets any.

    Args:
        first: locator of the first document.
        rows: int64[n], how many rows after it each document is.
        digests: uint64[n, bands].
        partitions: number of partitions.

    Returns:
        the rows, and the partition of each.
    """
    flat = digests.ravel()
    targets = partition_of(flat, partitions)
    ordered = np.argsort(targets, kind="stable")
    counts = np.bincount(targets, minlength=partitions)
    chosen = np.flatnonzero(counts)
    ends = pa.array(offsets(counts[chosen]).astype(np.int32))
    distances = np.repeat(rows.astype(np.uint16), digests.shape[1])[ordered]
    columns = [
        pa.array(np.full(len(chosen), first, np.uint64)),
        pa.ListArray.from_arrays(ends, pa.array(flat[ordered])),
        pa.ListArray.from_arrays(ends, pa.array(distances)),
    ]
    return pa.record_batch(columns, schema=BANDS), chosen


@dataclass(frozen=True)
class MeetBands:
    """Find the digests that at least two documents have, one of them new."""

    first_old: int
    """Number of the first file of an earlier corpus."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = range of digests. Each document of a bucket is told to its file, which describes it."""
        blocks = list(chunks)
        digests = np.concatenate([np.zeros(0, np.uint64), *(_flat(block, "digests") for block in blocks)])
        digests.sort()
        shared = np.unique(digests[:-1][digests[1:] == digests[:-1]])
        del digests
        met = _concatenate([_members(block, shared) for block in blocks])
        met = take(met, self._has_new(met))
        buffer = PartitionBuffer()
        yield from buffer.add(to_batch(MEETING, met), file_of(met["locator"]))
        yield from buffer.flush()

    def _has_new(self, met: Columns) -> Bool:
        is_new = file_of(met["locator"]) < self.first_old
        return np.isin(met["digest"], met["digest"][is_new])


def _flat(block: pa.RecordBatch, name: str) -> npt.NDArray[np.generic]:
    return block.column(name).flatten().to_numpy()


def _members(block: pa.RecordBatch, shared: U64) -> Columns:
    digests = _flat(block, "digests")
    firsts = np.repeat(block.column("first").to_numpy(), pc.list_value_length(block.column("digests")).to_numpy())
    place = np.searchsorted(shared, digests)
    chosen = np.flatnonzero(shared[np.minimum(place, len(shared) - 1)] == digests) if len(shared) else place[:0]
    return {"digest": digests[chosen], "locator": firsts[chosen] + _flat(block, "rows")[chosen].astype(np.uint64)}


def _concatenate(parts: list[Columns]) -> Columns:
    empty = np.zeros(0, np.uint64)
    return {name: np.concatenate([empty, *(part[name] for part in parts)]) for name in MEETING.names}
