"""Which files are cleaned, which source each belongs to, and how they are grouped into tasks."""

import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pipelines.contracts import files
from pipelines.contracts.errors import BadInputError, UsageError
from pipelines.contracts.manifest import MANIFEST, Manifest, has_manifest, read_manifest, verify_sizes
from pipelines.contracts.stage import WORK
from pipelines.raw.config import IGNORE

Format = Literal["jsonl", "text", "parquet"]
Compression = Literal["", "gz", "zst"]

MAX_TASKS = 10_000  # above it tasks grow: each is a row in the driver's memory and a file in the manifest
READABLE_KINDS = ("raw", "documents", "corpus")

_FORMATS: dict[str, Format] = {".jsonl": "jsonl", ".json": "jsonl", ".txt": "text"}
_COMPRESSIONS: dict[str, Compression] = {"": "", ".gz": "gz", ".zst": "zst"}
EXTENSIONS: dict[str, tuple[Format, Compression]] = {
    **{
        extension + suffix: (form, compression)
        for extension, form in _FORMATS.items()
        for suffix, compression in _COMPRESSIONS.items()
    },
    ".parquet": ("parquet", ""),
}


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
class Task:
    """The files that one partition cleans, in order."""

    files: tuple[InputFile, ...]

    @property
    def bytes(self) -> int:
        """Size as stored."""
        return sum(file.bytes for file in self.files)


def find_inputs(inputs: Iterable[str], ignore: tuple[str, ...] = IGNORE) -> list[InputFile]:
    """Resolve files, globs, folders and dataset folders, local or remote, to files.

    The source of a file is the first folder below the given folder (below the fixed part of a glob), or else the folder
    that holds it. A file reached in two ways is read once, with the source that the outermost folder gives it.

    Args:
        inputs: paths or fsspec URLs, in any order.
        ignore: patterns of file names that are passed over in folders and globs.

    Returns:
        The files, sorted by path.

    Raises:
        UsageError: a file of an unknown extension.
        BadInputError: an input that matches nothing, an unfinished dataset folder, or one that holds no documents.
    """
    roots: dict[str, str] = {}
    for given in inputs:
        for root, path in _resolve(given, ignore):
            roots[path] = min(root, roots.get(path, root), key=lambda folder: (len(folder), folder))
    return [_input_file(path, roots[path]) for path in sorted(roots)]


def group_tasks(inputs: Iterable[InputFile], task_bytes: int) -> list[Task]:
    """Group consecutive files into tasks of about `task_bytes` stored bytes; the workers have no say in it."""
    inputs = list(inputs)
    target = max(task_bytes, sum(file.bytes for file in inputs) // MAX_TASKS)
    groups: list[list[InputFile]] = []
    size = target
    for file in inputs:
        if not groups or size + file.bytes > target:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.bytes
    return [Task(tuple(group)) for group in groups]


def _resolve(given: str, ignore: tuple[str, ...]) -> list[tuple[str, str]]:
    """(root, path) of every file that one input stands for."""
    place = _absolute(given)
    if files.is_folder(place):
        found = list(_folder(place, ignore))
    elif files.exists(place):
        found = [(_parent(place), place)]
    else:
        root = _fixed_part(place)
        names = (_absolute(path) for path in files.glob(place))
        found = [(root, path) for path in names if not _passed_over(path, root, ignore)]
    if not found:
        raise BadInputError(f"no input found at {given}.", hint="check the path; quote a glob so that it arrives whole")
    return found


def _folder(root: str, ignore: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The files of a folder; of the dataset folders in it (or that it is) only the documents."""
    if files.exists(files.join(root, WORK)) and not has_manifest(root):
        raise BadInputError(f"{root} is unfinished: a stage was interrupted there.", hint="run that stage again")
    paths = [_absolute(path) for path in files.list_files(root)]
    datasets = [_parent(path) + "/" for path in paths if _base(path) == MANIFEST]
    for folder in datasets:
        manifest = _documents_manifest(folder)
        data = files.join(folder, "data")
        yield from ((data, files.join(folder, info.path)) for info in manifest.table_files())
    for path in paths:
        if not path.startswith(tuple(datasets)) and not _passed_over(path, root, ignore):
            yield root, path


def _documents_manifest(folder: str) -> Manifest:
    manifest = read_manifest(folder)
    if manifest.kind not in READABLE_KINDS:
        raise BadInputError(f"{folder} holds {manifest.kind}, not documents.")
    verify_sizes(folder, manifest)
    return manifest


def _passed_over(path: str, root: str, ignore: tuple[str, ...]) -> bool:
    hidden = any(part.startswith((".", "_")) for part in _below(path, root))
    return hidden or any(fnmatch.fnmatchcase(_base(path), pattern) for pattern in ignore)


def _input_file(path: str, root: str) -> InputFile:
    name = _base(path)
    extension = max((known for known in EXTENSIONS if name.endswith(known)), key=len, default=None)
    if extension is None:
        raise UsageError(
            f"{path}: unknown kind of file. Known: {', '.join(sorted(EXTENSIONS))}.",
            hint="name the files to read, or pass over others: --set 'ignore=[PATTERN]'",
        )
    form, compression = EXTENSIONS[extension]
    below = _below(path, root)
    source = below[0] if len(below) > 1 else _base(root) or name.removesuffix(extension)
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
