"""Which files are cleaned, which source each belongs to, and how they are shared out to tasks."""

import fnmatch
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.manifest import MANIFEST, WORK, has_manifest, not_a_dataset, nothing_at, open_dataset
from malmoi_pipelines.contracts.schemas import CLEANED, CORPUS, RAW
from malmoi_pipelines.raw.config import IGNORE, ReadOptions
from malmoi_pipelines.raw.formats import Compression, Format, extension_of, kind_of

MAX_TASKS = 10_000  # above it tasks grow: each is a row in the driver's memory and a file in the manifest
READABLE = (RAW, CLEANED, CORPUS)
ARROW_FILE = b"ARROW1"  # an Arrow IPC file begins with it, a stream does not


@dataclass(frozen=True)
class InputFile:
    """One file to clean."""

    path: str
    source: str
    """Source of the documents that do not name their own."""
    format: Format
    compression: Compression
    bytes: int
    """Size as stored."""

    @property
    def name(self) -> str:
        """Folder and file name: for reports, which hold no absolute path."""
        return "/".join(self.path.split("/")[-2:])


@dataclass(frozen=True)
class FoundInputs:
    """What the inputs stand for."""

    files: tuple[InputFile, ...]
    """Sorted by path."""
    passed_over: int
    """Files below the given folders and globs that are not read: hidden, ignored, or no documents but the notes that
    `datasets` keeps beside its tables."""


@dataclass(frozen=True)
class Part:
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
    """What one partition cleans, in order."""

    parts: tuple[Part, ...]

    @property
    def bytes(self) -> int:
        """Size as stored."""
        return sum(part.end_byte - part.first_byte for part in self.parts)


