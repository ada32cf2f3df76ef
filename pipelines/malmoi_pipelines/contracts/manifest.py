"""The manifest: written last and atomically, its presence means that a dataset folder is complete."""

from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.code import Code
from malmoi_pipelines.contracts.errors import BadInputError, CheckError, MalmoiError, UsageError
from malmoi_pipelines.contracts.fingerprint import content_identity, fingerprint
from malmoi_pipelines.contracts.schemas import DATASETS, SCHEMA_VERSION, DatasetKind, check_schema

MANIFEST = "manifest.json"
WORK = "_work"
"""Scratch files of a running stage; its presence without a manifest marks a folder as ours and unfinished."""
REPORTS = ("report.json", "report.md", "report.html")
PICTURES = "pictures"
"""Folder of a report's pictures."""
_AGAIN = "run the stage again"


class FileInfo(BaseModel):
    """One file of a dataset folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    """Path inside the folder."""
    table: str
    """Folder of the table it belongs to, or "" for other files."""
    rows: int
    """Rows of a table file, 0 for others."""
    bytes: int
    xxh3_128: str
    """Hex digest of the file's bytes."""
    text_bytes: int = 0
    """UTF-8 bytes of the texts in it, where it holds documents; later stages plan by it."""

    @classmethod
    def of_sink(
        cls, path: str, sink: files.HashingFile, *, table: str = "", rows: int = 0, text_bytes: int = 0
    ) -> "FileInfo":
        """What was just written through a sink, which has counted and hashed it on the way."""
        return cls(path=path, table=table, rows=rows, bytes=sink.bytes, xxh3_128=sink.xxh3_128, text_bytes=text_bytes)

    @classmethod
    def of_file(cls, folder: str, name: str) -> "FileInfo":
        """A file that is no table, measured where it lies."""
        path = files.join(folder, name)
        return cls(path=name, table="", rows=0, bytes=files.size(path), xxh3_128=files.hash_file(path))


