"""What passes between the steps: numbers only.

Text stays in the input files, which are read again to apply the result. A locator names a document inside the job: file
number << 32 | row in the file; the files of earlier corpora are numbered after those of the input.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import I64, U64, run_starts

Columns = dict[str, npt.NDArray[Any]]


def _numbers(*names: str) -> pa.Schema:
    return pa.schema([(name, pa.uint64()) for name in names])


EXACT_KEY = _numbers("key_high", "key_low", "rank", "tie", "locator")
"""One row a document: its exact key and its place in the total order (`malmoi_pipelines.dedupe.order`)."""
EXACT_EDGE = _numbers("document", "partner")
"""A document and the survivor of its group of exact duplicates."""
BANDS = pa.schema([("first", pa.uint64()), ("digests", pa.list_(pa.uint64())), ("rows", pa.list_(pa.uint16()))])
"""One row a block of documents: their digests of one partition, each with the distance of its row from `first`."""
MEETING = _numbers("digest", "locator")
"""A document in a bucket of at least two: sent to its file, to be described."""
MEMBER = pa.schema([*_numbers("digest", "locator", "rank", "tie"), ("size", pa.uint32())])
"""A described document of a bucket; `size` counts its distinct shingles."""
EDGE = _numbers("document", "partner", "document_rank", "document_tie", "partner_rank", "partner_tie")
"""A candidate: `partner` comes earlier in the order, and `document` is not of an earlier corpus."""
MATCH = pa.schema([*EDGE, ("similarity", pa.float64())])
"""A verified edge."""
LABEL = _numbers("node", "label")
"""A document and the least document known of its component."""
REMOVAL = pa.schema([*_numbers("document", "partner", "cluster"), ("near", pa.bool_()), ("similarity", pa.float64())])
"""A removed document, the document it repeats, and its cluster's survivor."""
NAMES = ("partner_id", "partner_source", "cluster_id", "cluster_source")
NAMED_REMOVAL = pa.schema([*REMOVAL, ("partner_old", pa.bool_()), *((name, pa.string()) for name in NAMES)])
"""A removal on its way to the removed document's file; names are null until they are looked up. `partner_old`: the
partner is of an earlier corpus."""

_COMPACT_BYTES = 64 << 20  # bytes of edges held before repeats are dropped


def locators(file: int, first_row: int, count: int) -> U64:
    """The locators of `count` consecutive rows of a file."""
    return np.arange(first_row, first_row + count, dtype=np.uint64) | np.uint64(file << 32)


def file_of(locator: U64) -> I64:
    """The file number in each locator: the partition of the steps that work on files."""
    return (locator >> np.uint64(32)).astype(np.int64)


def row_of(locator: U64) -> I64:
    """The row in each locator."""
    return (locator & np.uint64(0xFFFFFFFF)).astype(np.int64)


def to_batch(schema: pa.Schema, columns: Columns) -> pa.RecordBatch:
    """A chunk of one kind; other columns are left out."""
    return pa.record_batch([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def from_chunks(chunks: Iterable[pa.RecordBatch], schema: pa.Schema) -> Columns:
    """All chunks of one kind as one array a column."""
    table = pa.Table.from_batches(list(chunks), schema)
    return {name: table.column(name).to_numpy() for name in schema.names}


def take(columns: Columns, rows: npt.NDArray[Any]) -> Columns:
    """The rows chosen by indices or by a mask."""
    return {name: column[rows] for name, column in columns.items()}


def distinct_edges(chunks: Iterable[pa.RecordBatch]) -> Columns:
    """The distinct edges of all chunks, sorted: one pair usually meets in several bands.

    Repeats are dropped whenever what is held doubles, so memory follows the distinct edges.
    """
    held: list[pa.RecordBatch] = []
    size, limit = 0, _COMPACT_BYTES
    for chunk in chunks:
        held.append(chunk)
        size += chunk.nbytes
        if size > limit:
            held = [to_batch(EDGE, distinct(from_chunks(held, EDGE)))]
            size = held[0].nbytes
            limit = max(_COMPACT_BYTES, 2 * size)
    return distinct(from_chunks(held, EDGE))


def distinct(edges: Columns) -> Columns:
    """Each pair once, sorted by document, then partner."""
    edges = take(edges, np.lexsort((edges["partner"], edges["document"])))
    return take(edges, run_starts(edges["document"], edges["partner"]))
