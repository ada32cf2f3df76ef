"""Given ids that several documents share: found by digests that meet in one place, never by holding all ids.

A document is known by its source and id, so only documents of one source can clash. Two rows with the same source, id
and text are copies of one document, which dedupe merges; they keep their id.
"""

from collections import Counter

import numpy as np
import pyarrow as pa
import xxhash

from pipelines.contracts.arrays import U64, run_starts
from pipelines.contracts.hashing import mix64
from pipelines.raw.rows import RawBlock

ID_DIGEST = pa.schema([("key", pa.uint64()), ("content", pa.uint64()), ("task", pa.int32())])
"""One row a document with a given id: digests of (source, id) and of the text, and the task that reads it."""

SHARED_ID = pa.schema([("key", pa.uint64()), ("task", pa.int32())])
"""An id that documents with different texts share, and a task that reads one of them."""


def id_digests(block: RawBlock) -> U64:
    """Digest of (source, id) of every document; 64 bits, so a billion ids clash by chance about once in forty runs."""
    ids = _digests(block.ids)
    source_digest = {source: _digest(source) for source in dict.fromkeys(block.sources)}
    return mix64(ids) ^ np.fromiter(map(source_digest.__getitem__, block.sources), np.uint64, len(ids))


def _digests(strings: list[str]) -> U64:
    return np.fromiter((_digest(string) for string in strings), np.uint64, len(strings))


def _digest(string: str) -> int:
    return xxhash.xxh3_64_intdigest(string.encode())


def digest_batch(block: RawBlock, task: int) -> pa.RecordBatch:
    """What is sent to find shared ids: one row for every document of the block whose id was given."""
    given = np.array(block.given, bool)
    keys = id_digests(block)[given]
    contents = _digests(block.texts)[given]
    return pa.RecordBatch.from_arrays(
        [pa.array(keys), pa.array(contents), pa.array(np.full(len(keys), task, np.int32))], schema=ID_DIGEST
    )


def find_shared(table: pa.Table) -> pa.RecordBatch:
    """The ids that documents with different texts share, each once for every task; ordered by task and key.

    Args:
        table: rows of `ID_DIGEST`; all rows of a key must be in it.
    """
    keys, contents, tasks = (table.column(name).to_numpy() for name in ID_DIGEST.names)
    order = np.lexsort((contents, keys))
    keys, contents, tasks = keys[order], contents[order], tasks[order]
    starts = run_starts(keys)
    mixed = np.minimum.reduceat(contents, starts) != np.maximum.reduceat(contents, starts) if len(keys) else []
    shared = np.repeat(mixed, np.diff(np.append(starts, len(keys)))).astype(bool)
    keys, tasks = keys[shared], tasks[shared]
    order = np.lexsort((keys, tasks))
    once = order[run_starts(tasks[order], keys[order])]
    return pa.RecordBatch.from_arrays([pa.array(keys[once]), pa.array(tasks[once])], schema=SHARED_ID)


def new_ids(block: RawBlock, shared: U64) -> tuple[list[str], Counter[tuple[str]]]:
    """The ids of a block, those that are shared made distinct: `<id>~<digest of the text>`.

    The new id depends on the document alone, not on which of the others came first.

    Args:
        block: the documents.
        shared: digests as of `id_digests`, sorted.

    Returns:
        the ids, and how many are new by (source,).
    """
    if not len(shared):
        return block.ids, Counter()
    ids = list(block.ids)
    rekeyed: Counter[tuple[str]] = Counter()
    for i in np.flatnonzero(np.isin(id_digests(block), shared) & np.array(block.given, bool)).tolist():
        ids[i] = f"{ids[i]}~{_digest(block.texts[i]):016x}"
        rekeyed[(block.sources[i],)] += 1
    return ids, rekeyed
