"""Reading input files as blocks of raw documents: JSON Lines, plain text with one document a line, Parquet.

Every reader streams, keeps what can be read and names what cannot:

- `broken_json`, `invalid_utf8`, `not_an_object`: a line that is no record;
- `missing_text`, `text_not_a_string`, `bad_id`, `bad_source`: a record that is no document;
- `line_too_long`: a line of more than `max_line_bytes`;
- `truncated_file`, `corrupt_file`: the place where a file stops being readable, once a file.

Blank lines separate documents and are none themselves; they count only for the line numbers.
"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.contracts import files
from pipelines.contracts.errors import BadInputError
from pipelines.contracts.schemas import DOCUMENTS
from pipelines.raw.compression import CORRUPT, read_chunks
from pipelines.raw.config import ReadOptions
from pipelines.raw.inputs import Format, InputFile
from pipelines.raw.lines import LineBlock, cut_lines
from pipelines.raw.rows import RawBlock

BLOCK_BYTES = 8 << 20  # bytes of input a block: rows and row groups of the output are cut by it


def read_blocks(file: InputFile, options: ReadOptions, block_bytes: int = BLOCK_BYTES) -> Iterator[RawBlock]:
    """The documents and bad lines of one file.

    Args:
        file: what to read.
        options: names of the fields, limits, and what a damaged file means.
        block_bytes: uncompressed bytes a block.

    Raises:
        BadInputError: the file cannot be opened, has no text column, or is damaged and `on_bad_file` is `fail`.
    """
    yield from _READERS[file.format](file, options, block_bytes)


def _read_lines(
    file: InputFile, options: ReadOptions, block_bytes: int, parse: Callable[[RawBlock, int, bytes, ReadOptions], None]
) -> Iterator[RawBlock]:
    chunks = read_chunks(file.path, file.compression)
    for lines in cut_lines(chunks, block_bytes, options.max_line_bytes):
        block = _new_block(file)
        if lines.damage:
            _allow_damage(file, options, lines.damage)
            number = lines.first + len(lines.lines)
            block.reject(number, lines.damage, lines.rest, lines.lost, keep=options.max_line_bytes)
        for number, line in enumerate(_fitting(block, lines, options.max_line_bytes), lines.first):
            parse(block, number, line, options)
        yield block


def _fitting(block: RawBlock, lines: LineBlock, limit: int) -> list[bytes]:
    """The lines with those that are too long made blank."""
    if sum(map(len, lines.lines)) <= limit:
        return lines.lines
    last = len(lines.lines) - 1
    fitting = list(lines.lines)
    for i, line in enumerate(lines.lines):
        if len(line) > limit:
            block.reject(lines.first + i, "line_too_long", line, lines.lost if i == last else 0, keep=limit)
            fitting[i] = b""
    return fitting


def _parse_json(block: RawBlock, number: int, line: bytes, options: ReadOptions) -> None:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        if line and not line.isspace():
            block.reject(number, "broken_json" if _is_utf8(line) else "invalid_utf8", line)
        return
    block.add_record(number, record, line, options.columns)


def _parse_text(block: RawBlock, number: int, line: bytes, _: ReadOptions) -> None:
    line = line.removesuffix(b"\r")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        block.reject(number, "invalid_utf8", line)
        return
    if line:
        block.add_text(number, text)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read_parquet(file: InputFile, options: ReadOptions, block_bytes: int) -> Iterator[RawBlock]:
    line = 1
    try:
        for batch in _parquet_batches(file, options, block_bytes):
            block = _new_block(file)
            for number, record in enumerate(_records(batch), line):
                if record is None:
                    block.reject(number, "invalid_utf8", None)
                elif batch.schema.equals(DOCUMENTS.schema):
                    block.add_document(number, record)
                else:
                    block.add_record(number, record, None, options.columns)
            yield block
            line += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk or the network, not the content: Arrow's own errors have no number
        _allow_damage(file, options, CORRUPT)
        block = _new_block(file)
        block.reject(line, CORRUPT, None)
        yield block


def _records(batch: pa.RecordBatch) -> list[dict[str, Any] | None]:
    """The rows as mappings; None for a row that holds invalid UTF-8, which Parquet does not rule out."""
    try:
        return batch.to_pylist()
    except UnicodeDecodeError:
        if batch.num_rows == 1:
            return [None]
        middle = batch.num_rows // 2
        return _records(batch.slice(0, middle)) + _records(batch.slice(middle))


def _parquet_batches(file: InputFile, options: ReadOptions, block_bytes: int) -> Iterator[pa.RecordBatch]:
    if file.bytes == 0:
        return
    with files.open_read(file.path) as raw:
        parquet = pq.ParquetFile(raw)
        _check_text_column(parquet.schema_arrow, file, options)
        for number in range(parquet.num_row_groups):
            group = parquet.metadata.row_group(number)
            rows = max(1, group.num_rows * block_bytes // max(1, group.total_byte_size))
            yield from parquet.iter_batches(batch_size=rows, row_groups=[number])


def _check_text_column(schema: pa.Schema, file: InputFile, options: ReadOptions) -> None:
    if options.columns.text not in schema.names and not schema.equals(DOCUMENTS.schema):
        raise BadInputError(
            f"{file.path} has no column {options.columns.text!r}. Its columns: {', '.join(schema.names)}.",
            hint="name the column that holds the text: --set read.columns.text=NAME",
        )


def _new_block(file: InputFile) -> RawBlock:
    return RawBlock(file.path.rpartition("/")[2], file.source)


def _allow_damage(file: InputFile, options: ReadOptions, reason: str) -> None:
    if options.on_bad_file == "fail":
        raise BadInputError(
            f"{file.path} is damaged ({reason}).",
            hint="fetch it again, or keep what is before the damage: --set read.on_bad_file=reject",
        )


def _read_jsonl(file: InputFile, options: ReadOptions, block_bytes: int) -> Iterator[RawBlock]:
    return _read_lines(file, options, block_bytes, _parse_json)


def _read_text(file: InputFile, options: ReadOptions, block_bytes: int) -> Iterator[RawBlock]:
    return _read_lines(file, options, block_bytes, _parse_text)


_READERS: dict[Format, Callable[[InputFile, ReadOptions, int], Iterator[Any]]] = {
    "jsonl": _read_jsonl,
    "text": _read_text,
    "parquet": _read_parquet,
}
