"""Step 2, by digest: exact duplicates, documents with equal normalised text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import repeated, run_starts
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.dedupe.messages import EXACT_EDGE, EXACT_KEY, Columns, file_of, from_chunks, take, to_batch
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import PartitionBuffer


@dataclass(frozen=True)
class GroupExact:
    """Find the groups of equal digests; the first of each group in the total order survives."""

    first_old: int
    """Number of the first file of an earlier corpus: documents from there on are never removed."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = range of digests. Each edge goes to the file of either end."""
        keys = from_chunks(chunks, EXACT_KEY)
        keys = take(keys, repeated(keys["key_high"]))
        order = ("locator", "tie", "rank", "key_low", "key_high")  # np.lexsort: the last is the primary key
        keys = take(keys, np.lexsort([keys[name] for name in order]))
        starts = run_starts(keys["key_high"], keys["key_low"])
        sizes = np.diff(starts, append=len(keys["locator"]))
        survivors = np.repeat(keys["locator"][starts], sizes)
        removed = (survivors != keys["locator"]) & (file_of(keys["locator"]) < self.first_old)
        edges: Columns = {"document": keys["locator"][removed], "partner": survivors[removed]}
        yield from _send_to_both_files(edges)


def _send_to_both_files(edges: Columns) -> Iterator[Send]:
    buffer = PartitionBuffer()
    documents, partners = file_of(edges["document"]), file_of(edges["partner"])
    elsewhere = documents != partners
    yield from buffer.add(to_batch(EXACT_EDGE, edges), partners)
    yield from buffer.add(to_batch(EXACT_EDGE, take(edges, elsewhere)), documents[elsewhere])
    yield from buffer.flush()
