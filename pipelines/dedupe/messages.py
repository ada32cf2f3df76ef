"""What passes between the steps: numbers only.

Text stays in the input files, which are read again to apply the result.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.arrays import I64, U64, run_starts

Columns = dict[str, npt.NDArray[Any]]

# A locator names a document inside the job: file number << 32 | row in the file. A rank orders documents: see `ranks`.
EXACT_KEY = pa.schema([(name, pa.uint64()) for name in ("key_high", "key_low", "rank", "tie", "locator")])
"""One row a document: the digest of its normalised text."""
EXACT_EDGE = pa.schema([("document", pa.uint64()), ("partner", pa.uint64())])
"""A document and the survivor of its group of exact duplicates."""
BAND = pa.schema([("digest", pa.uint64()), ("rank", pa.uint64()), ("locator", pa.uint64())])
"""One row a document and band."""
EDGE = pa.schema([(name, pa.uint64()) for name in ("document", "partner", "document_rank", "partner_rank")])
"""A candidate: `partner` comes earlier in the order. A row with equal ends only asks for the document's shingles."""
MATCH = pa.schema([*EDGE, ("similarity", pa.float64())])
"""A verified edge."""
REMOVAL = pa.schema(
    [("document", pa.uint64()), ("partner", pa.uint64()), ("near", pa.bool_()), ("similarity", pa.float64())]
)
"""A removed document and its survivor."""
NAMED_REMOVAL = pa.schema([*REMOVAL, ("partner_id", pa.string()), ("partner_source", pa.string())])
"""A removal with the survivor's name, on its way to the removed document's file."""

_LENGTH_BITS, _HASH_BITS = 24, 40
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


def ranks(lengths: I64, hashes: U64) -> U64:
    """The total order of documents as one number: the smaller is the survivor.

    Longer texts come first, since they hold more; texts of equal length follow their content hash, never their place in
    the input, so the survivors do not depend on the order of the files. Beyond 16 MiB lengths count as equal.

    Args:
        lengths: UTF-8 bytes of the raw texts.
        hashes: 64-bit content hashes of the raw texts.
    """
    longest = (1 << _LENGTH_BITS) - 1
    shortness = (longest - np.minimum(lengths, longest)).astype(np.uint64)
    return (shortness << np.uint64(_HASH_BITS)) | (hashes >> np.uint64(64 - _HASH_BITS))


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