class Manifest(BaseModel):
    """What a dataset folder is and what it was made from: no time, no absolute path, so equal input, equal manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    stage: str
    schema_version: int = SCHEMA_VERSION
    fingerprint: str
    """Digest of inputs, config and code: a stage is skipped when it matches."""
    inputs: dict[str, str]
    """Fingerprint of each input, by role."""
    config: dict[str, Any]
    code: Code
    accepted: tuple[str, ...] = ()
    """Changes of the code since the files were made, which a person accepted (`malmoi accept`)."""
    tokenizer: str | None = None
    """Fingerprint of the tokenizer that made the ids, where one was used."""
    files: tuple[FileInfo, ...]

    def table_files(self, table: str = "data") -> list[FileInfo]:
        """The files of one table, in path order."""
        return [info for info in self.files if info.table == table]

    def rows(self, table: str = "data") -> int:
        """Rows of one table."""
        return sum(info.rows for info in self.table_files(table))

    @property
    def content_fingerprint(self) -> str:
        """Digest of all files but the report: what a following stage depends on."""
        return fingerprint([(info.path, info.xxh3_128) for info in self.files if not _is_report(info.path)])


def _is_report(path: str) -> bool:
    return path in REPORTS or path.startswith(f"{PICTURES}/")


def path_identity(path: str) -> str:
    """What stands for the content of a side input: a dataset folder, or a file such as a model.

    Raises:
        UsageError: there is neither.
        BadInputError: it is a folder, but no finished dataset folder.
    """
    if files.exists(path) and not files.is_folder(path):
        return content_identity(path)
    return read_manifest(path).content_fingerprint


def write_manifest(folder: str, manifest: Manifest) -> None:
    """Publish a folder: write its manifest, atomically."""
    data = orjson.dumps(manifest.model_dump(mode="json"), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    files.write_bytes(files.join(folder, MANIFEST), data + b"\n")


def has_manifest(folder: str) -> bool:
    """Whether `folder` is a complete dataset folder."""
    return files.exists(files.join(folder, MANIFEST))


def folders_below(path: str) -> list[str]:
    """The complete dataset folders directly below a path, in order; none below what is no folder."""
    fs, inner = files.filesystem(path)
    children = sorted(fs.ls(inner, detail=False)) if fs.isdir(inner) else []
    found = (files.join(path, child.rstrip("/").rsplit("/", 1)[-1]) for child in children)
    return [folder for folder in found if has_manifest(folder)]


def open_dataset(folder: str, *kinds: DatasetKind) -> Manifest:
    """The manifest of a finished dataset folder of the kinds that the caller can use, all its files there.

    Raises:
        UsageError: there is nothing at the path.
        BadInputError: it is a file, unfinished, of another kind or schema version, or none of ours.
        CheckError: a file is missing or has another size.
    """
    manifest = read_manifest(folder, *kinds)
    if kinds and manifest.kind not in {kind.name for kind in kinds}:
        raise not_a_dataset(folder, f"it holds {manifest.kind}", None, kinds)
    verify_sizes(folder, manifest)
    return manifest


def read_manifest(folder: str, *wanted: DatasetKind) -> Manifest:
    """Read and check a manifest, of whatever kind.

    Args:
        folder: a dataset folder.
        wanted: the kinds that an error should name.

    Raises:
        UsageError: there is nothing at the path.
        BadInputError: there is no manifest, or not one of ours, or of another schema version.
    """
    path = files.join(folder, MANIFEST)
    if not files.exists(path):
        raise _without_manifest(folder, wanted)
    try:
        manifest = Manifest.model_validate(orjson.loads(files.read_bytes(path)))
    except (orjson.JSONDecodeError, ValidationError) as error:
        why = f"its {MANIFEST} is none of malmoi's ({type(error).__name__})"
        raise not_a_dataset(folder, why, "name a folder that malmoi wrote", wanted) from None
    if manifest.schema_version != SCHEMA_VERSION:
        why = f"its schema version is {manifest.schema_version}, this malmoi reads {SCHEMA_VERSION}"
        raise not_a_dataset(folder, why, "run its stage again with this version", wanted)
    return manifest


def _without_manifest(folder: str, wanted: tuple[DatasetKind, ...]) -> MalmoiError:
    if not files.exists(folder):
        return nothing_at(folder)
    if not files.is_folder(folder):
        return not_a_dataset(folder, "it is a file", None, wanted)
    if files.exists(files.join(folder, WORK)):
        return not_a_dataset(folder, "a stage was interrupted there", "run that stage again", wanted)
    return not_a_dataset(folder, f"it has no {MANIFEST}", None, wanted)


def nothing_at(path: str) -> UsageError:
    """The error for a path at which there is nothing, whatever a verb wants there."""
    return UsageError(f"there is nothing at {path}.", hint="check the path; quote a glob so that it arrives whole")


def not_a_dataset(folder: str, why: str, hint: str | None, wanted: tuple[DatasetKind, ...] = ()) -> BadInputError:
    """The error for a folder that is not a finished dataset folder of the kind that a verb needs.

    Args:
        folder: what was named.
        why: what is wrong with it.
        hint: what to do about that; None: name a folder of the wanted kinds.
        wanted: the kinds that the verb can use; none: any.
    """
    of = f" of {' or '.join(kind.name for kind in wanted)}" if wanted else ""
    stages = " or ".join(f"`malmoi {kind.stage}`" for kind in wanted) or "malmoi"
    return BadInputError(
        f"{folder} is not a finished dataset folder{of}: {why}.", hint or f"name a folder that {stages} wrote"
    )


def verify_sizes(folder: str, manifest: Manifest) -> None:
    """Check that every file is there with its size: cheap, done whenever a folder is read.

    Raises:
        CheckError: naming the first file that differs.
    """
    for info in manifest.files:
        _verify_size(files.join(folder, info.path), info)


def _verify_size(path: str, info: FileInfo) -> None:
    if not files.exists(path):
        raise CheckError(f"{path} is missing, its manifest names it.", hint=_AGAIN)
    if (actual := files.size(path)) != info.bytes:
        raise CheckError(f"{path} must have {info.bytes} bytes. Got {actual}.", hint=_AGAIN)


def verify_file(folder: str, manifest: Manifest, info: FileInfo) -> None:
    """Check one file fully: size, hash, and the schema and rows of a table. Reads it piece by piece.

    Raises:
        CheckError: naming the file and what differs.
    """
    path = files.join(folder, info.path)
    _verify_size(path, info)
    if (digest := files.hash_file(path)) != info.xxh3_128:
        raise CheckError(
            f"{path}: the content has changed: xxh3-128 must be {info.xxh3_128}. Got {digest}.", hint=_AGAIN
        )
    if path.endswith((".parquet", ".arrow")):
        _verify_table(path, manifest, info)


def _verify_table(path: str, manifest: Manifest, info: FileInfo) -> None:
    tables = [
        table for kind in DATASETS if kind.name == manifest.kind for table in kind.tables if table.name == info.table
    ]
    if not tables:
        raise CheckError(f"{path}: a {manifest.kind} folder has no table {info.table!r}.")
    with files.open_read(path) as file:
        if path.endswith(".parquet"):
            parquet = pq.ParquetFile(file)
            schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
        else:
            reader = pa.ipc.open_stream(file)
            schema, rows = reader.schema, sum(batch.num_rows for batch in reader)
    try:
        check_schema(schema, tables[0].schema, path)
    except BadInputError as error:
        raise CheckError(error.message) from None
    if rows != info.rows:
        raise CheckError(f"{path} must have {info.rows} rows. Got {rows}.")
