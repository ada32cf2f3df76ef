"""Arrow stream files that one step leaves for a later one, local or remote; a repeated step writes equal ones."""

import contextlib
from collections.abc import Iterator

import pyarrow as pa

from malmoi_pipelines.contracts import files


@contextlib.contextmanager
def open_stream(path: str, schema: pa.Schema) -> Iterator[pa.RecordBatchStreamWriter]:
    """Write an Arrow stream file batch by batch, atomically."""
    with files.atomic_write(path) as sink, pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), schema) as writer:
        yield writer


def read_stream(path: str) -> Iterator[pa.RecordBatch]:
    """The batches of an Arrow stream file."""
    with files.open_read(path) as file, pa.ipc.open_stream(pa.PythonFile(file, mode="r")) as reader:
        yield from reader
