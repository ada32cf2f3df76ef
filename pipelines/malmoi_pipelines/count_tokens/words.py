"""The word tables of a run and how they are cut into tasks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.fingerprint import fingerprint
from malmoi_pipelines.contracts.manifest import FileInfo, Manifest
from malmoi_pipelines.contracts.schemas import SOURCES, WORDS, check_schema
from malmoi_pipelines.contracts.tables import read_table
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.contracts.word_tables import open_word_tables

TASK_ROWS = 1 << 19  # units of a task: about 2 s of SentencePiece


@dataclass(frozen=True)
class TablePart:
    """Every `parts`-th row group of one file, from the `part`-th on."""

    path: str
    table: int
    """Which of the word tables the file belongs to: each numbers its sources by itself."""
    part: int
    parts: int

    def read(self) -> Iterator[pa.RecordBatch]:
        """The row groups, one batch each."""
        with files.open_read(self.path) as file:
            parquet = pq.ParquetFile(file)
            check_schema(parquet.schema_arrow, WORDS.schema, self.path)
            for group in range(self.part, parquet.num_row_groups, self.parts):
                yield from parquet.read_row_group(group).combine_chunks().to_batches()


@dataclass(frozen=True)
class WordTables:
    """What is counted."""

    folders: tuple[str, ...]
    fingerprint: str
    """Digest of the content of all, whatever the order they are named in."""
    units: UnitKind
    """The kind of their units."""
    parts: tuple[TablePart, ...]
    rows: int
    stored_bytes: int


def open_words(folders: list[str], table: str) -> WordTables:
    """Find the files of word tables; they add up.

    Args:
        folders: word tables.
        table: `data` or `held_out`.

    Raises:
        UsageError: two are the same table, one lacks held-out units, or its kind of units is another.
        BadInputError: a folder is no word table.
    """
    manifests = open_word_tables(folders)
    parts: list[TablePart] = []
    infos: list[FileInfo] = []
    for number, (folder, manifest) in enumerate(manifests.items()):
        for info in _table_files(folder, manifest, table):
            infos.append(info)
            tasks = max(1, -(-info.rows // TASK_ROWS))
            parts += (TablePart(files.join(folder, info.path), number, task, tasks) for task in range(tasks))
    return WordTables(
        tuple(manifests),
        fingerprint(sorted(manifest.content_fingerprint for manifest in manifests.values())),
        _units(manifests),
        tuple(parts),
        rows=sum(info.rows for info in infos),
        stored_bytes=sum(info.bytes for info in infos),
    )


def _units(manifests: dict[str, Manifest]) -> UnitKind:
    """The kind of units of all tables; those counted before there were two kinds are `metaspace`."""
    kinds = {folder: manifest.config.get("units", "metaspace") for folder, manifest in manifests.items()}
    if len(set(kinds.values())) > 1:
        listed = ", ".join(f"{folder}: {kind}" for folder, kind in kinds.items())
        raise UsageError(
            f"word tables add up only if their units are of one kind. Got {listed}.",
            hint="count the corpora again with the same --units",
        )
    return cast(UnitKind, next(iter(kinds.values())))


def _table_files(folder: str, manifest: Manifest, table: str) -> list[FileInfo]:
    found = manifest.table_files(table)
    if not found:
        raise UsageError(f"{folder} has no table {table!r}.", hint="hold documents out with `count --held-out-share`")
    return found


def read_sources(tables: WordTables, held_out: bool) -> tuple[pa.Table, list[dict[int, str]]]:
    """The sources of all word tables.

    Returns:
        Documents, bytes and eojeol of each source, in the order of their names; and for each word table the names of
        its sources by their numbers.
    """
    read = [read_table(folder, SOURCES) for folder in tables.folders]
    names = [dict(zip(table["number"].to_pylist(), table["source"].to_pylist(), strict=True)) for table in read]
    whole = pa.concat_tables(read)
    whole = whole.filter(pc.equal(whole["held_out"], held_out))
    figures = ("documents", "bytes", "eojeol")
    summed = whole.group_by("source").aggregate([(name, "sum") for name in figures]).sort_by("source")
    return summed.rename_columns({f"{name}_sum": name for name in figures}), names
