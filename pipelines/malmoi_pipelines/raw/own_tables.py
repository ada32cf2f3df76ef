"""Reading back our own tables: the documents of a dataset folder, and its rejects.

Their columns have their own names, whatever `columns` says. What it says beyond names holds: no id or source where it
is null, and of the fields in `meta` those that it names. A field that an earlier run has renamed as it says stays.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.fields import Fields
from malmoi_pipelines.raw.rows import UNSTORABLE, RawBlock, UnstorableMetaError, meta_json


def add_documents(block: RawBlock, lines: Sequence[int], rows: Sequence[dict[str, Any]], options: ReadOptions) -> None:
    """Add rows of a documents table. Their meta is one already, and would be wrapped once more as a record's field."""
    for line, row in zip(lines, rows, strict=True):
        _add_document(block, line, row, options)


def _add_document(block: RawBlock, line: int, row: dict[str, Any], options: ReadOptions) -> None:
    if not block.fits(line, row["text"], options.max_line_bytes):
        return
    columns = options.columns
    try:
        meta = _selected(row["meta"], columns.meta)
    except (orjson.JSONDecodeError, UnstorableMetaError):
        block.reject(line, UNSTORABLE, None)
        return
    given_id = row["id"] if columns.id is not None else None
    block.add_document(line, row["text"], given_id, row["source"] if columns.source is not None else None, meta)


def _selected(meta: str | None, wanted: Mapping[str, str] | None) -> str | None:
    """The wanted fields of a stored meta.

    >>> _selected('{"page":1,"writer":"x"}', {"쪽": "page"}), _selected('{"쪽":1}', {"쪽": "page"})
    ('{"쪽":1}', '{"쪽":1}')
    """
    if meta is None or wanted is None:
        return meta
    fields = orjson.loads(meta)
    if type(fields) is not dict:
        raise UnstorableMetaError
    return meta_json(fields, {name: field if field in fields else name for name, field in wanted.items()}, ())


def rejects_blocks(
    block: RawBlock,
    lines: Sequence[int],
    rows: Sequence[dict[str, Any]],
    options_for: Callable[[str], ReadOptions],
) -> Iterator[RawBlock]:
    """The rows of a rejects table as documents or bad lines again: each in one block of its own source.

    A row with a text is a document as it was read. Of a row without one, the line is parsed once more as JSON, since a
    field may have another name by now; what still is no document keeps its reason if it is not even JSON, and so the
    file's format and its damage stay known.

    Args:
        block: an empty block of the file, or one with bad rows; it comes first.
        lines: numbers of the rows.
        rows: the rows.
        options_for: how the lines of a source are read.
    """
    blocks: dict[str, RawBlock] = {}
    for line, row in zip(lines, rows, strict=True):
        own = blocks.setdefault(row["source"], RawBlock(block.file, row["source"], block.start))
        if row["text"] is not None:
            _add_document(own, line, row, options_for(row["source"]))
        else:
            _add_raw(own, line, row, options_for(row["source"]))
    if block.bad:
        yield block
    yield from blocks.values()


def _add_raw(block: RawBlock, line: int, row: dict[str, Any], options: ReadOptions) -> None:
    try:
        record = orjson.loads(row["raw"] or b"")
    except orjson.JSONDecodeError:
        record = None
    if type(record) is dict:
        block.add_record(line, record, row["raw"], Fields(options))
    else:
        block.reject(line, row["reason"], row["raw"])
