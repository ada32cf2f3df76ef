"""A finished dataset folder from Python: its manifest, its report, its tables as Arrow."""

import importlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts import manifest as contracts
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.manifest import Manifest
from malmoi_pipelines.contracts.report import Report, read_report
from malmoi_pipelines.contracts.schemas import DATASETS
from malmoi_pipelines.contracts.schemas import Table as TableSchema
from malmoi_pipelines.contracts.tables import read_batches

if TYPE_CHECKING:
    import datasets
    import pandas
    import polars

DATA = "data"  # the main table of every kind


@dataclass(frozen=True)
class Dataset:
    """What a stage has written. Wherever a stage takes a folder, it takes a dataset, too.

    Example:
        words = malmoi.open_dataset("demo/words")
        words.tables                        # ('data', 'letters', 'sources')
        words.facts["distinct units"]
        words.to_pandas("letters").head()
    """

    folder: str
    """Local path or URL."""
    manifest: Manifest
    """Every file with its rows, bytes and hash; the settings and inputs it was made with."""
    skipped: bool = False
    """Whether the call that gave it found it finished."""

    def __fspath__(self) -> str:
        return self.folder

    def __str__(self) -> str:
        tables = ", ".join(f"{name} {self.manifest.rows(name):,}" for name in self.tables)
        return f"{self.kind} in {self.folder}" + (f" (rows: {tables})" if tables else "")

    @property
    def kind(self) -> str:
        """What it is: documents, corpus, words, tokenizer, shards, run, ..."""
        return self.manifest.kind

    @cached_property
    def report(self) -> Report:
        """Ledger, facts and tables of figures."""
        return read_report(self.folder)

    @property
    def facts(self) -> dict[str, Any]:
        """The report's single figures, by name."""
        return self.report.facts

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that have files, `data` first."""
        return tuple(sorted({info.table for info in self.manifest.files} - {""}, key=lambda name: (name != DATA, name)))

    def files(self, table: str = DATA) -> list[str]:
        """Paths of a table's files, for engines that read Parquet or Arrow streams themselves.

        Raises:
            UsageError: its kind has no such table.
        """
        self._schema(table)
        return [files.join(self.folder, info.path) for info in self.manifest.table_files(table)]

    def batches(self, table: str = DATA, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """A table in pieces, for what does not fit in memory.

        Args:
            table: its name.
            columns: those to read; None: all.

        Raises:
            UsageError: no such table or column.
        """
        schema = self._schema(table).schema
        if missing := [name for name in columns or () if name not in schema.names]:
            raise UsageError(f"{table} has no column {missing[0]!r}.", hint=f"its columns: {', '.join(schema.names)}")
        for path in self.files(table):
            names = list(columns) if columns is not None else schema.names
            yield from (batch.select(names) for batch in read_batches(path, names))

    def table(self, table: str = DATA, columns: Sequence[str] | None = None) -> pa.Table:
        """A whole table as Arrow; see `batches` for one that does not fit in memory."""
        schema = self._schema(table).schema
        batches = list(self.batches(table, columns))  # which also checks the columns
        return pa.Table.from_batches(batches, pa.schema([schema.field(name) for name in columns or schema.names]))

    def to_pandas(self, table: str = DATA, columns: Sequence[str] | None = None) -> "pandas.DataFrame":
        """A table as a pandas frame."""
        _needed("pandas")
        return self.table(table, columns).to_pandas()

    def to_polars(self, table: str = DATA, columns: Sequence[str] | None = None) -> "polars.DataFrame":
        """A table as a Polars frame."""
        return _needed("polars").from_arrow(self.table(table, columns))

    def to_datasets(self, table: str = DATA, columns: Sequence[str] | None = None) -> "datasets.Dataset":
        """A table as a `datasets.Dataset` of Hugging Face, in memory."""
        package = _needed("datasets")
        return package.Dataset(package.table.InMemoryTable(self.table(table, columns)))

    def _schema(self, table: str) -> TableSchema:
        kind = next(kind for kind in DATASETS if kind.name == self.kind)
        names = [known.name for known in kind.tables]
        if table not in names:
            hint = f"its tables: {', '.join(names)}" if names else "it has none"
            raise UsageError(f"{self.kind} in {self.folder} has no table {table!r}.", hint=hint)
        return kind.table(table)


def _needed(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise UsageError(f"this needs {package}, which is not installed.", hint=f"pip install {package}") from None


def open_dataset(folder: "str | os.PathLike[str]") -> Dataset:
    """Open a dataset folder that a stage has finished.

    Args:
        folder: local path or URL.

    Returns:
        Its manifest, report and tables; nothing is read before it is asked for.

    Raises:
        UsageError: there is nothing at the path.
        BadInputError: it is no finished dataset folder.
        CheckError: a file is missing or has another size.

    Example:
        corpus = malmoi.open_dataset("demo/corpus")
        corpus.facts["documents kept"]
        corpus.table(columns=["id", "text"]).num_rows
    """
    path = os.fspath(folder)
    return Dataset(path, contracts.open_dataset(path))
