"""How files are shared out to tasks: by size, so that the workers have no say in it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from malmoi_pipelines.contracts import files
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.inputs import InputFile
from malmoi_pipelines.raw.json_start import is_json_lines

MAX_TASKS = 10_000  # above it tasks grow: each is a row in the driver's memory and a file in the manifest
ARROW_FILE = b"ARROW1"  # an Arrow IPC file begins with it, a stream does not


@dataclass(frozen=True)
class FilePart:
    """Part `number` of `of` of a file: 0 of 1 is the whole file.

    Of lines a part owns those that begin in its share of the bytes, of tables a share of the row groups or record
    batches. The parts of a file, in order, hold each document once.
    """

    file: InputFile
    number: int = 0
    of: int = 1

    @property
    def first_byte(self) -> int:
        """Where its share of the file's bytes begins."""
        return self.file.bytes * self.number // self.of

    @property
    def end_byte(self) -> int:
        """Where its share of the file's bytes ends, exclusive."""
        return self.file.bytes * (self.number + 1) // self.of

    def owns(self, item: int, items: int) -> bool:
        """Whether item `item` of the file's `items` row groups or record batches belongs to this part."""
        return item * self.of // items == self.number


@dataclass(frozen=True)
class Task:
    """What one partition reads, in order."""

    parts: tuple[FilePart, ...]

    @property
    def bytes(self) -> int:
        """Size as stored."""
        return sum(part.end_byte - part.first_byte for part in self.parts)


def plan_tasks(inputs: Iterable[InputFile], task_bytes: int, options_for: Callable[[str], ReadOptions]) -> list[Task]:
    """Share files out to tasks of about `task_bytes` stored bytes; the workers have no say in it.

    Small neighbours share a task. A larger file is cut into parts, each a task of its own, where its format allows it.

    Args:
        inputs: the files, in order.
        task_bytes: bytes a task, more where there would be far more than `MAX_TASKS` of them.
        options_for: how the files of a source are read.
    """
    inputs = list(inputs)
    target = max(task_bytes, sum(file.bytes for file in inputs) // MAX_TASKS)
    groups: list[list[FilePart]] = []
    size = target
    for file in inputs:
        if file.bytes > target and splittable(file, options_for(file.source)):
            of = -(-file.bytes // target)
            groups += [[FilePart(file, number, of)] for number in range(of)]
            size = target + 1  # even an empty file after it begins a task
            continue
        if not groups or size + file.bytes > target:
            groups.append([])
            size = 0
        groups[-1].append(FilePart(file))
        size += file.bytes
    return [Task(tuple(group)) for group in groups]


def splittable(file: InputFile, options: ReadOptions) -> bool:
    """Whether parts of a file can be read without what is before them."""
    if file.compression or file.format in ("csv", "tsv", "warc"):
        return False
    if file.format in ("json", "jsonl"):
        return options.records is None and (file.format == "jsonl" or is_json_lines(file))
    if file.format == "text":
        return options.document == "line"
    if file.format == "arrow":
        with files.open_read(file.path) as raw:
            return raw.read(len(ARROW_FILE)) == ARROW_FILE
    return True
