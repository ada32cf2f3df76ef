"""Documents as stages read them: dataset folders, or any Parquet, Arrow or JSON Lines files with these columns."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.fingerprint import fingerprint, fingerprint_files
from malmoi_pipelines.contracts.manifest import MANIFEST, WORK, has_manifest, not_a_dataset, open_dataset
from malmoi_pipelines.contracts.schemas import CLEANED, CORPUS, DOCUMENTS
from malmoi_pipelines.contracts.tables import read_batches, string_bytes

FORMATS = (".parquet", ".arrow", ".jsonl")
REQUIRED = ("id", "source", "text")
NUMBERS_ALLOWED = ("id", "source")  # whole numbers are names as good as any; a text that is a number is a mistake
BLOCK_BYTES = 8 << 20  # bytes of a JSON Lines block
NUMBERS = ("perplexity", "bad_perplexity")  # the others are text
OURS_ALONE = ("cluster_size",)  # in foreign files a column of this name is something else
CLEAN_FIRST = "run `malmoi clean` on it first"

_STRINGS = (pa.string(), pa.large_string(), pa.string_view())
_TEXT_TYPES = {*_STRINGS, pa.binary(), pa.large_binary(), pa.binary_view(), pa.null()}
_METADATA = re.compile(r"README.*|LICENSE.*|manifest\.json|report\..*")  # lie beside documents and are none
_ANY_JSON = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


@dataclass(frozen=True)
class DocumentFiles:
    """The files a stage reads, in a fixed order, with what is known of them."""

    paths: tuple[str, ...]
    text_bytes: int
    """UTF-8 bytes of all texts: what partitions are planned by. For foreign files the stored size stands in."""
    fingerprint: str
    columns: tuple[tuple[str, str], ...]
    """(our name, name in the file) for the columns that are called otherwise."""
    ours: bool
    """Whether all files are Parquet tables of dataset folders, in our schema."""

    def read(self, number: int, groups: Iterable[int] | None = None) -> Iterator[pa.RecordBatch]:
        """The batches of one file, with the schema of `DOCUMENTS`; of a Parquet file also some row groups alone."""
        return read_documents(self.paths[number], dict(self.columns), groups)


def find_documents(inputs: list[str], columns: Mapping[str, str]) -> DocumentFiles:
    """Resolve dataset folders, files, globs and folders to document files.

    A file that is reached in several ways is read once.

    Args:
        inputs: any mix; neither their order nor their spelling matters.
        columns: our column name → the file's, where they differ.

    Raises:
        UsageError: a name in `columns` that is not one of ours.
        BadInputError: nothing is found, a dataset folder holds no documents, or a file is of another format.
    """
    if unknown := set(columns) - set(DOCUMENTS.schema.names):
        raise UsageError(f"columns maps {sorted(unknown)}, which are not among {DOCUMENTS.schema.names}.")
    ours: dict[str, tuple[str, int]] = {}  # full name → path and bytes of text
    foreign: dict[str, str] = {}
    prints: dict[str, str] = {}
    for given in sorted(set(inputs)):
        if has_manifest(given):
            manifest = open_dataset(given, CLEANED, CORPUS)
            prints[files.absolute(given)] = manifest.content_fingerprint
            for info in manifest.table_files():
                path = files.join(given, info.path)
                ours[files.absolute(path)] = path, info.text_bytes
        else:
            foreign |= {files.absolute(path): path for path in _foreign_files(given)}
    rest = {place: (path, files.size(path)) for place, path in foreign.items() if place not in ours}
    if rest:
        prints["files"] = fingerprint_files(path for path, _ in rest.values())
    found = dict(entry for _, entry in sorted((ours | rest).items()))
    digest = fingerprint(sorted(prints.values()))
    renamed = tuple(sorted(columns.items()))
    return DocumentFiles(tuple(found), sum(found.values()), digest, renamed, ours=not columns and not rest)


def _foreign_files(given: str) -> list[str]:
    if files.is_folder(given):
        candidates = _folder_files(given)
    elif files.exists(given):
        candidates = [given]
    else:
        candidates = [path for path in files.glob(given) if not os.path.basename(path).startswith((".", "_"))]
    found = [path for path in candidates if path.endswith(FORMATS)]
    for path in candidates:
        if not path.endswith(FORMATS) and not _METADATA.fullmatch(os.path.basename(path)):
            raise BadInputError(
                f"{path} is in none of the formats that can be read here: {', '.join(FORMATS)}.",
                hint=f"{CLEAN_FIRST}, or name the files to read, e.g. by a glob",
            )
    if not found:
        raise BadInputError(f"no documents found at {given}.", hint=f"a dataset folder, or files with {FORMATS}")
    return found


def _folder_files(folder: str) -> list[str]:
    """The files of a plain folder, but those in hidden folders, where tools keep their own (`.cache`, `.git`)."""
    if files.exists(files.join(folder, WORK)):
        raise not_a_dataset(folder, "a stage was interrupted there", "run that stage again")
    root = len(files.filesystem(folder)[1].rstrip("/"))
    below = {path: files.filesystem(path)[1][root:] for path in files.list_files(folder)}
    found = [path for path, name in below.items() if "/." not in name and "/_" not in name]
    # Read as plain files, dataset folders would give their rejects and spans, too.
    if inner := [os.path.dirname(path) for path in found if os.path.basename(path) == MANIFEST]:
        hint = f"name the ones to read, e.g. {inner[0]}"
        raise BadInputError(f"{folder} is no dataset folder, but holds {len(inner)}.", hint=hint)
    return found


def read_documents(
    path: str, columns: Mapping[str, str], groups: Iterable[int] | None = None
) -> Iterator[pa.RecordBatch]:
    """The batches of one Parquet, Arrow or JSON Lines file, with the schema of `DOCUMENTS`.

    Raises:
        BadInputError: not readable, a required column is missing, or a column holds something else.
    """
    try:
        for batch in read_batches(path, groups=groups) if path.endswith(".parquet") else _read(path, columns):
            arrays = [_column(batch, field, columns.get(field.name, field.name), path) for field in DOCUMENTS.schema]
            yield pa.RecordBatch.from_arrays(arrays, schema=DOCUMENTS.schema)
    except (pa.ArrowException, OSError) as error:  # OSError: a corrupt Parquet page. The messages may quote the data.
        raise BadInputError(f"{path} is not readable: {type(error).__name__}.", hint="is it whole?") from None


def _read(path: str, columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    with files.open_read(path) as file:
        if path.endswith(".jsonl"):
            yield from _read_jsonl(file, path, columns)
        elif file.read(6) == b"ARROW1":  # the file format, else the stream format
            reader = pa.ipc.open_file(file)
            yield from (reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            file.seek(0)
            yield from pa.ipc.open_stream(file)


def _read_jsonl(file: BinaryIO, path: str, columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """One batch a block of lines.

    Not Arrow's reader: it turns texts that look like dates into dates, fails on a field that the first block did not
    have, and accepts invalid UTF-8.
    """
    first = 1
    for lines in _line_blocks(file):
        if records := _parse(lines, first, path):
            yield _json_batch(records, columns, path)
        first += len(lines)


def _line_blocks(file: BinaryIO) -> Iterator[list[bytes]]:
    rest = file.read(3).removeprefix(b"\xef\xbb\xbf")  # the byte order mark that some editors write
    while data := file.read(BLOCK_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        yield lines
    yield rest.split(b"\n")


def _parse(lines: list[bytes], first: int, path: str) -> list[dict[str, Any]]:
    records = []
    for number, line in enumerate(lines, first):
        if line and not line.isspace():
            try:
                records.append(orjson.loads(line))
            except orjson.JSONDecodeError:
                raise BadInputError(f"{path}: line {number} is not JSON in valid UTF-8.", hint=CLEAN_FIRST) from None
            if type(records[-1]) is not dict:
                raise BadInputError(f"{path}: line {number} is no JSON object.", hint=CLEAN_FIRST)
    return records


def _json_batch(records: list[dict[str, Any]], columns: Mapping[str, str], path: str) -> pa.RecordBatch:
    arrays = {name: pa.nulls(len(records)) for name in records[0]}  # so that errors can name the columns there are
    for ours in DOCUMENTS.schema.names:
        name = columns.get(ours, ours)
        if ours in OURS_ALONE or not any(name in record for record in records):
            continue
        if ours in NUMBERS:
            arrays[name] = pa.array([record.get(name) for record in records], pa.float32())
        else:
            values = [_json_text(record.get(name), ours) for record in records]
            if not all(value is None or type(value) is str for value in values):
                raise BadInputError(f"{path}: column {name!r} does not hold text only.", hint=CLEAN_FIRST)
            arrays[name] = pa.array(values, pa.large_string())
    return pa.RecordBatch.from_pydict(arrays)


def _json_text(value: Any, ours: str) -> Any:
    if ours == "meta":
        return _meta_json(value)
    return str(value) if type(value) is int and ours in NUMBERS_ALLOWED else value


def _column(batch: pa.RecordBatch, field: pa.Field, name: str, path: str) -> pa.Array:
    if field.name in OURS_ALONE:
        return pa.nulls(batch.num_rows, field.type)
    places = batch.schema.get_all_field_indices(name)
    if not places and field.name not in REQUIRED:
        return pa.nulls(batch.num_rows, field.type)
    if len(places) != 1:
        found = f"{'more than one' if places else 'no'} column {name!r}; its columns are {batch.schema.names}"
        raise BadInputError(f"{path} has {found}.", hint=f"map it: --set columns.{field.name}=NAME")
    try:
        column = batch.column(places[0])
        array = column.cast(field.type) if field.name in NUMBERS else _as_text(column, field)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        kind = f"{str(batch.schema.types[places[0]])[:60]}: {type(error).__name__}"
        raise BadInputError(
            f"{path}: column {name!r} holds no valid {'number' if field.name in NUMBERS else 'text'} ({kind}).",
            hint=CLEAN_FIRST,
        ) from None
    if array.null_count and field.name in REQUIRED:
        raise BadInputError(f"{path}: column {name!r} has nulls.", hint=CLEAN_FIRST)
    return array


def _as_text(array: pa.Array, field: pa.Field) -> pa.Array:
    array.validate(full=True)  # UTF-8 above all: whatever reads the text later takes it on trust
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if field.name == "meta" and kind not in _TEXT_TYPES:
        return pa.array(map(_meta_json, array.to_pylist(maps_as_pydicts="lossy")), field.type)
    if kind not in _TEXT_TYPES and not (pa.types.is_integer(kind) and field.name in NUMBERS_ALLOWED):
        raise TypeError(kind)
    return array.cast(field.type)


def _meta_json(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    # Parquet has values that JSON has not.
    return orjson.dumps(value, option=_ANY_JSON, default=lambda v: v.hex() if type(v) is bytes else str(v)).decode()


def source_totals(batch: pa.RecordBatch) -> dict[str, tuple[int, int]]:
    """Documents and UTF-8 text bytes of a batch by source."""
    sources = batch.column("source").dictionary_encode()
    totals = {}
    for number, name in enumerate(sources.dictionary.to_pylist()):
        texts = batch.column("text").filter(pc.equal(sources.indices, number))
        totals[name] = (len(texts), string_bytes(texts))
    return totals
