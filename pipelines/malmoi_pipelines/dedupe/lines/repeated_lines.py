"""Lines that many documents share are removed from all of them but the first in the total order.

    SendLines ─▶ MeetLines ─▶ NameKeepers ─▶ LineRemover, inside ApplyRemovals
     by file      by key       by file        by file

A line here is a line or a paragraph, as the settings say. Only documents that survive the removal of duplicates count,
so a line of a thousand copies of one document is not yet a repeated line.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from malmoi_pipelines.contracts import tables
from malmoi_pipelines.contracts.arrays import I64, U64, repeated, run_starts
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.streams import open_stream, read_stream
from malmoi_pipelines.dedupe import work_files
from malmoi_pipelines.dedupe.config import RepeatedLines
from malmoi_pipelines.dedupe.lines.text_lines import distinct_keys
from malmoi_pipelines.dedupe.messages import (
    NAMED_REMOVAL,
    file_of,
    from_chunks,
    locators,
    row_of,
    take,
    to_batch,
)
from malmoi_pipelines.dedupe.normalise import Fold
from malmoi_pipelines.dedupe.parquet_rows import read_rows
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import PartitionBuffer, partition_of

LINE_KEY = pa.schema([(name, pa.uint64()) for name in ("key_high", "key_low", "rank", "tie", "locator")])
"""One row a distinct line of a document, with the document's place in the total order."""
LINE_DROP = pa.schema([(name, pa.uint64()) for name in ("document", "partner", "key_high", "key_low")])
"""A line to remove from a document, and the document that keeps it."""
NAMED_LINE_DROP = pa.schema([*LINE_DROP, ("partner_id", pa.string()), ("partner_source", pa.string())])
"""A line to remove, on its way to the file that has it, with the name of the document that keeps it."""

_BLOCK_BYTES = 1 << 20  # bytes of documents cut at once
_ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class SendLines:
    """Send the key of every line of the surviving documents, once a document."""

    files: tuple[str, ...]
    work: str
    """The digests are read here, and the removals left until `ApplyRemovals`."""
    options: RepeatedLines
    fold: tuple[Fold, ...]
    partitions: int
    """Partitions of the next step."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file; the chunks are the removals of its documents (`NAMED_REMOVAL`)."""
        gone = _leave_removals(work_files.removals_path(self.work, partition), chunks)
        rank, tie = _read_order(work_files.digests_path(self.work, partition))
        buffer = PartitionBuffer()
        for rows, texts in _surviving_texts(self.files[partition], gone):
            owner, keys = distinct_keys(texts, self.options.unit, self.options.min_chars, self.fold)
            keys |= {"rank": rank[rows[owner]], "tie": tie[rows[owner]]}
            keys["locator"] = locators(partition, 0, 1) | rows[owner].astype(np.uint64)
            yield from buffer.add(to_batch(LINE_KEY, keys), partition_of(keys["key_high"], self.partitions))
        yield from buffer.flush()


def _leave_removals(path: str, chunks: Iterable[pa.RecordBatch]) -> I64:
    """Write the removals of one file, sorted by document, and return their rows."""
    removals = pa.Table.from_batches(list(chunks), NAMED_REMOVAL)
    removals = removals.take(pa.array(np.argsort(removals.column("document").to_numpy())))
    with open_stream(path, NAMED_REMOVAL) as writer:
        for batch in removals.combine_chunks().to_batches(max_chunksize=_ROWS_AT_ONCE):
            writer.write_batch(batch)
    return row_of(removals.column("document").to_numpy())


def _read_order(path: str) -> tuple[U64, U64]:
    """Rank and tie of every document of a file; of the digests no more than one batch is held."""
    ranks, ties = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
    for batch in read_stream(path):
        # Copied, because a view would hold the whole batch.
        ranks.append(batch.column("rank").to_numpy().copy())
        ties.append(batch.column("tie").to_numpy().copy())
    return np.concatenate(ranks), np.concatenate(ties)


def _surviving_texts(path: str, gone: I64) -> Iterator[tuple[I64, list[str]]]:
    """The texts of a file in blocks, without the rows that are gone (ascending), and the rows of those that stay."""
    start = 0
    for batch in tables.read_batches(path, ["text"]):
        rows = np.arange(start, start + batch.num_rows)
        first, last = np.searchsorted(gone, [start, start + batch.num_rows])
        stays = np.ones(batch.num_rows, np.bool_)
        stays[gone[first:last] - start] = False
        start += batch.num_rows
        rows = rows[stays]
        for part in tables.cut_by_size(batch.filter(pa.array(stays)), _BLOCK_BYTES):
            yield rows[: part.num_rows], part.column("text").to_pylist()
            rows = rows[part.num_rows :]


@dataclass(frozen=True)
class LinesMet(Result):
    """The lines of one range of keys."""

    repeated: int
    """Distinct lines that enough documents hold."""


@dataclass(frozen=True)
class MeetLines:
    """Find the lines that enough documents hold; the first of these in the total order keeps the line."""

    min_documents: int

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = range of keys. Every line to remove goes to the file of the document that keeps it."""
        keys = from_chunks(chunks, LINE_KEY)
        keys = take(keys, repeated(keys["key_high"]))
        order = ("locator", "tie", "rank", "key_low", "key_high")  # np.lexsort: the last is the primary key
        keys = take(keys, np.lexsort([keys[name] for name in order]))
        starts = run_starts(keys["key_high"], keys["key_low"])
        holders = np.diff(starts, append=len(keys["locator"]))
        partner = np.repeat(keys["locator"][starts], holders)
        dropped = np.repeat(holders >= self.min_documents, holders)
        dropped[starts] = False
        drops = take({**keys, "document": keys["locator"], "partner": partner}, dropped)
        yield LinesMet(int(np.count_nonzero(holders >= self.min_documents)))
        buffer = PartitionBuffer()
        yield from buffer.add(to_batch(LINE_DROP, drops), file_of(drops["partner"]))
        yield from buffer.flush()


@dataclass(frozen=True)
class NameKeepers:
    """Add id and source of the documents that keep lines, read from their own file."""

    files: tuple[str, ...]

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file of the keepers. Every line to remove goes to the file that has it."""
        drops = from_chunks(chunks, LINE_DROP)
        rows, place = np.unique(row_of(drops["partner"]), return_inverse=True)
        pieces = [batch for _, batch in read_rows(self.files[partition], rows, ["id", "source"])]
        if not pieces:
            return
        names = pa.Table.from_batches(pieces)
        buffer = PartitionBuffer()
        for start in range(0, len(place), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            named = names.take(pa.array(place[part])).combine_chunks()
            texts = [named.column(name).combine_chunks().cast(pa.string()) for name in ("id", "source")]
            numbers = [pa.array(drops[name][part]) for name in LINE_DROP.names]
            batch = pa.record_batch([*numbers, *texts], schema=NAMED_LINE_DROP)
            yield from buffer.add(batch, file_of(drops["document"][part]))
        yield from buffer.flush()
