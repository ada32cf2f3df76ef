"""The rows of a record batch as mappings.

Arrow holds values that Python does not: bytes that are no UTF-8 in a text, dates beyond the year 9999, time zones that
nobody knows. They cost no more than the row they are in, and where it can be their text stands for them.
"""

from typing import Any

import pyarrow as pa

from malmoi_pipelines.raw.fields import Fields
from malmoi_pipelines.raw.rows import UNSTORABLE

# pyarrow's conversion raises these: an unknown time zone is a KeyError, a date out of range an OverflowError.
_NOT_PYTHON = (ValueError, OverflowError, LookupError, pa.ArrowException)


def table_rows(rows: pa.RecordBatch, fields: Fields) -> list[dict[str, Any] | str]:
    """Each row as a mapping, its text, id and source decoded where they are binary; or the reason why it is none.

    - `invalid_utf8`: a text that is no UTF-8, which neither Parquet nor Arrow rules out;
    - `unstorable_meta`: a nested value, a text, an id or a source that Python cannot hold. Of another field Arrow's
      text is taken: a date of the year 29,349 is `"29349-01-26"`, and a timestamp beyond the year 32,767
      `"<value out of range: 1000000000000000000>"`.
    """
    binary = [name for name in fields.opened if _is_binary(rows.schema, name)]
    records = _records(rows, fields)
    if not binary:
        return records
    return [r if isinstance(r, str) or _decode(r, binary) else "invalid_utf8" for r in records]


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


def _records(rows: pa.RecordBatch, fields: Fields) -> list[dict[str, Any] | str]:
    """The rows as mappings, or why they are none: halved until those that cannot be converted are alone."""
    try:
        return rows.to_pylist()
    except _NOT_PYTHON:
        if rows.num_rows == 1:
            return [_record(rows, fields)]
        middle = rows.num_rows // 2
        return _records(rows.slice(0, middle), fields) + _records(rows.slice(middle), fields)


def _record(row: pa.RecordBatch, fields: Fields) -> dict[str, Any] | str:
    """One row, of which at least one value cannot be converted."""
    record = {}
    for name, column in zip(row.schema.names, row.columns, strict=True):
        try:
            [record[name]] = column.to_pylist()
        except UnicodeDecodeError:
            return "invalid_utf8"
        except _NOT_PYTHON:
            known = name in fields.opened
            if not known and not fields.keeps(name):
                continue
            text = None if known else _as_text(column)
            if text is None:
                return UNSTORABLE
            record[name] = text
    return record


def _as_text(column: pa.Array) -> str | None:
    """The text of a column's only value; None if it has none."""
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column = column.cast(pa.timestamp(column.type.unit, "UTC"))  # the time zone may be one that nobody knows
    try:
        [text] = column.cast(pa.string()).to_pylist()
    except _NOT_PYTHON:
        return None
    return str(text)
