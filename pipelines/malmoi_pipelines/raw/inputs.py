"""Which files are read, and which source each belongs to."""

import errno
import fnmatch
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, MalmoiError
from malmoi_pipelines.contracts.manifest import (
    MANIFEST,
    WORK,
    FileInfo,
    has_manifest,
    not_a_dataset,
    nothing_at,
    open_dataset,
)
from malmoi_pipelines.contracts.schemas import CLEANED, CORPUS, RAW
from malmoi_pipelines.raw.config import IGNORE, ReadOptions
from malmoi_pipelines.raw.formats import Compression, FileKind, Format, extension_of, kind_of

READABLE = (RAW, CLEANED, CORPUS)


@dataclass(frozen=True)
class InputFile:
    """One file to read."""

    path: str
    source: str
    """Source of the documents that do not name their own."""
    format: Format
    compression: Compression
    bytes: int
    """Size as stored."""
    info: FileInfo | None = None
    """What its manifest says of it, where it is a table of a finished dataset folder."""
    cleaned: bool = False
    """Whether it is a table of documents that `clean` has written, or that stand in a corpus."""

    @property
    def kind(self) -> FileKind:
        """What its name, or the setting, says that it is."""
        return FileKind(self.format, self.compression)

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
    spellings: dict[str, tuple[str, str]] = {}  # full name → root and path as they were reached
    passed_over: set[str] = set()
    for given in inputs:
        found = _resolve(given, ignore)
        if not found.files:
            if not found.passed_over and not files.exists(given):
                raise nothing_at(given)
            raise BadInputError(f"no input found at {given}.", hint="name the files to read, or pass over fewer")
        passed_over |= found.passed_over
        for root, path in found.files:
            place = files.absolute(path)
            spelling = root, path
            spellings[place] = min(spelling, spellings.get(place, spelling), key=lambda s: (len(s[0]), *s))
    reached = {path: root for root, path in spellings.values()}
    infos = _described(reached)
    read = (
        _input_file(path, source or _source(path, reached[path]), options_for, *infos.get(path, (None, False)))
        for path in sorted(reached)
    )
    return FoundInputs(tuple(read), len(passed_over - reached.keys()))


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
    return below[0] if len(below) > 1 else _base(root) or _base(path)[: len(_base(path)) - len(extension_of(path))]


def _input_file(
    path: str, source: str, options_for: Callable[[str], ReadOptions], info: FileInfo | None, cleaned: bool
) -> InputFile:
    try:
        size = files.size(path)
    except OSError as error:
        if not isinstance(error, FileNotFoundError) and error.errno != errno.ELOOP:
            raise
        raise BadInputError(
            f"{path}: there is no such file. Is it a link to one that is gone?",
            hint="remove the link, or pass over it: --set 'ignore=[PATTERN]'",
        ) from None
    form, compression = kind_of(path, options_for(source).format)
    if info is None or info.bytes != size:
        return InputFile(path, source, form, compression, size)
    return InputFile(path, source, form, compression, size, info, cleaned)


def _described(paths: Iterable[str]) -> dict[str, tuple[FileInfo, bool]]:
    """What manifests say of the tables of finished dataset folders among some files, and whether these were cleaned.

    However the files were reached.
    """
    infos: dict[str, tuple[FileInfo, bool]] = {}
    for folder in sorted({_parent(_parent(path)) for path in paths if _base(_parent(path)) == "data"}):
        if has_manifest(folder):
            try:
                manifest = open_dataset(folder, *READABLE)
            except MalmoiError:  # of another tool, version or kind, or damaged: files like any others
                continue
            cleaned = manifest.kind != RAW.name
            infos |= {files.join(folder, info.path): (info, cleaned) for info in manifest.table_files()}
    return infos


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
