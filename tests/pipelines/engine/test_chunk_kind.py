"""Chunks say what they are, through cutting, buffering and the coder of the shuffle."""

import numpy as np
import pyarrow as pa
import pytest
from malmoi_pipelines.contracts.errors import DefectError
from malmoi_pipelines.engine.chunk_kind import by_kind, notes, of_kind
from malmoi_pipelines.engine.coders import RecordBatchCoder
from malmoi_pipelines.engine.partition import PartitionBuffer

# The same columns: only the names tell them apart.
SHARED = of_kind("shared", pa.schema([("key", pa.int64())]))
CUT = of_kind("cut", pa.schema([("key", pa.int64())]))


def chunk(schema, *keys):
    return pa.record_batch([pa.array(keys, pa.int64())], schema=schema)


def travelled(batch):
    """As the next step gets it."""
    buffer = PartitionBuffer()
    sent = [*buffer.add(batch, np.zeros(batch.num_rows, np.int64)), *buffer.flush()]
    return RecordBatchCoder().decode(RecordBatchCoder().encode(sent[0].chunk))


def test_kinds_of_equal_columns_are_told_apart_after_the_shuffle():
    chunks = [travelled(chunk(schema, key)) for schema, key in ((CUT, 1), (SHARED, 2), (CUT, 3))]
    shared, cuts = by_kind(chunks, SHARED, CUT)
    assert [part.column("key").to_pylist() for part in (*shared, *cuts)] == [[2], [1], [3]]


def test_what_comes_uninvited_is_a_defect():
    with pytest.raises(DefectError, match=r"one of shared\. Got b'cut'"):
        by_kind([chunk(CUT, 1)], SHARED)
    with pytest.raises(DefectError, match="Got None"):
        by_kind([pa.record_batch([pa.array([1])], names=["key"])], SHARED)


def test_notes_hold_for_all_rows_of_a_chunk():
    noted = travelled(chunk(of_kind("rows", SHARED, row=7, sources=["a", "나"]), 1, 2))
    assert notes(noted.slice(1)) == {"row": 7, "sources": ["a", "나"]}
