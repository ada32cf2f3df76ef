"""The clean stage's one step: a task's files in, its tables out."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipelines.clean.config import CleanConfig
from pipelines.clean.core import CleanedBlock, Counts, clean_block
from pipelines.clean.sink import TableSink
from pipelines.contracts.errors import BadInputError
from pipelines.contracts.ledger import Ledger
from pipelines.contracts.manifest import FileInfo
from pipelines.contracts.schemas import DOCUMENTS, REJECTS, SPANS
from pipelines.engine.job import Result
from pipelines.raw.inputs import Task
from pipelines.raw.readers import read_blocks

MAX_SOURCES = 1000  # the ledger is held in memory and read by people: a field of page addresses is no source


@dataclass
class TaskResult:
    """What one task, or all of them, made: crosses to the driver as JSON."""

    files: list[FileInfo] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    counts: Counts = field(default_factory=Counts)
    input_files: int = 0
    empty_files: int = 0
    """Input files of zero bytes."""

    def add(self, cleaned: CleanedBlock) -> None:
        """Count a block."""
        self.ledger.merge(cleaned.ledger)
        self.counts.merge(cleaned.counts)

    def merge(self, other: "TaskResult") -> None:
        """Add another task's result."""
        self.files += other.files
        self.ledger.merge(other.ledger)
        self.counts.merge(other.counts)
        self.input_files += other.input_files
        self.empty_files += other.empty_files

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "files": [info.model_dump() for info in self.files],
            "ledger": self.ledger.to_json(),
            "counts": self.counts.to_json(),
            "input_files": self.input_files,
            "empty_files": self.empty_files,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "TaskResult":
        """The inverse of `to_json`."""
        return cls(
            files=[FileInfo.model_validate(info) for info in value["files"]],
            ledger=Ledger.from_json(value["ledger"]),
            counts=Counts.from_json(value["counts"]),
            input_files=value["input_files"],
            empty_files=value["empty_files"],
        )


@dataclass(frozen=True)
class CleanFiles:
    """A step function: partition n cleans task n and writes `<table>/part-<n>.parquet` for each of its tables."""

    tasks: tuple[Task, ...]
    out: str
    config: CleanConfig

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Result]:
        """Clean one task, block by block; the memory in use does not depend on the size of its files."""
        del chunks  # the first step gets none
        yield Result(clean_task(self.tasks[partition], partition, self.out, self.config).to_json())


def clean_task(task: Task, number: int, out: str, config: CleanConfig) -> TaskResult:
    """Read, clean and write the files of one task.

    Args:
        task: the files.
        number: names the output files.
        out: the dataset folder, local or remote.
        config: the stage's options.

    Raises:
        BadInputError: a file cannot be read, is damaged and may not be, or there are too many sources.
    """
    result = TaskResult(
        input_files=len(task.files),
        empty_files=sum(file.bytes == 0 for file in task.files),
    )
    name = f"part-{number:05d}"
    with contextlib.ExitStack() as stack:
        documents = stack.enter_context(TableSink(out, DOCUMENTS, name, even_if_empty=True))
        rejects = stack.enter_context(TableSink(out, REJECTS, name))
        spans = stack.enter_context(TableSink(out, SPANS, name))
        for file in task.files:
            for block in read_blocks(file, config.policy(file.source).read):
                cleaned = clean_block(block, config, file.name)
                documents.write(cleaned.documents)
                rejects.write(cleaned.rejects)
                spans.write(cleaned.spans)
                result.add(cleaned)
                check_sources(result.ledger, config)
    result.files = [*documents.files, *rejects.files, *spans.files]
    return result


def check_sources(ledger: Ledger, config: CleanConfig) -> None:
    """Fail if there are more sources than a ledger can be kept for.

    Raises:
        BadInputError: naming the field, never its values.
    """
    if len(ledger.counts) > MAX_SOURCES:
        raise BadInputError(
            f"the field {config.read.columns.source!r} names more than {MAX_SOURCES:,} sources.",
            hint="let folders name the sources: --set read.columns.source=null; the field then goes to meta",
        )
