"""Writing a table of one task as its rows come: gathered to row groups, rolled over by size, atomic and hashed."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Self

import pyarrow as pa

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.schemas import Table
from malmoi_pipelines.contracts.tables import RowGroups, atomic_parquet, text_bytes_of

FILE_BYTES = 256 << 20  # Arrow bytes after which a table goes on in a further file


class TableSink:
    """One table of one task: `<table>/<name>.parquet`, `<table>/<name>-001.parquet`, ...

    The bytes depend on the batches only, so callers cut them by size, never by arrival. What is not finished when the
    body raises is not published.
    """

    def __init__(self, folder: str, table: Table, name: str, *, even_if_empty: bool = False) -> None:
        """Prepare; no file is opened before there is a row, or at the end with `even_if_empty`."""
        self._folder = folder
        self._table = table
        self._name = name
        self._even_if_empty = even_if_empty
        self._groups = RowGroups()
        self._file: _TableFile | None = None
        self.files: list[FileInfo] = []
        """The finished files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if exc[0] is not None:
            if self._file is not None:
                self._file.abandon(*exc)
            return
        self._write(self._groups.rest())
        if self._even_if_empty and not self.files and self._file is None:
            self._file = self._next_file()
        self._finish_file()

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        if batch.num_rows:
            self._write(self._groups.add(batch))

    def _write(self, row_groups: Iterator[pa.RecordBatch]) -> None:
        for row_group in row_groups:
            if self._file is None:
                self._file = self._next_file()
            self._file.write(row_group)
            if self._file.arrow_bytes >= FILE_BYTES:
                self._finish_file()

    def _next_file(self) -> "_TableFile":
        number = len(self.files)
        return _TableFile(self._folder, self._table, f"{self._name}-{number:03d}" if number else self._name)

    def _finish_file(self) -> None:
        if self._file is not None:
            self.files.append(self._file.finish())
            self._file = None


class _TableFile:
    def __init__(self, folder: str, table: Table, name: str) -> None:
        self._table = table
        self._path = f"{table.name}/{name}.parquet"
        self._stack = contextlib.ExitStack()
        parquet = atomic_parquet(files.join(folder, self._path), table.schema)
        self._sink, self._writer = self._stack.enter_context(parquet)
        self._rows = self._text_bytes = 0
        self.arrow_bytes = 0

    def write(self, row_group: pa.RecordBatch) -> None:
        try:
            self._writer.write_batch(row_group, row_group_size=row_group.num_rows)
        except BaseException:
            self.abandon(*sys.exc_info())
            raise
        self._rows += row_group.num_rows
        self.arrow_bytes += row_group.nbytes
        self._text_bytes += text_bytes_of(self._table, row_group)

    def finish(self) -> FileInfo:
        with self._stack:
            self._writer.close()
            return FileInfo.of_sink(
                self._path, self._sink, table=self._table.name, rows=self._rows, text_bytes=self._text_bytes
            )

    def abandon(self, *exc: object) -> None:
        self._stack.__exit__(*exc)  # type: ignore[arg-type]
