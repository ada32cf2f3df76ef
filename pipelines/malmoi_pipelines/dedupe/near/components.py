"""Connected components of the matches: in one process, and in rounds over many partitions.

In a large job no partition holds all matches. Documents that are linked by matches, however indirectly, are gathered in
one partition, which then resolves them exactly as a single process would. Each round, each partition joins what it sees
into stars around the least document and tells both ends of every ray; the labels reach everywhere in some log(n) rounds
(large and small stars of Kiveris et al. 2014). The last round proves that nothing moves any more, or fails.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import I64, U64, run_starts
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.hashing import mix64
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.streams import read_stream
from malmoi_pipelines.dedupe import work_files
from malmoi_pipelines.dedupe.messages import LABEL, MATCH, Columns, file_of, from_chunks, take, to_batch
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import PartitionBuffer, partition_of


def components(left: I64, right: I64, count: int) -> I64:
    """The least node of each node's connected component.

    Args:
        left: int64[e], one end of each edge.
        right: int64[e], the other.
        count: nodes, numbered from 0.

    >>> components(np.array([3, 1]), np.array([1, 0]), 5).tolist()
    [0, 0, 2, 0, 4]
    """
    labels = np.arange(count)
    while True:
        one, other = labels[left], labels[right]
        differ = one != other
        if not differ.any():
            return labels
        low, high = np.minimum(one, other)[differ], np.maximum(one, other)[differ]
        np.minimum.at(labels, high, low)
        while not np.array_equal(labels, labels[labels]):
            labels = labels[labels]


def send_labels(nodes: U64, labels: U64, partitions: int) -> Iterator[Send]:
    """Tell the partition of either end."""
    pairs: Columns = {"node": nodes, "label": labels}
    owners = [partition_of(mix64(end), partitions) for end in (nodes, labels)]
    apart = owners[0] != owners[1]
    buffer = PartitionBuffer()
    yield from buffer.add(to_batch(LABEL, pairs), owners[0])
    yield from buffer.add(to_batch(LABEL, take(pairs, apart)), owners[1][apart])
    yield from buffer.flush()


@dataclass(frozen=True)
class JoinStars:
    """One round: every document that a partition knows of gets the least label of its component there."""

    partitions: int
    rounds: int
    files: int | None
    """In the last round the number of input files: check that nothing changed, and tell them the labels."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = range of mixed locators."""
        known = _distinct(from_chunks(chunks, LABEL))
        joined = _stars(known)
        rays = take(joined, joined["node"] != joined["label"])
        if self.files is None:
            yield from send_labels(rays["node"], rays["label"], self.partitions)
            return
        if not all(np.array_equal(rays[name], known[name]) for name in LABEL.names):
            raise CheckError(
                f"the components of similar documents must be complete after component_rounds = {self.rounds}.",
                hint="set component_rounds higher",
            )
        ours = partition_of(mix64(joined["node"]), self.partitions) == partition
        joined = take(joined, ours & (file_of(joined["node"]) < self.files))
        buffer = PartitionBuffer()
        yield from buffer.add(to_batch(LABEL, joined), file_of(joined["node"]))
        yield from buffer.flush()


def _distinct(labels: Columns) -> Columns:
    labels = take(labels, np.lexsort((labels["label"], labels["node"])))
    return take(labels, run_starts(labels["node"], labels["label"]))


def _stars(labels: Columns) -> Columns:
    """One label for each node, the least of its component; sorted by node."""
    nodes, numbers = np.unique(np.concatenate([labels["node"], labels["label"]]), return_inverse=True)
    left, right = np.split(numbers, 2)
    return {"node": nodes, "label": nodes[components(left, right, len(nodes))]}


@dataclass(frozen=True)
class RouteMatches:
    """Send the matches of one input file to the partitions of their components."""

    work: str
    partitions: int

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file."""
        labels = from_chunks(chunks, LABEL)
        labels = take(labels, np.argsort(labels["node"]))
        matches = from_chunks(read_stream(work_files.matches_path(self.work, partition)), MATCH)
        label = labels["label"][np.searchsorted(labels["node"], matches["document"])]
        buffer = PartitionBuffer()
        yield from buffer.add(to_batch(MATCH, matches), partition_of(mix64(label), self.partitions))
        yield from buffer.flush()
