"""Given ids that several documents share: found by digests that meet in one place, never by holding all ids.

A document is known by its source and id, so only documents of one source can clash. Two rows with the same source, id
and text are copies of one document, which dedupe merges; they keep their id. A shared id `a` becomes `a~<digest>`. A
document that came with such an id (from a table cleaned before) takes part in the comparison of `a`: else a new id
could be its own.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import xxhash

from malmoi_pipelines.contracts.arrays import U64, run_starts
from malmoi_pipelines.contracts.hashing import mix64
from malmoi_pipelines.engine.chunk_kind import of_kind
from malmoi_pipelines.raw.rows import RawBlock

ID_DIGEST = of_kind(
    "id digest",
    pa.schema([("key", pa.uint64()), ("content", pa.uint64()), ("task", pa.int32()), ("made", pa.bool_())]),
)
"""One row a document with a given id: digests of (source, id) and of the text, the task that reads it; one more row for
an id that looks as if made here, of what it was made from."""

SHARED_ID = of_kind("shared id", pa.schema([("key", pa.uint64()), ("task", pa.int32())]))
"""An id that documents with different texts share, and a task that reads one of them."""

_MADE = re.compile("(.*)~[0-9a-f]{16}", re.DOTALL)


def id_keys(ids: Sequence[str], sources: Sequence[str]) -> U64:
    """Digest of each (source, id); 64 bits, so a billion ids clash by chance about once in forty runs."""
    source_digest = {source: _digest(source) for source in dict.fromkeys(sources)}
    return mix64(_digests(ids)) ^ np.fromiter(map(source_digest.__getitem__, sources), np.uint64, len(sources))


def digest_batch(block: RawBlock, task: int) -> pa.RecordBatch:
    """What is sent to find shared ids: the rows of `ID_DIGEST` for a block."""
    places = [i for i, given in enumerate(block.given) if given]
    ids, sources = [block.ids[i] for i in places], [block.sources[i] for i in places]
    contents = _digests([block.texts[i] for i in places])
    made, bases = _made(ids)
    keys = np.concatenate([id_keys(ids, sources), id_keys(bases, [sources[i] for i in made])])
    return pa.RecordBatch.from_arrays(
        [
            pa.array(keys),
            pa.array(np.concatenate([contents, contents[made]])),
            pa.array(np.full(len(keys), task, np.int32)),
            pa.array(np.arange(len(keys)) >= len(ids)),
        ],
        schema=ID_DIGEST,
    )


def find_shared(table: pa.Table) -> pa.RecordBatch:
    """The ids that documents with different texts share, each once for every task; ordered by task and key.

    Args:
        table: rows of `ID_DIGEST`; all rows of a key must be in it.
    """
    keys, contents, tasks, made = (table.column(name).to_numpy() for name in ID_DIGEST.names)
    order = np.lexsort((contents, keys))
    keys, contents, tasks, made = keys[order], contents[order], tasks[order], made[order]
    starts = run_starts(keys)
    if len(keys):
        differ = np.minimum.reduceat(contents, starts) != np.maximum.reduceat(contents, starts)
        clash = differ & ~np.logical_and.reduceat(made, starts)
        shared = np.repeat(clash, np.diff(np.append(starts, len(keys))))
        keys, tasks = keys[shared], tasks[shared]
    order = np.lexsort((keys, tasks))
    once = order[run_starts(tasks[order], keys[order])]
    return pa.RecordBatch.from_arrays([pa.array(keys[once]), pa.array(tasks[once])], schema=SHARED_ID)


def new_ids(block: RawBlock, shared: U64) -> tuple[list[str], Counter[tuple[str]]]:
    """The ids of a block, those that are shared made distinct: `<id>~<digest of the text>`.

    The new id depends on the document alone, not on which of the others came first.

    Args:
        block: the documents.
        shared: keys of shared ids, sorted.

    Returns:
        the ids, and how many are new by (source,).
    """
    rekeyed: Counter[tuple[str]] = Counter()
    if not len(shared):
        return block.ids, rekeyed
    clashing = np.isin(id_keys(block.ids, block.sources), shared)
    made, bases = _made(block.ids)
    clashing[made] |= np.isin(id_keys(bases, [block.sources[i] for i in made]), shared)
    ids = list(block.ids)
    for i in np.flatnonzero(clashing & np.array(block.given, bool)).tolist():
        ids[i] = f"{ids[i]}~{_digest(block.texts[i]):016x}"
        rekeyed[(block.sources[i],)] += 1
    return ids, rekeyed


def _made(ids: Sequence[str]) -> tuple[list[int], list[str]]:
    """The places of ids that look as if made here, and what each would be made from."""
    found = [(i, match) for i, id_ in enumerate(ids) if "~" in id_ and (match := _MADE.fullmatch(id_))]
    return [i for i, _ in found], [match[1] for _, match in found]


def _digests(strings: Iterable[str]) -> U64:
    return np.fromiter(map(_digest, strings), np.uint64)


def _digest(string: str) -> int:
    return xxhash.xxh3_64_intdigest(string.encode())
