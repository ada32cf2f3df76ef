"""Which documents are counted together: those of one source and depth, held out or not."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from malmoi_pipelines.count.growth import DEPTHS, document_depths
from malmoi_pipelines.count.words import runs


@dataclass(frozen=True)
class Group:
    """Documents that are counted together."""

    source: str
    held_out: bool
    depth: int
    """See `malmoi_pipelines.count.growth`."""
    texts: pa.LargeStringArray


def group_documents(batch: pa.RecordBatch, held_out_share: float) -> Iterator[Group]:
    """The documents of a batch in groups."""
    sources = batch.column("source").dictionary_encode()
    keys = sources.indices.to_numpy().astype(np.int64) * 2
    if held_out_share:
        keys += is_held_out(batch, held_out_share)
    texts = batch.column("text")
    keys = keys * DEPTHS + document_depths(texts)
    order = np.argsort(keys, kind="stable")
    if np.any(keys[1:] < keys[:-1]):
        texts = texts.take(pa.array(order))
    for start, end in runs(keys[order]):
        key, depth = divmod(int(keys[order[start]]), DEPTHS)
        number, held_out = divmod(key, 2)
        yield Group(sources.dictionary[number].as_py(), bool(held_out), depth, texts.slice(start, end - start))


def is_held_out(batch: pa.RecordBatch, share: float) -> npt.NDArray[np.bool_]:
    """Which documents are held out: it depends on source and id only, so it holds for every run and corpus."""
    names = zip(batch.column("source").to_pylist(), batch.column("id").to_pylist(), strict=True)
    keys = (xxhash.xxh3_64_intdigest(f"held out\0{source}\0{id_}".encode()) for source, id_ in names)
    return np.fromiter(keys, np.uint64, batch.num_rows) < np.uint64(int(share * 2**64))