def find_inputs(
    inputs: Iterable[str],
    options_for: Callable[[str], ReadOptions],
    *,
    ignore: tuple[str, ...] = IGNORE,
    source: str | None = None,
) -> FoundInputs:
    """Resolve files, globs, folders and dataset folders, local or remote, to files.

    The source of a file is the first folder below the given folder (below the fixed part of a glob), or else the folder
    that holds it. A file reached in two ways is read once, with the source that the outermost folder gives it.

    Args:
        inputs: paths or fsspec URLs, in any order.
        options_for: how the files of a source are read.
        ignore: patterns of file names that are passed over in folders and globs.
        source: source of all files, whatever their folders are called.

    Raises:
        UsageError: there is nothing at an input, or a file of an unknown extension.
        BadInputError: an input without anything to read, an unfinished dataset folder, or one that holds no documents.
    """
    roots: dict[str, str] = {}
    passed_over: set[str] = set()
    for given in inputs:
        found = _resolve(given, ignore)
        if not found.files:
            if not found.passed_over and not files.exists(given):
                raise nothing_at(given)
            raise BadInputError(f"no input found at {given}.", hint="name the files to read, or pass over fewer")
        passed_over |= found.passed_over
        for root, path in found.files:
            roots[path] = min(root, roots.get(path, root), key=lambda folder: (len(folder), folder))
    read = tuple(_input_file(path, source or _source(path, roots[path]), options_for) for path in sorted(roots))
    return FoundInputs(read, len(passed_over - roots.keys()))


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
    groups: list[list[Part]] = []
    size = target
    for file in inputs:
        if file.bytes > target and _splittable(file, options_for(file.source)):
            of = -(-file.bytes // target)
            groups += [[Part(file, number, of)] for number in range(of)]
            size = target + 1  # even an empty file after it begins a task
            continue
        if not groups or size + file.bytes > target:
            groups.append([])
            size = 0
        groups[-1].append(Part(file))
        size += file.bytes
    return [Task(tuple(group)) for group in groups]


def _splittable(file: InputFile, options: ReadOptions) -> bool:
    if file.compression or file.format in ("csv", "tsv", "warc"):
        return False
    if file.format == "text":
        return options.document == "line"
    if file.format == "arrow":
        with files.open_read(file.path) as raw:
            return raw.read(len(ARROW_FILE)) == ARROW_FILE
    return True


@dataclass
class _Found:
    """What one input stands for."""

    files: list[tuple[str, str]] = field(default_factory=list)
    """(root, path)."""
    passed_over: set[str] = field(default_factory=set)

    def add(self, root: str, paths: list[str], ignore: tuple[str, ...]) -> None:
        """Take those files of a folder or glob that are to be read."""
        notes = _notes(paths)
        for path in paths:
            if path in notes or _passed_over(path, root, ignore):
                self.passed_over.add(path)
            else:
                self.files.append((root, path))


def _resolve(given: str, ignore: tuple[str, ...]) -> _Found:
    place = _absolute(given)
    if files.is_folder(place):
        return _folder(place, ignore)
    if files.exists(place):
        return _Found([(_parent(place), place)])
    found = _Found()
    found.add(_fixed_part(place), [_absolute(path) for path in files.glob(place)], ignore)
    return found


def _folder(root: str, ignore: tuple[str, ...]) -> _Found:
    """The files of a folder; of the dataset folders in it (or that it is) only the documents."""
    if files.exists(files.join(root, WORK)) and not has_manifest(root):
        raise _unfinished(root)
    fs, inner = files.filesystem(root)
    paths = sorted(_absolute(fs.unstrip_protocol(name)) for name in fs.find(inner))
    datasets = [_parent(path) + "/" for path in paths if _base(path) == MANIFEST]
    found = _Found()
    for folder in datasets:
        manifest = open_dataset(folder.rstrip("/"), *READABLE)
        data = files.join(folder, "data")
        found.files += [(data, files.join(folder, info.path)) for info in manifest.table_files()]
    rest = [path for path in paths if not path.startswith(tuple(datasets))]
    for path in rest:
        folders = _below(path, root)[:-1]
        if WORK in folders and not _is_hidden(above := folders[: folders.index(WORK)]):
            raise _unfinished(files.join(root, *above))
    found.add(root, rest, ignore)
    return found


def _unfinished(folder: str) -> BadInputError:
    return not_a_dataset(folder, "a stage was interrupted there", "run that stage again", READABLE)


def _notes(paths: list[str]) -> set[str]:
    """What `datasets.save_to_disk` keeps beside its tables: descriptions, and results of `map` that it may reuse."""
    known = set(paths)
    saved = {_parent(path) for path in paths if _base(path) == "state.json"}
    saved = {folder for folder in saved if files.join(folder, "dataset_info.json") in known}
    names = ("state.json", "dataset_info.json")
    inside = {p for p in paths if _parent(p) in saved and (_base(p) in names or _base(p).startswith("cache-"))}
    dicts = {files.join(_parent(folder), "dataset_dict.json") for folder in saved}
    return inside | (dicts & known)


def _passed_over(path: str, root: str, ignore: tuple[str, ...]) -> bool:
    return _is_hidden(_below(path, root)) or any(fnmatch.fnmatchcase(_base(path), pattern) for pattern in ignore)


def _is_hidden(names: list[str]) -> bool:
    return any(name.startswith((".", "_")) for name in names)


def _source(path: str, root: str) -> str:
    below = _below(path, root)
    return below[0] if len(below) > 1 else _base(root) or _base(path).removesuffix(extension_of(path))


def _input_file(path: str, source: str, options_for: Callable[[str], ReadOptions]) -> InputFile:
    form, compression = kind_of(path, options_for(source).format)
    return InputFile(path, source, form, compression, files.size(path))


def _absolute(given: str) -> str:
    """One spelling for each file, so that the same file is found to be the same."""
    fs, inner = files.filesystem(given)
    return str(inner if files.is_local(given) else fs.unstrip_protocol(inner))


def _fixed_part(pattern: str) -> str:
    parts = pattern.split("/")
    magic = next((i for i, part in enumerate(parts) if any(char in part for char in "*?[")), len(parts) - 1)
    return "/".join(parts[:magic])


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _base(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _below(path: str, root: str) -> list[str]:
    return path.removeprefix(root).strip("/").split("/")
