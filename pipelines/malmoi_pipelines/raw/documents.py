"""The documents of any input as tables: what the stages after `clean` read, by the same readers and settings.

The tables of finished dataset folders are read as they are, row group by row group. Everything else goes through the
readers of raw text, and what is no document there goes to `rejects/`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.ledger import KEPT
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.contracts.schemas import DOCUMENTS, REJECTS, check_schema
from malmoi_pipelines.contracts.table_sink import TableSink
from malmoi_pipelines.contracts.tables import row_group_bytes, string_bytes
from malmoi_pipelines.raw.config import InputConfig, ReadOptions
from malmoi_pipelines.raw.identity import identify, raw_bytes, unused_packages
from malmoi_pipelines.raw.inputs import InputFile, find_inputs
from malmoi_pipelines.raw.readers import read_blocks
from malmoi_pipelines.raw.rows import RawBlock
from malmoi_pipelines.raw.tasks import FilePart, Task, plan_tasks
from malmoi_pipelines.raw.unread import Unread, rejects

TASK_BYTES = 32 << 20  # stored bytes of a task of foreign files; each of our own tables is a task
TEXTS = ("id", "source", "text")
"""The columns that all stages need, and most need alone."""


class DocumentBlock(NamedTuple):
    """Some documents of one file."""

    documents: pa.RecordBatch
    raw: RawBlock | None
    """The block that they came in; None of a table of ours, where all is well."""


@dataclass(frozen=True)
class Documents:
    """What a stage reads, cut into tasks: a partition each."""

    files: tuple[InputFile, ...]
    tasks: tuple[Task, ...]
    options: ReadOptions
    fingerprint: str
    """Digest of sources, names and contents of the files; where they lie has no say."""
    text_bytes: int
    """UTF-8 bytes of all texts, by which partitions are planned; estimated where files do not tell."""

    @property
    def paths(self) -> list[str]:
        """All files."""
        return [file.path for file in self.files]

    @property
    def unused_packages(self) -> tuple[str, ...]:
        """The packages that decide nothing here, for `code_of`."""
        return unused_packages(self.files)

    def own_table(self, number: int) -> str | None:
        """The Parquet file that a task is, if it is a table of a finished dataset folder, read as it is."""
        part = self.tasks[number].parts[0]
        return part.file.path if is_own(part.file, self.options) else None

    def read(self, number: int, columns: Sequence[str] = tuple(DOCUMENTS.schema.names)) -> Iterator[pa.RecordBatch]:
        """The documents of a task alone."""
        for part in self.tasks[number].parts:
            yield from (block.documents for block in read_part(part, self.options, columns))

    def open(self, number: int, out: str, columns: Sequence[str] = tuple(DOCUMENTS.schema.names)) -> "TaskReader":
        """The documents of a task, with what is none kept below the dataset folder `out`."""
        return TaskReader(self, number, out, columns)


def find_documents(inputs: Sequence[str], config: InputConfig) -> Documents:
    """Resolve inputs of any kind to documents; neither the order nor the spelling of the inputs matters.

    Args:
        inputs: files, globs, folders, dataset folders, remote URLs.
        config: how they are found and read.

    Raises:
        UsageError: there is nothing at an input, or a file of an unknown extension.
        BadInputError: an input without anything to read, or a dataset folder that is unfinished or of another kind.
    """
    found = find_inputs(inputs, config.read_options, ignore=config.ignore, source=config.source)
    raw = identify(found.files)
    own = [file for file in raw.files if is_own(file, config.read)]
    others = [file for file in raw.files if not is_own(file, config.read)]
    tasks = [Task((FilePart(file),)) for file in own]
    tasks += plan_tasks(others, TASK_BYTES, config.read_options)
    text_bytes = sum(_text_bytes(file, config.read) for file in raw.files)
    return Documents(raw.files, tuple(tasks), config.read, raw.fingerprint, text_bytes)


def _text_bytes(file: InputFile, options: ReadOptions) -> int:
    """Bytes of text: our own tables and Parquet tell; of other files they are estimated, and of damaged ones."""
    if file.format == "parquet" and file.info is None:
        try:
            paths = (path for part in options.columns.text_paths for path in part)
            sizes = (int(row_group_bytes(file.path, path).sum()) for path in paths)
            return sum(sizes) or raw_bytes(file)
        except BadInputError:  # its reader says what is wrong
            return raw_bytes(file)
    return raw_bytes(file)


def is_own(file: InputFile, options: ReadOptions) -> bool:
    """Whether a file is a table of a finished dataset folder, and nothing is asked for but what it holds."""
    columns = options.columns
    as_it_is = columns.id is not None and columns.source is not None and columns.meta is None
    return as_it_is and file.info is not None and file.format == "parquet"


def known_sources(documents: Documents) -> set[str] | None:
    """The sources of all documents, by the ledgers of the folders they lie in; None where these do not tell."""
    names: set[str] = set()
    folders = {file.path.removesuffix(file.info.path) if file.info is not None else None for file in documents.files}
    for folder in folders:
        if folder is None or not files.exists(files.join(folder, "report.json")):
            return None
        ledger = read_report(folder.rstrip("/")).ledger
        if ledger is None:
            return None
        names |= {source for source in ledger.counts if ledger.documents(KEPT, source)}
    return names


def read_part(
    part: FilePart, options: ReadOptions, columns: Sequence[str] = tuple(DOCUMENTS.schema.names)
) -> Iterator[DocumentBlock]:
    """The documents of one part of a file, with some columns of `DOCUMENTS`.

    Args:
        part: what to read.
        options: as for `read_blocks`.
        columns: the columns wanted. Without `meta` no other fields are looked at, so that none can be a fault.

    Raises:
        BadInputError: the file cannot be opened, has no text column, or is damaged and may not be.
    """
    if is_own(part.file, options):
        yield from (DocumentBlock(batch, None) for batch in _own_batches(part, columns))
        return
    if "meta" not in columns:
        without = options.columns.model_copy(update={"meta": {}})
        options = options.model_copy(update={"columns": without})
    for block in read_blocks(part, options):
        yield DocumentBlock(_batch(block, columns), block)


def _own_batches(part: FilePart, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([DOCUMENTS.schema.field(name) for name in columns])
    path = part.file.path
    try:
        with files.open_read(path) as file:
            parquet = pq.ParquetFile(file)
            check_schema(parquet.schema_arrow, DOCUMENTS.schema, path)
            for group in range(parquet.num_row_groups):
                if part.owns(group, parquet.num_row_groups):
                    for batch in parquet.read_row_group(group, columns=list(columns)).combine_chunks().to_batches():
                        batch.validate(full=True)  # UTF-8 above all: whatever reads the text later takes it on trust
                        yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
    except (pa.ArrowException, OSError) as error:  # OSError: a corrupt page. The messages may quote the data.
        raise BadInputError(f"{path} is not readable: {type(error).__name__}.", hint="is it whole?") from None


def _batch(block: RawBlock, columns: Sequence[str]) -> pa.RecordBatch:
    given = {"id": block.ids, "source": block.sources, "text": block.texts, "meta": block.metas}
    schema = pa.schema([DOCUMENTS.schema.field(name) for name in columns])
    nulls = [None] * len(block.texts)
    return pa.RecordBatch.from_arrays([pa.array(given.get(f.name, nulls), f.type) for f in schema], schema=schema)


class TaskReader:
    """The documents of one task; what could not be read is written to `rejects/` and counted.

    A context manager: at its end `unread` is whole.
    """

    def __init__(self, documents: Documents, number: int, out: str, columns: Sequence[str]) -> None:
        self._task = documents.tasks[number]
        self._options = documents.options
        self._columns = columns
        self._rejects = TableSink(out, REJECTS, f"part-{number:05d}")
        self.unread = Unread()

    def __enter__(self) -> Self:
        self._rejects.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._rejects.__exit__(*exc)
        self.unread.files = self._rejects.files
        self.unread.read = self.unread.read.worth_telling(self._task.parts)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for part in self._task.parts:
            for block in read_part(part, self._options, self._columns):
                if block.raw is not None:
                    self.unread.add(block.raw, part)
                    if block.raw.bad:
                        self._rejects.write(rejects(block.raw))
                yield block.documents


def source_totals(batch: pa.RecordBatch) -> dict[str, tuple[int, int]]:
    """Documents and UTF-8 text bytes of a batch by source."""
    sources = batch.column("source").dictionary_encode()
    totals = {}
    for number, name in enumerate(sources.dictionary.to_pylist()):
        texts = batch.column("text").filter(pc.equal(sources.indices, number))
        totals[name] = (len(texts), string_bytes(texts))
    return totals
