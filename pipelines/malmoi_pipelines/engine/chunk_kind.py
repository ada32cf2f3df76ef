"""Chunks of several kinds for one partition: each says its kind in the metadata of its schema.

>>> words = of_kind("words", pa.schema([("word", pa.string())]))
>>> names = of_kind("names", pa.schema([("name", pa.string())]))
>>> chunks = [pa.record_batch([["a"]], schema=names), pa.record_batch([["b"]], schema=words)]
>>> [[chunk.num_rows for chunk in some] for some in by_kind(chunks, words, names)]
[[1], [1]]
"""

from collections.abc import Iterable
from typing import Any

import orjson
import pyarrow as pa

from malmoi_pipelines.contracts.errors import DefectError

_KIND, _NOTES = b"kind", b"notes"


def of_kind(kind: str, schema: pa.Schema, **notes: Any) -> pa.Schema:
    """A schema whose chunks say what they are.

    Args:
        kind: its name; one name, one list of columns.
        schema: the columns.
        notes: small JSON values that hold for all rows of a chunk.
    """
    return schema.with_metadata({_KIND: kind.encode(), **({_NOTES: orjson.dumps(notes)} if notes else {})})


def by_kind(chunks: Iterable[pa.RecordBatch], *schemas: pa.Schema) -> list[list[pa.RecordBatch]]:
    """The chunks of each kind, in their order.

    Raises:
        DefectError: a chunk is of none of these kinds.
    """
    found: dict[bytes, list[pa.RecordBatch]] = {schema.metadata[_KIND]: [] for schema in schemas}
    for chunk in chunks:
        kind = (chunk.schema.metadata or {}).get(_KIND)
        if kind not in found:
            raise DefectError(f"a chunk must be one of {b', '.join(found).decode()}. Got {kind!r}.")
        found[kind].append(chunk)
    return list(found.values())


def notes(chunk: pa.RecordBatch) -> dict[str, Any]:
    """What its sender noted of all its rows."""
    value: dict[str, Any] = orjson.loads(chunk.schema.metadata[_NOTES])
    return value
