"""Reading CSV and TSV.

The first row names the columns unless `header` does. With quoting, a field in `"` may hold delimiters and line ends,
so a row may be several lines: documents and rejects carry the number of the row, the first row of the file being 1,
and blank lines count as rows. All fields are text; those without a meaning of their own go to `meta` as they are.

- `wrong_fields`: a row with more or fewer fields than there are columns;
- `invalid_utf8`: a row with such bytes;
- `broken_row`: each line of what Python's `csv` refuses where it is strict: text behind the quote that closes a field
  (one that is escaped by a backslash, as Spark and MySQL do, closes it unless `escape` says so), a carriage return
  outside quotes;
- `unclosed_quote`: a line that opens a quote which nothing closes within `max_line_bytes` or before the end of the
  file. The lines behind it, as far as they were searched, are then read one by one: a stray quote costs its line only.
"""

import csv
from collections.abc import Iterator
from typing import NamedTuple

from malmoi_pipelines.raw.compression import CORRUPT, TRUNCATED, read_chunks
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.faults import WrongFileError, allow_damage, check_text_column
from malmoi_pipelines.raw.fields import Fields
from malmoi_pipelines.raw.lines import cut_lines
from malmoi_pipelines.raw.rows import RawBlock, new_block
from malmoi_pipelines.raw.tasks import FilePart

RECORDS_AT_ONCE = 256  # rows that are added together
DELIMITERS = {"csv": ",", "tsv": "\t"}

# Rows are bounded by `max_line_bytes`; the default, 128 Ki characters a field, would refuse documents.
csv.field_size_limit(2**31 - 1)


class _Line(NamedTuple):
    """One line without its line feed, or the place where the file stops being readable."""

    data: bytes
    lost: int = 0
    fault: str | None = None
    lost_stored: int = 0


class _Row(NamedTuple):
    """One row, or why it is none."""

    raw: bytes
    """Its lines as read."""
    fields: list[str]
    """Empty for a blank line."""
    fault: str | None = None
    lost: int = 0
    """Bytes that were not kept of a line that is too long."""
    lost_stored: int = 0
    """Stored bytes that are lost with a damaged end."""


