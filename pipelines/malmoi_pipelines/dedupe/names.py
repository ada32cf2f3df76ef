"""Steps 9 to 11, by file: settle the removals, and look up the names of the documents that they repeat."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.streams import open_stream, read_stream
from malmoi_pipelines.dedupe import work_files
from malmoi_pipelines.dedupe.messages import (
    EXACT_EDGE,
    NAMED_REMOVAL,
    NAMES,
    REMOVAL,
    Columns,
    file_of,
    from_chunks,
    row_of,
    take,
)
from malmoi_pipelines.dedupe.parquet_rows import read_rows
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import PartitionBuffer

CLUSTER = pa.schema([("row", pa.int64()), ("size", pa.int32())])
"""The work file of clusters."""
_ROWS_AT_ONCE = 1 << 16
_LARGEST = 3  # clusters of a file that are named in the report


@dataclass(frozen=True)
class SettleRemovals:
    """Join a file's near duplicates with the exact duplicates that had been merged into them.

    A ≡ B (exact) and B → C (near) make A → C, near and as similar as B, whose normalised text it shares: the survivor
    of every removal is then in the output.
    """

    work: str
    first_old: int
    """Number of the first file of an earlier corpus."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = file of the near duplicates. Each removal goes to its partner's file."""
        near = from_chunks(chunks, REMOVAL)
        near = take(near, np.argsort(near["document"]))
        exact = from_chunks(read_stream(work_files.exact_path(self.work, partition)), EXACT_EDGE)
        buffer = PartitionBuffer()
        for columns in (near, _redirect(exact, near)):
            files = file_of(columns["partner"])
            unnamed = dict.fromkeys(NAMES, pa.nulls(len(files), pa.string()))
            values = {**columns, "partner_old": files >= self.first_old, **unnamed}
            yield from buffer.add(pa.record_batch(values, schema=NAMED_REMOVAL), files)
        yield from buffer.flush()


def _redirect(exact: Columns, near: Columns) -> Columns:
    place = np.searchsorted(near["document"], exact["partner"])
    fell = np.isin(exact["partner"], near["document"])
    partner, cluster, similarity = exact["partner"].copy(), exact["partner"].copy(), np.ones(len(fell))
    for values, name in ((partner, "partner"), (cluster, "cluster"), (similarity, "similarity")):
        values[fell] = near[name][place[fell]]
    return {
        "document": exact["document"],
        "partner": partner,
        "cluster": cluster,
        "near": fell,
        "similarity": similarity,
    }


@dataclass(frozen=True)
class NameDocuments:
    """Add the ids and sources of the removals' partners, of their clusters' survivors, or of both if they are the same.

    The file of the survivors also leaves the sizes of their clusters.
    """

    files: tuple[str, ...]
    """Input files and those of earlier corpora."""
    work: str
    names: tuple[str, ...]
    """What to name: "partner", "cluster". The first is the locator that the removals were sent by."""
    to: str
    """The locator they are sent on by: "cluster" or "document"."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = file of the documents to be named."""
        removals = pa.Table.from_batches(list(chunks), NAMED_REMOVAL)
        named = removals.column(self.names[0]).to_numpy()
        rows, place, counts = np.unique(row_of(named), return_inverse=True, return_counts=True)
        pieces = [batch for _, batch in read_rows(self.files[partition], rows, ["id", "source"])]
        names = pa.Table.from_batches(pieces, None if pieces else _NAMES)
        if "cluster" in self.names:
            with open_stream(work_files.clusters_path(self.work, partition), CLUSTER) as writer:
                writer.write_batch(pa.record_batch([pa.array(rows), pa.array((counts + 1).astype(np.int32))], CLUSTER))
            yield _clusters(counts + 1, names)
        buffer = PartitionBuffer()
        for start in range(0, len(place), _ROWS_AT_ONCE):
            part = removals.slice(start, _ROWS_AT_ONCE)
            found = names.take(pa.array(place[start : start + _ROWS_AT_ONCE]))
            for name in self.names:
                for field in ("id", "source"):
                    column = f"{name}_{field}"
                    values = found.column(field).cast(pa.string())
                    part = part.set_column(part.schema.get_field_index(column), column, values)
            for batch in part.combine_chunks().to_batches():
                yield from buffer.add(batch, file_of(batch.column(self.to).to_numpy()))
        yield from buffer.flush()


_NAMES = pa.schema([("id", pa.string()), ("source", pa.string())])


class Cluster(NamedTuple):
    """A survivor and those that were merged into it."""

    size: int
    """Documents, the survivor with them."""
    source: str
    """Of the survivor."""
    id: str


@dataclass(frozen=True)
class ClustersNamed(Result):
    """The clusters whose survivors are in one file."""

    sizes: Counter[int]
    """Size → clusters."""
    largest: list[Cluster]


def _clusters(sizes: np.ndarray, names: pa.Table) -> ClustersNamed:
    largest = np.argsort(-sizes, kind="stable")[:_LARGEST]
    named = names.take(pa.array(largest)).to_pylist()
    clusters = [Cluster(int(sizes[n]), row["source"], row["id"]) for n, row in zip(largest, named, strict=True)]
    return ClustersNamed(Counter(sizes.tolist()), clusters)
