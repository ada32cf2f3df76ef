"""Documents as stages read them: dataset folders, or any Parquet, Arrow or JSON Lines files with these columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq

from pipelines.contracts import files
from pipelines.contracts.errors import BadInputError, UsageError
from pipelines.contracts.fingerprint import fingerprint, fingerprint_files
from pipelines.contracts.manifest import has_manifest, read_manifest, verify_sizes
from pipelines.contracts.schemas import DOCUMENTS
from pipelines.contracts.tables import string_bytes

FORMATS = (".parquet", ".arrow", ".jsonl")
REQUIRED = ("id", "source", "text")
BLOCK_BYTES = 8 << 20  # bytes of a JSON Lines block


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

    def read(self, number: int) -> Iterator[pa.RecordBatch]:
        """The batches of one file, with the schema of `DOCUMENTS`."""
        return read_documents(self.paths[number], dict(self.columns))


def find_documents(inputs: list[str], columns: Mapping[str, str]) -> DocumentFiles:
    """Resolve dataset folders, files, globs and folders to document files.

    Args:
        inputs: any mix; their order does not matter.
        columns: our column name → the file's, where they differ.

    Raises:
        UsageError: a name in `columns` that is not one of ours.
        BadInputError: nothing is found, or a dataset folder holds no documents.
    """
    if unknown := set(columns) - set(DOCUMENTS.schema.names):
        raise UsageError(f"columns maps {sorted(unknown)}, which are not among {DOCUMENTS.schema.names}.")
    paths: list[str] = []
    prints: list[str] = []
    text_bytes = 0
    ours = not columns
    for given in sorted(set(inputs)):
        if has_manifest(given):
            manifest = read_manifest(given)
            if manifest.kind not in ("documents", "corpus"):
                raise BadInputError(f"{given} holds {manifest.kind}, not documents.")
            verify_sizes(given, manifest)
            paths += [files.join(given, info.path) for info in manifest.table_files()]
            text_bytes += sum(info.text_bytes for info in manifest.table_files())
            prints.append(manifest.content_fingerprint)
        else:
            ours = False
            found = _foreign_files(given)
            paths += found
            text_bytes += sum(files.size(path) for path in found)
            prints.append(fingerprint_files(found))
    return DocumentFiles(tuple(paths), text_bytes, fingerprint(sorted(prints)), tuple(sorted(columns.items())), ours)


def _foreign_files(given: str) -> list[str]:
    candidates = files.list_files(given) if files.is_folder(given) else files.glob(given)
    found = [path for path in candidates if path.endswith(FORMATS)]
    if not found:
        raise BadInputError(f"no documents found at {given}.", hint=f"a dataset folder, or files with {FORMATS}")
    return found


def read_documents(path: str, columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """The batches of one Parquet, Arrow or JSON Lines file, with the schema of `DOCUMENTS`.

    Raises:
        BadInputError: not readable, or a required column is missing.
    """
    try:
        for batch in _read(path):
            yield _conform(batch, columns, path)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        # Only the first line, which names the defect: the rest may quote the data.
        raise BadInputError(f"{path} is not readable: {str(error).splitlines()[0][:200]}") from None


def _read(path: str) -> Iterator[pa.RecordBatch]:
    with files.open_read(path) as file:
        if path.endswith(".parquet"):
            parquet = pq.ParquetFile(file)
            for group in range(parquet.num_row_groups):
                yield from parquet.read_row_group(group).combine_chunks().to_batches()
        elif path.endswith(".arrow"):
            magic = file.read(6)
            file.seek(0)
            if magic == b"ARROW1":
                reader = pa.ipc.open_file(file)
                yield from (reader.get_batch(i) for i in range(reader.num_record_batches))
            else:
                yield from pa.ipc.open_stream(file)
        else:
            options = pyarrow.json.ReadOptions(block_size=BLOCK_BYTES)
            yield from pyarrow.json.open_json(file, read_options=options)


def _conform(batch: pa.RecordBatch, columns: Mapping[str, str], path: str) -> pa.RecordBatch:
    arrays = []
    for field in DOCUMENTS.schema:
        name = columns.get(field.name, field.name)
        if name in batch.schema.names:
            arrays.append(batch.column(name).cast(field.type))
        elif field.name in REQUIRED:
            raise BadInputError(
                f"{path} has no column {name!r}; its columns are {batch.schema.names}.",
                hint=f"map it: --set columns.{field.name}=NAME",
            )
        else:
            arrays.append(pa.nulls(batch.num_rows, field.type))
    conformed = pa.RecordBatch.from_arrays(arrays, schema=DOCUMENTS.schema)
    if any(conformed.column(name).null_count for name in REQUIRED):
        raise BadInputError(f"{path} has nulls in {' or '.join(REQUIRED)}.", hint="run `malmoi clean` on it first")
    return conformed


def source_totals(batch: pa.RecordBatch) -> dict[str, tuple[int, int]]:
    """Documents and UTF-8 text bytes of a batch by source."""
    sources = batch.column("source").dictionary_encode()
    totals = {}
    for number, name in enumerate(sources.dictionary.to_pylist()):
        texts = batch.column("text").filter(pa.compute.equal(sources.indices, number))
        totals[name] = (len(texts), string_bytes(texts))
    return totals
