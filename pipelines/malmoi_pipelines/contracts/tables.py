"""Reading and writing the tables of dataset folders: Parquet, atomically, with hashes, equal bytes for equal rows."""

import contextlib
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.arrays import I64
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.manifest import FileInfo, Manifest, read_manifest, verify_sizes
from malmoi_pipelines.contracts.schemas import Table, check_schema

ROW_GROUP_BYTES = 8 << 20  # bytes of Arrow data a row group: the unit of reading and of memory


def write_parquet(folder: str, table: Table, name: str, batches: Iterable[pa.RecordBatch]) -> FileInfo:
    """Write `folder/<table>/<name>.parquet`; one row group a batch.

    The bytes depend on the rows and on how they are cut into batches, so callers cut by size, never by arrival.
    """
    path = f"{table.name}/{name}.parquet"
    rows = text_bytes = 0
    with atomic_parquet(files.join(folder, path), table.schema) as (sink, writer):
        for batch in batches:
            writer.write_batch(batch, row_group_size=max(1, batch.num_rows))
            rows += batch.num_rows
            text_bytes += text_bytes_of(table, batch)
        writer.close()
        return FileInfo.of_sink(path, sink, table=table.name, rows=rows, text_bytes=text_bytes)


@contextlib.contextmanager
def atomic_parquet(path: str, schema: pa.Schema) -> Iterator[tuple[files.HashingFile, pq.ParquetWriter]]:
    """A Parquet writer on an atomically published file.

    Raises:
        MalmoiError: there is no room for it.
    """
    # The writer closes inside of the file's context: its last bytes may find no room either.
    with (
        files.atomic_write(path) as sink,
        pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer,
    ):
        yield sink, writer


def cut_by_size(batch: pa.RecordBatch, max_bytes: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch into slices of about `max_bytes` each, at least one row."""
    rows = max(1, batch.num_rows * max_bytes // max(batch.nbytes, 1))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


class RowGroups:
    """Batches of any size joined to row groups: each is closed by the batch with which it is large enough."""

    def __init__(self) -> None:
        self._held: list[pa.RecordBatch] = []
        self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Take a batch; gives the row group that it closes, if it does."""
        self._held.append(batch)
        self._bytes += batch.nbytes
        if self._bytes >= ROW_GROUP_BYTES:
            yield from self.rest()

    def rest(self) -> Iterator[pa.RecordBatch]:
        """What is left at the end, if anything."""
        if self._held:
            group = pa.concat_batches(self._held)
            self._held, self._bytes = [], 0
            yield group


def text_bytes_of(table: Table, batch: pa.RecordBatch) -> int:
    """UTF-8 bytes of the texts of documents; 0 in a table of anything else."""
    return string_bytes(batch.column("text")) if table.name == "data" and "text" in batch.schema.names else 0


def string_bytes(column: pa.Array) -> int:
    """UTF-8 bytes of a string column."""
    return int(pc.sum(pc.binary_length(column)).as_py() or 0)


def read_batches(
    path: str, columns: list[str] | None = None, groups: Iterable[int] | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of a table's file, never the whole of it at once.

    Args:
        path: Parquet, or a stream of Arrow, which shards are.
        columns: those wanted; None: all.
        groups: the numbers of the row groups wanted, one batch each; None: all. A stream has none.
    """
    with files.open_read(path) as file:
        if path.endswith(".arrow"):
            yield from (batch.select(columns or batch.schema.names) for batch in pa.ipc.open_stream(file))
            return
        parquet = pq.ParquetFile(file)
        for group in range(parquet.num_row_groups) if groups is None else groups:
            yield from parquet.read_row_group(group, columns=columns).combine_chunks().to_batches()


def row_group_bytes(path: str, column: str | None = None) -> I64:
    """Uncompressed bytes of each row group of a Parquet file, or of one column in each.

    Raises:
        BadInputError: the file is not Parquet.
    """
    try:
        with files.open_read(path) as file:
            metadata = pq.ParquetFile(file).metadata
    except (pa.ArrowException, OSError) as error:
        raise BadInputError(f"{path} is not readable: {type(error).__name__}.", hint="is it whole?") from None
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    if column is None:
        return np.array([group.total_byte_size for group in groups], np.int64)
    chunks = [[group.column(number) for number in range(group.num_columns)] for group in groups]
    sizes = [sum(c.total_uncompressed_size for c in group if c.path_in_schema == column) for group in chunks]
    return np.array(sizes, np.int64)


def read_table(folder: str, table: Table, columns: list[str] | None = None) -> pa.Table:
    """A whole (small) table of a dataset folder, or some columns of it; sizes and schema checked."""
    manifest = read_manifest(folder)
    verify_sizes(folder, manifest)
    parts = []
    for path in table_paths(folder, manifest, table.name):
        parquet = pq.ParquetFile(pa.BufferReader(files.read_bytes(path)))
        check_schema(parquet.schema_arrow, table.schema, f"{folder}/{table.name}")
        parts.append(parquet.read(columns=columns))
    if parts:
        return pa.concat_tables(parts)
    return table.schema.empty_table().select(columns or table.schema.names)


def table_paths(folder: str, manifest: Manifest, table: str = "data") -> list[str]:
    """Full paths of one table's files, in order."""
    return [files.join(folder, info.path) for info in manifest.table_files(table)]
