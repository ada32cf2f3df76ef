"""What the steps leave below the work folder for later ones, as Arrow streams; a repeated step writes equal ones."""

from collections.abc import Iterable

import pyarrow as pa

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.streams import open_stream

SEGMENT = pa.schema(
    [
        ("words", pa.large_list(pa.large_binary())),
        ("ids", pa.large_list(pa.int32())),
        ("lengths", pa.large_list(pa.int64())),
    ]
)
"""One row a segment of text: its distinct words, its tokens as indices of them, the tokens of each sentence."""
HELD_OUT = pa.schema([("text", pa.large_string())])
WORD_COUNT = pa.schema([("word", pa.large_binary()), ("count", pa.int64())])


def segments_path(work: str, task: int) -> str:
    """The tokens of one task."""
    return files.join(work, "segments", f"part-{task:05d}.arrows")


def held_out_path(work: str, task: int) -> str:
    """The held-out documents of one task."""
    return files.join(work, "held-out", f"part-{task:05d}.arrows")


def vocabulary_path(work: str) -> str:
    """All words of the model, in order of their ids."""
    return files.join(work, "vocabulary.arrows")


def ngrams_path(work: str, order: int, partition: int) -> str:
    """The kept n-grams of one order and hash range."""
    return files.join(work, f"{order}-grams", f"part-{partition:05d}.arrows")


def contexts_path(work: str, order: int, partition: int) -> str:
    """The contexts of those n-grams."""
    return files.join(work, f"{order}-contexts", f"part-{partition:05d}.arrows")


def write_stream(path: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write an Arrow stream file, atomically."""
    with open_stream(path, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def read_table(path: str) -> pa.Table:
    """A whole Arrow stream file."""
    with files.open_read(path) as file, pa.ipc.open_stream(pa.PythonFile(file, mode="r")) as reader:
        return reader.read_all()