class _Dialect(NamedTuple):
    """How rows are written."""

    delimiter: str
    escape: str | None

    def read(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """The rows of lines."""
        return csv.reader(lines, delimiter=self.delimiter, escapechar=self.escape, strict=True)


class _UnclosedError(Exception):
    """A row needs more lines than there are, or than it may have."""


def read_delimited(part: FilePart, options: ReadOptions, block_bytes: int) -> Iterator[RawBlock]:
    """The documents and bad rows of a file."""
    form = part.file.format
    quoted = options.quoted if options.quoted is not None else form == "csv"
    lines = _lines(part, options, block_bytes)
    dialect = _Dialect(DELIMITERS[form], options.escape)
    rows = _QuotedRows(lines, dialect, options.max_line_bytes) if quoted else _rows(lines, dialect.delimiter)
    header = options.header
    if header is not None:
        check_text_column(header, part, options)
    fields = Fields(options)
    gathered = _Gathered(part, fields, options.max_line_bytes)
    for number, row in enumerate(rows, 1):
        if row.fault in (TRUNCATED, CORRUPT):
            allow_damage(part.file, options, row.fault)
        elif header is None and (row.fields or row.fault):
            header = _header(row, part, options)
            continue
        gathered.add(number, row, header or ())
        if gathered.bytes >= block_bytes:
            yield gathered.block()
            gathered = _Gathered(part, fields, options.max_line_bytes)
    yield gathered.block()


class _Gathered:
    """The rows of a block, to be added together."""

    def __init__(self, part: FilePart, fields: Fields, limit: int) -> None:
        self._fields = fields
        self._limit = limit
        self._block = new_block(part)
        self._numbers: list[int] = []
        self._records: list[dict[str, str]] = []
        self._raws: list[bytes] = []
        self.bytes = 0

    def add(self, number: int, row: _Row, header: tuple[str, ...]) -> None:
        """Add a row, or reject it."""
        self.bytes += len(row.raw)
        fault = row.fault
        if fault is None and row.fields and len(row.fields) != len(header):
            fault = "wrong_fields"
        if fault is not None:
            self._block.reject(number, fault, row.raw, row.lost, keep=self._limit)
            self._block.lost_bytes += row.lost_stored
        elif row.fields:
            self._numbers.append(number)
            self._records.append(dict(zip(header, row.fields, strict=True)))
            self._raws.append(row.raw)
            if len(self._records) == RECORDS_AT_ONCE:
                self._flush()

    def block(self) -> RawBlock:
        """The block with all rows."""
        self._flush()
        return self._block

    def _flush(self) -> None:
        self._block.add_records(self._numbers, self._records, self._raws, self._fields)
        self._numbers, self._records, self._raws = [], [], []


def _header(row: _Row, part: FilePart, options: ReadOptions) -> tuple[str, ...]:
    hint = "name the columns, if the first row does not: --set 'read.header=[NAME, NAME]'"
    if row.fault is not None:
        raise WrongFileError(f"{part.file.path}: the header row cannot be read ({row.fault}).", hint=hint)
    if len(set(row.fields)) < len(row.fields):
        raise WrongFileError(f"{part.file.path}: two columns of the header row have the same name.", hint=hint)
    check_text_column(row.fields, part, options)
    return tuple(row.fields)


def _lines(part: FilePart, options: ReadOptions, block_bytes: int) -> Iterator[_Line]:
    limit = options.max_line_bytes
    for block in cut_lines(read_chunks(part.file.path, part.file.compression), block_bytes, limit):
        last = len(block.lines) - 1
        for i, data in enumerate(block.lines):
            lost = block.lost if i == last and not block.damage else 0
            yield _Line(data, lost, "line_too_long" if len(data) + lost > limit else None)
        if block.damage:
            yield _Line(block.rest, block.lost, block.damage, block.lost_stored)


def _rows(lines: Iterator[_Line], delimiter: str) -> Iterator[_Row]:
    """Rows without quoting: one a line."""
    for line in lines:
        if line.fault is not None:
            yield _Row(line.data, [], line.fault, line.lost, line.lost_stored)
            continue
        data = line.data.removesuffix(b"\r")
        try:
            yield _Row(line.data, data.decode().split(delimiter) if data else [])
        except UnicodeDecodeError:
            yield _Row(line.data, [], "invalid_utf8")


class _QuotedRows:
    """Rows with quoting: Python's `csv` says how many lines a row has, by asking for them."""

    def __init__(self, lines: Iterator[_Line], dialect: _Dialect, limit: int) -> None:
        self._lines = lines
        self._dialect = dialect
        self._limit = limit
        self._open: list[bytes] = []  # the lines of the row that is being read
        self._valid = True  # whether they are UTF-8
        self._bad: _Line | None = None  # the line that stopped the reading
        self._ended = False

    def __iter__(self) -> Iterator[_Row]:
        while not self._ended:
            try:
                for fields in self._dialect.read(self._pull()):
                    valid = self._valid
                    raw = b"\n".join(self._take())
                    yield _Row(raw, fields) if valid else _Row(raw, [], "invalid_utf8")
            except _UnclosedError:
                yield from (_single(line, self._dialect) for line in self._take())
            except csv.Error:
                yield from (_Row(line, [], "broken_row") for line in self._take())
            if self._bad is not None:
                yield _Row(self._bad.data, [], self._bad.fault, self._bad.lost, self._bad.lost_stored)
                self._bad = None

    def _pull(self) -> Iterator[str]:
        size = 0
        for line in self._lines:
            if line.fault is not None:
                self._bad = line
                break
            size = size + len(line.data) + 1 if self._open else len(line.data)
            self._open.append(line.data)
            if size > self._limit:
                raise _UnclosedError
            try:
                text = line.data.decode()
            except UnicodeDecodeError:
                # What is no UTF-8 must not hide where its row ends, so it passes as surrogates.
                text = line.data.decode(errors="surrogateescape")
                self._valid = False
            yield text + "\n"
        else:
            self._ended = True
        if self._open:
            raise _UnclosedError

    def _take(self) -> list[bytes]:
        lines, self._open, self._valid = self._open, [], True
        return lines


def _single(line: bytes, dialect: _Dialect) -> _Row:
    """A line as a row of its own."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return _Row(line, [], "invalid_utf8")

    def only() -> Iterator[str]:
        yield text
        raise _UnclosedError

    try:
        return _Row(line, next(dialect.read(only())))
    except _UnclosedError:
        return _Row(line, [], "unclosed_quote")
    except csv.Error:
        return _Row(line, [], "broken_row")
