"""Cutting a batch into chunks by partition: the sending half of the columnar shuffle."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import run_starts
from malmoi_pipelines.engine.job import Send

FLUSH_BYTES = 32 << 20  # Arrow bytes buffered in a step before its chunks are sent


def partition_of(digests: npt.NDArray[np.uint64], partitions: int) -> npt.NDArray[np.int64]:
    """The partition of each 64-bit digest: its high 32 bits scaled to the number of partitions.

    >>> partition_of(np.array([0, 2**63, 2**64 - 1], np.uint64), 4).tolist()
    [0, 2, 3]
    """
    return (((digests >> np.uint64(32)) * np.uint64(partitions)) >> np.uint64(32)).astype(np.int64)


def split(batch: pa.RecordBatch, partitions: npt.NDArray[np.int64]) -> Iterator[Send]:
    """Cut a batch into one chunk for each partition that occurs; rows keep their order inside a chunk."""
    if batch.num_rows == 0:
        return
    order = np.argsort(partitions, kind="stable")
    ordered = batch.take(pa.array(order))
    keys = partitions[order]
    starts = run_starts(keys)
    ends = np.r_[starts[1:], len(keys)]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        yield Send(int(keys[start]), ordered.slice(start, end - start))


class PartitionBuffer:
    """Collects (batch, partitions) pairs and sends them by size, so that chunks are few and memory is bounded.

    A runner's bundle may be a whole input, so waiting for the end of a bundle would hold it all in memory.
    """

    def __init__(self) -> None:
        self._batches: list[pa.RecordBatch] = []
        self._partitions: list[npt.NDArray[np.int64]] = []
        self._bytes = 0

    def add(self, batch: pa.RecordBatch, partitions: npt.NDArray[np.int64]) -> Iterator[Send]:
        """Buffer a batch; yields chunks when the buffer is full."""
        self._batches.append(batch)
        self._partitions.append(partitions)
        self._bytes += batch.nbytes
        if self._bytes >= FLUSH_BYTES:
            yield from self.flush()

    def flush(self) -> Iterator[Send]:
        """Send what is buffered."""
        if self._batches:
            table = pa.Table.from_batches(self._batches).combine_chunks()
            merged = table.to_batches()
            partitions = np.concatenate(self._partitions)
            self._batches, self._partitions, self._bytes = [], [], 0
            start = 0
            for batch in merged:
                yield from split(batch, partitions[start : start + batch.num_rows])
                start += batch.num_rows
