"""Reading Parquet and Arrow: files of row groups or record batches, one of which is in memory at a time.

A damaged row group or record batch costs its own rows: each is a reject, and the next one is read. An Arrow IPC file
whose end is missing is still a stream behind its first bytes, and is read as one up to the damage.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import compress
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.schemas import DOCUMENTS, REJECTS
from malmoi_pipelines.contracts.tables import cut_by_size
from malmoi_pipelines.raw.arrow_footer import batch_offsets, batch_rows
from malmoi_pipelines.raw.compression import CORRUPT, TRUNCATED
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.faults import allow_damage, check_text_column
from malmoi_pipelines.raw.fields import Fields
from malmoi_pipelines.raw.own_tables import add_documents, rejects_blocks
from malmoi_pipelines.raw.rows import RawBlock, new_block
from malmoi_pipelines.raw.table_rows import table_rows
from malmoi_pipelines.raw.tasks import ARROW_FILE, FilePart

STREAM_AT = 8  # of an IPC file: the magic, filled up to eight bytes
REJECTS_AT_ONCE = 1 << 16  # rows of a damaged row group that are rejected in one block


@dataclass
class _Place:
    """Where in a file the next row is, and with it the damage if it cannot be read."""

    start: int = 0
    """Byte of the file from which rows are counted."""
    line: int = 1
    """Number of the row."""
    stored: int = 0
    """Bytes of the file before what is read next, where that is known."""


class _MissingEndError(Exception):
    """The file was read up to a place where more should follow."""


@dataclass(frozen=True)
class _Lost:
    """Rows that are missing, because the row group or record batch that holds them is damaged."""

    rows: int


_Batches = Iterator[pa.RecordBatch | _Lost]
OptionsFor = Callable[[str], ReadOptions]


def read_parquet(part: FilePart, options: ReadOptions, block_bytes: int, options_for: OptionsFor) -> Iterator[RawBlock]:
    """The documents and bad rows of one part of a file."""
    place = _Place()
    return _read(part, options, _parquet_batches(part, options, block_bytes, place), place, options_for)


def read_arrow(part: FilePart, options: ReadOptions, block_bytes: int, options_for: OptionsFor) -> Iterator[RawBlock]:
    """The documents and bad rows of one part of a file."""
    place = _Place()
    return _read(part, options, _arrow_batches(part, options, block_bytes, place), place, options_for)


def _read(
    part: FilePart, options: ReadOptions, batches: _Batches, place: _Place, options_for: OptionsFor
) -> Iterator[RawBlock]:
    """Blocks of batches; `place` follows them, and is moved by `batches` over what belongs to other parts."""
    try:
        for rows in batches:
            if isinstance(rows, _Lost):
                yield from _lost_rows(part, options, place, CORRUPT, rows.rows)
                place.line += rows.rows
            else:
                yield from _blocks(part, options, rows, place, options_for)
                place.line += rows.num_rows
        return
    except _MissingEndError:
        reason = TRUNCATED
    except (pa.ArrowException, OSError) as error:
        if not _content_is_wrong(error):
            raise
        reason = CORRUPT
    for block in _lost_rows(part, options, place, reason, 1):
        block.lost_bytes = part.file.bytes - (place.stored if reason == CORRUPT else 0)
        yield block


def _lost_rows(part: FilePart, options: ReadOptions, place: _Place, reason: str, rows: int) -> Iterator[RawBlock]:
    """Rejects for the next rows."""
    allow_damage(part.file, options, reason)
    end = place.line + rows
    for first in range(place.line, end, REJECTS_AT_ONCE):
        block = new_block(part, place.start)
        for line in range(first, min(first + REJECTS_AT_ONCE, end)):
            block.reject(line, reason, None)
        yield block


def _blocks(
    part: FilePart, options: ReadOptions, rows: pa.RecordBatch, place: _Place, options_for: OptionsFor
) -> Iterator[RawBlock]:
    block = new_block(part, place.start)
    fields = Fields(options)
    numbers, records = [], []
    for number, record in enumerate(table_rows(rows, fields), place.line):
        if isinstance(record, str):
            block.reject(number, record, None)
        else:
            numbers.append(number)
            records.append(record)
    if rows.schema.equals(REJECTS.schema):
        yield from rejects_blocks(block, numbers, records, options_for)
        return
    if rows.schema.equals(DOCUMENTS.schema):
        add_documents(block, numbers, records, options)
    else:
        limit = options.max_line_bytes
        if rows.nbytes > limit:
            fitting = [block.fits(n, fields.text(r), limit) for n, r in zip(numbers, records, strict=True)]
            numbers, records = list(compress(numbers, fitting)), list(compress(records, fitting))
        block.add_records(numbers, records, [None] * len(records), fields)
    yield block


def _parquet_batches(part: FilePart, options: ReadOptions, block_bytes: int, place: _Place) -> _Batches:
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
                yield from _row_group(parquet, number, block_bytes)
            line += group.num_rows


def _row_group(parquet: pq.ParquetFile, number: int, block_bytes: int) -> _Batches:
    group = parquet.metadata.row_group(number)
    # A column has at least one value a row: a footer that is damaged itself must not make rejects without end.
    left = min([group.num_rows, *(group.column(i).num_values for i in range(group.num_columns))])
    try:
        at_once = max(1, group.num_rows * block_bytes // max(1, group.total_byte_size))
        for rows in parquet.iter_batches(batch_size=at_once, row_groups=[number]):
            left -= rows.num_rows
            yield rows
    except (pa.ArrowException, OSError) as error:
        if not _content_is_wrong(error):
            raise
        yield _Lost(max(1, left))


def _arrow_batches(part: FilePart, options: ReadOptions, block_bytes: int, place: _Place) -> _Batches:
    if part.file.bytes == 0:
        return
    with files.open_read(part.file.path) as raw:
        if raw.read(len(ARROW_FILE)) == ARROW_FILE:
            batches = _ipc_file(raw, part, options, place)
        else:
            batches = _ipc_stream(raw, 0, part, options, place)
        for batch in batches:
            yield from [batch] if isinstance(batch, _Lost) else cut_by_size(batch, block_bytes)


def _ipc_file(raw: BinaryIO, part: FilePart, options: ReadOptions, place: _Place) -> _Batches:
    try:
        reader = pa.ipc.open_file(raw)
    except (pa.ArrowException, OSError) as error:
        if not _content_is_wrong(error):
            raise
        yield from _ipc_stream(raw, STREAM_AT, part, options, place)
        if part.number == 0:
            raise _MissingEndError from None
        return
    _check_schema(reader.schema, part, options)
    own = [number for number in range(reader.num_record_batches) if part.owns(number, reader.num_record_batches)]
    offsets = batch_offsets(raw) if own else []
    if own and own[0]:
        place.start = offsets[own[0]]
    for number in own:
        try:
            yield reader.get_batch(number)
        except (pa.ArrowException, OSError) as error:
            if not _content_is_wrong(error):
                raise
            # How many rows it held may not be known: those of the next batch are counted from its own place.
            place.start, place.line = offsets[number], 1
            yield _Lost(batch_rows(raw, offsets[number]) or 1)
            if number + 1 < len(offsets):
                place.start, place.line = offsets[number + 1], 1


def _ipc_stream(raw: BinaryIO, start: int, part: FilePart, options: ReadOptions, place: _Place) -> _Batches:
    """A stream cannot be shared out: its first part owns it all."""
    if part.number:
        return
    raw.seek(start)
    try:
        reader = pa.ipc.open_stream(raw)
        _check_schema(reader.schema, part, options)
        for batch in reader:
            yield batch
            place.stored = raw.tell()
    except (pa.ArrowException, OSError) as error:
        if _content_is_wrong(error) and not raw.read(1):
            raise _MissingEndError from None
        raise


def _check_schema(schema: pa.Schema, part: FilePart, options: ReadOptions) -> None:
    if not (schema.equals(DOCUMENTS.schema) or schema.equals(REJECTS.schema)):
        check_text_column(schema.names, part, options)
    for name, times in Counter(schema.names).items():
        if times > 1:
            raise BadInputError(
                f"{part.file.path} has two columns {name!r}.",
                hint="give each column a name of its own and write it again",
            )


def _content_is_wrong(error: Exception) -> bool:
    """Whether an error of Arrow's is about what it read, and not the disk or the network: those have a number."""
    return not isinstance(error, OSError) or error.errno is None
