"""Reading Parquet and Arrow: files of row groups or record batches, one of which is in memory at a time.

An Arrow IPC file whose end is missing is still a stream behind its first bytes, and is read as one up to the damage.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.contracts import files
from pipelines.contracts.schemas import DOCUMENTS, REJECTS
from pipelines.raw.arrow_footer import batch_offsets
from pipelines.raw.compression import CORRUPT, TRUNCATED
from pipelines.raw.config import ReadOptions
from pipelines.raw.faults import allow_damage, check_text_column
from pipelines.raw.inputs import ARROW_FILE, Part
from pipelines.raw.line_blocks import new_block
from pipelines.raw.own_tables import add_documents, rejects_blocks
from pipelines.raw.rows import RawBlock

STREAM_AT = 8  # of an IPC file: the magic, filled up to eight bytes


@dataclass
class _Place:
    """Where in a file the next row is, and with it the damage if it cannot be read."""

    start: int = 0
    """Byte of the file from which rows are counted."""
    line: int = 1
    """Number of the row."""


class _MissingEndError(Exception):
    """The file was read up to a place where more should follow."""


def read_parquet(part: Part, options: ReadOptions, block_bytes: int) -> Iterator[RawBlock]:
    """The documents and bad rows of one part of a file."""
    place = _Place()
    return _read(part, options, _parquet_batches(part, options, block_bytes, place), place)


def read_arrow(part: Part, options: ReadOptions, block_bytes: int) -> Iterator[RawBlock]:
    """The documents and bad rows of one part of a file."""
    place = _Place()
    return _read(part, options, _arrow_batches(part, options, block_bytes, place), place)


def _read(part: Part, options: ReadOptions, batches: Iterator[pa.RecordBatch], place: _Place) -> Iterator[RawBlock]:
    """Blocks of batches; `place` follows them, and is moved by `batches` over what belongs to other parts."""
    try:
        for rows in batches:
            yield from _blocks(part, options, rows, place)
            place.line += rows.num_rows
        return
    except _MissingEndError:
        reason = TRUNCATED
    except (pa.ArrowException, OSError) as error:
        if not _content_is_wrong(error):
            raise
        reason = CORRUPT
    allow_damage(part.file, options, reason)
    block = new_block(part, place.start)
    block.reject(place.line, reason, None)
    yield block


def _blocks(part: Part, options: ReadOptions, rows: pa.RecordBatch, place: _Place) -> Iterator[RawBlock]:
    block = new_block(part, place.start)
    columns = options.columns
    binary = [name for name in (columns.text, columns.id, columns.source) if name and _is_binary(rows.schema, name)]
    numbers, records = [], []
    for number, record in enumerate(_records(rows), place.line):
        if record is None or (binary and not _decode(record, binary)):
            block.reject(number, "invalid_utf8", None)
        else:
            numbers.append(number)
            records.append(record)
    if rows.schema.equals(REJECTS.schema):
        yield from rejects_blocks(block, numbers, records, columns)
        return
    if rows.schema.equals(DOCUMENTS.schema):
        add_documents(block, numbers, records)
    else:
        block.add_records(numbers, records, [None] * len(records), columns)
    yield block


def _is_binary(schema: pa.Schema, name: str) -> bool:
    if name not in schema.names:
        return False
    column = schema.field(name).type
    values = column.value_type if pa.types.is_dictionary(column) else column
    return any(
        is_type(values)
        for is_type in (
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
            pa.types.is_fixed_size_binary,
        )
    )


def _decode(record: dict[str, Any], names: list[str]) -> bool:
    """Make text of the named fields, which are binary; whether that could be done."""
    try:
        record.update({name: record[name].decode() for name in names if record[name] is not None})
    except UnicodeDecodeError:
        return False
    return True


def _records(rows: pa.RecordBatch) -> list[dict[str, Any] | None]:
    """The rows as mappings; None for a row that holds invalid UTF-8, which neither format rules out."""
    try:
        return rows.to_pylist()
    except UnicodeDecodeError:
        if rows.num_rows == 1:
            return [None]
        middle = rows.num_rows // 2
        return _records(rows.slice(0, middle)) + _records(rows.slice(middle))


def _parquet_batches(part: Part, options: ReadOptions, block_bytes: int, place: _Place) -> Iterator[pa.RecordBatch]:
    if part.file.bytes == 0:
        return
    with files.open_read(part.file.path) as raw:
        try:
            parquet = pq.ParquetFile(raw)
        except (pa.ArrowException, OSError) as error:
            if part.number == 0 or not _content_is_wrong(error):
                raise
            return  # the whole file is damaged: one failure, not one a part
        _check_schema(parquet.schema_arrow, part, options)
        line = 1
        for number in range(parquet.num_row_groups):
            group = parquet.metadata.row_group(number)
            if part.owns(number, parquet.num_row_groups):
                place.line = line
                rows = max(1, group.num_rows * block_bytes // max(1, group.total_byte_size))
                yield from parquet.iter_batches(batch_size=rows, row_groups=[number])
            line += group.num_rows


def _arrow_batches(part: Part, options: ReadOptions, block_bytes: int, place: _Place) -> Iterator[pa.RecordBatch]:
    if part.file.bytes == 0:
        return
    with files.open_read(part.file.path) as raw:
        if raw.read(len(ARROW_FILE)) == ARROW_FILE:
            batches = _ipc_file(raw, part, options, place)
        else:
            batches = _ipc_stream(raw, 0, part, options)
        for batch in batches:
            yield from _slices(batch, block_bytes)


def _ipc_file(raw: BinaryIO, part: Part, options: ReadOptions, place: _Place) -> Iterator[pa.RecordBatch]:
    try:
        reader = pa.ipc.open_file(raw)
    except (pa.ArrowException, OSError) as error:
        if not _content_is_wrong(error):
            raise
        yield from _ipc_stream(raw, STREAM_AT, part, options)
        if part.number == 0:
            raise _MissingEndError from None
        return
    _check_schema(reader.schema, part, options)
    own = [number for number in range(reader.num_record_batches) if part.owns(number, reader.num_record_batches)]
    if own and own[0]:
        place.start = batch_offsets(raw)[own[0]]
    for number in own:
        yield reader.get_batch(number)


def _ipc_stream(raw: BinaryIO, start: int, part: Part, options: ReadOptions) -> Iterator[pa.RecordBatch]:
    """A stream cannot be shared out: its first part owns it all."""
    if part.number:
        return
    raw.seek(start)
    try:
        reader = pa.ipc.open_stream(raw)
        _check_schema(reader.schema, part, options)
        yield from reader
    except (pa.ArrowException, OSError) as error:
        if _content_is_wrong(error) and not raw.read(1):
            raise _MissingEndError from None
        raise


def _slices(batch: pa.RecordBatch, block_bytes: int) -> Iterator[pa.RecordBatch]:
    rows = max(1, batch.num_rows * block_bytes // max(1, batch.nbytes))
    yield from (batch.slice(start, rows) for start in range(0, batch.num_rows, rows))


def _check_schema(schema: pa.Schema, part: Part, options: ReadOptions) -> None:
    if not (schema.equals(DOCUMENTS.schema) or schema.equals(REJECTS.schema)):
        check_text_column(schema.names, part, options)


def _content_is_wrong(error: Exception) -> bool:
    """Whether an error of Arrow's is about what it read, and not the disk or the network: those have a number."""
    return not isinstance(error, OSError) or error.errno is None
