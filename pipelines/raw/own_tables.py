"""Reading back our own tables: the documents of a dataset folder, and its rejects."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from pipelines.raw.config import Columns
from pipelines.raw.rows import RawBlock


def add_documents(block: RawBlock, lines: Sequence[int], rows: Sequence[dict[str, Any]]) -> None:
    """Add rows of a documents table. Their meta is one already, and would be wrapped once more as a record's field."""
    for line, row in zip(lines, rows, strict=True):
        block.add_document(line, row["text"], row["id"], row["source"], row["meta"])


def rejects_blocks(
    block: RawBlock, lines: Sequence[int], rows: Sequence[dict[str, Any]], columns: Columns
) -> Iterator[RawBlock]:
    """The rows of a rejects table as documents or bad lines again: each in one block of its own source.

    A row with a text is a document as it was read. Of a row without one, the line is parsed once more as JSON, since a
    field may have another name by now; what still is no document keeps its reason if it is not even JSON, and so the
    file's format and its damage stay known.

    Args:
        block: an empty block of the file, or one with bad rows; it comes first.
        lines: numbers of the rows.
        rows: the rows.
        columns: names of the fields of lines that are parsed again.
    """
    blocks: dict[str, RawBlock] = {}
    for line, row in zip(lines, rows, strict=True):
        own = blocks.setdefault(row["source"], RawBlock(block.file, row["source"], block.start))
        if row["text"] is not None:
            own.add_document(line, row["text"], row["id"], row["source"], row["meta"])
        else:
            _add_raw(own, line, row, columns)
    if block.bad:
        yield block
    yield from blocks.values()


def _add_raw(block: RawBlock, line: int, row: dict[str, Any], columns: Columns) -> None:
    try:
        record = orjson.loads(row["raw"] or b"")
    except orjson.JSONDecodeError:
        record = None
    if type(record) is dict:
        block.add_record(line, record, row["raw"], columns)
    else:
        block.reject(line, row["reason"], row["raw"])
