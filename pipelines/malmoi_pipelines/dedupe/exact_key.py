"""The exact key of a document: 128 bits that exact duplicates share."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import xxhash

from malmoi_pipelines.contracts.arrays import U64
from malmoi_pipelines.dedupe.normalise import Block, Fold, normalise


def exact_keys(texts: pa.LargeStringArray, fold: Iterable[Fold] = ()) -> U64:
    """The exact key of each text, two numbers: documents with equal keys are exact duplicates."""
    return keys_of(raw_texts(texts), normalise(texts.to_pylist(), fold))


def keys_of(raw: list[memoryview], block: Block) -> U64:
    """The same of texts that are normalised already: as UTF-8, and in the form of exact duplicates."""
    return np.frombuffer(b"".join(_normalised_digests(raw, block)), ">u8").reshape(-1, 2).astype(np.uint64)


def raw_texts(column: pa.LargeStringArray) -> list[memoryview]:
    """The UTF-8 bytes of each text, not copied."""
    _, bounds, data = column.buffers()
    ends = np.frombuffer(bounds, np.int64)[column.offset : column.offset + len(column) + 1].tolist()
    view = memoryview(data if data is not None else b"")
    return [view[start:end] for start, end in itertools.pairwise(ends)]


def _normalised_digests(raw: list[memoryview], block: Block) -> Iterator[bytes]:
    """xxh3-128 of the normalised texts as UTF-32-LE.

    Texts of nothing but white space have no normalised form. They are keyed by their raw bytes, under another seed, and
    merge with equal texts only.
    """
    view = block.codes.data
    bounds: list[int] = block.documents.tolist()
    for text, start, end in zip(raw, bounds, bounds[1:], strict=False):
        yield xxhash.xxh3_128_digest(view[start:end]) if end > start else xxhash.xxh3_128_digest(text, seed=1)
