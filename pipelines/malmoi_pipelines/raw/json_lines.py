"""Reading JSON Lines."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from malmoi_pipelines.raw.compression import TRUNCATED
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.faults import allow_damage
from malmoi_pipelines.raw.fields import Fields
from malmoi_pipelines.raw.part_lines import read_lines
from malmoi_pipelines.raw.rows import RawBlock
from malmoi_pipelines.raw.tasks import FilePart

BROKEN = "broken_json"
INVALID = "invalid_utf8"
RECORDS_AT_ONCE = 256  # lines for one call of the parser: a call a line costs as much as parsing a short one
_HALF = re.compile("[\ud800-\udfff]")
SEPARATOR = 743_519_028_461  # any number that no line holds will do


def read_json_lines(part: FilePart, options: ReadOptions, block_bytes: int) -> Iterator[RawBlock]:
    """The documents and bad lines of one part of a file."""
    fields = Fields(options)
    for block, first, lines, open_end in read_lines(part, options, block_bytes):
        if open_end and is_cut(lines[-1]):
            allow_damage(part.file, options, TRUNCATED)
            block.reject(first + len(lines) - 1, TRUNCATED, lines.pop())
            block.lost_bytes = part.file.bytes
        for start in range(0, len(lines), RECORDS_AT_ONCE):
            _add(block, first + start, lines[start : start + RECORDS_AT_ONCE], fields)
        yield block


def _add(block: RawBlock, first: int, lines: list[bytes], fields: Fields) -> None:
    numbers: Sequence[int] = range(first, first + len(lines))
    if b"" in lines:
        numbers = [number for number, line in zip(numbers, lines, strict=True) if line]
        lines = [line for line in lines if line]
    records = parse_together(lines)
    if records is not None:
        block.add_records(numbers, records, lines, fields)
        return
    for number, line in zip(numbers, lines, strict=True):
        _add_line(block, number, line, fields)


def parse_together(lines: list[bytes]) -> list[Any] | None:
    """The values of many lines, parsed as one array; None unless every line is one JSON value by itself.

    Lines that are no JSON alone may be so together (`[1` and `2]`). Therefore a number stands between each two that
    occurs in none of them: only if all of these separators are elements of the array itself is none inside a value.
    """
    separator = b"%d" % SEPARATOR
    data = b"[" + (b"," + separator + b",").join(lines) + b"]"
    if data.count(separator) != len(lines) - 1:
        return None
    try:
        values = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    between = values[1::2]
    alone = len(values) == 2 * len(lines) - 1 and between == [SEPARATOR] * (len(lines) - 1)
    # The same number as a float has other spellings.
    return values[::2] if alone and {int}.issuperset(map(type, between)) else None


def _add_line(block: RawBlock, number: int, line: bytes, fields: Fields) -> None:
    try:
        record = parse_line(line)
    except UnicodeDecodeError:
        block.reject(number, INVALID, line)
    except ValueError:
        if not line.isspace():
            block.reject(number, BROKEN, line)
    else:
        block.add_record(number, record, line, fields)


def parse_line(line: bytes) -> Any:
    r"""The value of a line, also where it is JSON as Python and pandas write it, but no standard has it.

    NaN and the infinities are null. Half of a surrogate pair is no character, and is left out, as the rule `control`
    does.

    Raises:
        UnicodeDecodeError: it is no UTF-8.
        ValueError: it is no JSON.

    >>> parse_line(b'{"score": NaN, "text": "\ud55c\ud83d"}')
    {'score': None, 'text': '한'}
    """
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        text = line.decode()
    try:
        return whole(json.loads(text, parse_constant=lambda name: None))
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def is_cut(line: bytes) -> bool:
    """Whether a line is the beginning of a JSON value, the rest of which is missing.

    >>> is_cut('{"text": "글'.encode()[:-1]), is_cut(b'{"text": "a"}'), is_cut(b'{text: "a"}')
    (True, False, False)
    """
    text = line.decode(errors="ignore")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.msg.startswith("Unterminated string") or error.pos >= len(text.rstrip()) > 0
    except RecursionError:
        pass
    return False


def whole(value: Any) -> Any:
    """A value without halves of surrogate pairs."""
    if isinstance(value, str):
        return _HALF.sub("", value)
    if isinstance(value, list):
        return [whole(part) for part in value]
    if isinstance(value, dict):
        return {whole(key): whole(part) for key, part in value.items()}
    return value
