"""Steps 3 and 4: documents that share a band become candidates."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.contracts.arrays import I64, repeated, run_starts
from pipelines.contracts.streams import open_stream, read_stream
from pipelines.dedupe import work_files
from pipelines.dedupe.messages import (
    BAND,
    EDGE,
    EXACT_EDGE,
    Columns,
    distinct,
    file_of,
    from_chunks,
    row_of,
    take,
    to_batch,
)
from pipelines.engine.job import Result, Send
from pipelines.engine.partition import PartitionBuffer, partition_of

_MEMBERS_AT_ONCE = 1 << 18  # rows of buckets paired at once: some 100 MB of edges


@dataclass(frozen=True)
class SendBands:
    """Send the bands of one file's exact survivors, and leave its exact duplicates for `SettleRemovals`."""

    work: str
    partitions: int
    """Partitions of the next step."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file."""
        edges = from_chunks(chunks, EXACT_EDGE)
        won = take(edges, file_of(edges["partner"]) == partition)
        won = take(won, np.lexsort((won["document"], won["partner"])))
        with open_stream(work_files.exact_path(self.work, partition), EXACT_EDGE) as writer:
            writer.write_batch(to_batch(EXACT_EDGE, won))
        lost = np.sort(row_of(edges["document"][file_of(edges["document"]) == partition]))
        buffer = PartitionBuffer()
        for batch in read_stream(work_files.bands_path(self.work, partition)):
            rows = _band_rows(batch, lost)
            yield from buffer.add(to_batch(BAND, rows), partition_of(rows["digest"], self.partitions))
        yield from buffer.flush()


def _band_rows(batch: pa.RecordBatch, lost: I64) -> Columns:
    locator = batch.column("locator").to_numpy()
    kept = np.isin(row_of(locator), lost, invert=True)
    bands = batch.schema.field("bands").type.list_size
    digests = batch.column("bands").flatten().to_numpy().reshape(-1, bands)[kept]
    repeats = {name: np.repeat(batch.column(name).to_numpy()[kept], bands) for name in ("locator", "rank")}
    return {"digest": digests.ravel(), **repeats}


@dataclass(frozen=True)
class PairBuckets:
    """Turn buckets of equal band digests into candidate edges, from each document to earlier ones.

    In a bucket sorted by the order, each member is paired with the first (the star that finds the survivor) and with a
    few just before it. These are closest in length, and catch the families inside a bucket whose first member is like
    none of them: forms with a common head, or a long document that shares one band by chance. All pairs would be
    quadratic: one bucket of 10,000 templates has 50 million pairs, but 90,000 edges with eight neighbours. A document
    that has near duplicates sends at most bands x (neighbours + 1) edges of 32 bytes, 4 KB by default; others none.
    """

    neighbours: int

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = range of digests. Edges go to the document's file; the partner's is asked for its shingles."""
        bands = from_chunks(chunks, BAND)
        bands = take(bands, repeated(bands["digest"]))
        bands = take(bands, np.lexsort((bands["locator"], bands["rank"], bands["digest"])))
        starts = run_starts(bands["digest"])
        first = np.repeat(starts, np.diff(starts, append=len(bands["digest"])))
        buffer = PartitionBuffer()
        for start in range(0, len(first), _MEMBERS_AT_ONCE):
            members = np.arange(start, min(start + _MEMBERS_AT_ONCE, len(first)))
            edges = distinct(_edges(bands, members, first[members], self.neighbours))
            for columns in (edges, _requests(edges)):
                yield from buffer.add(to_batch(EDGE, columns), file_of(columns["document"]))
        yield from buffer.flush()


def _edges(bands: Columns, members: I64, first: I64, neighbours: int) -> Columns:
    """Edges of some rows of the sorted bands; `first` is the row where each one's bucket starts."""
    pairs = [(members, first)] + [(members, members - distance) for distance in range(1, neighbours + 1)]
    inside = [(later > first) & (earlier >= first) for later, earlier in pairs]
    document, partner = (
        np.concatenate([pair[end][ok] for pair, ok in zip(pairs, inside, strict=True)]) for end in (0, 1)
    )
    return {
        "document": bands["locator"][document],
        "partner": bands["locator"][partner],
        "document_rank": bands["rank"][document],
        "partner_rank": bands["rank"][partner],
    }


def _requests(edges: Columns) -> Columns:
    """One self-edge for each distinct partner: its file must leave its shingles too."""
    partner, first = np.unique(edges["partner"], return_index=True)
    rank = edges["partner_rank"][first]
    return {"document": partner, "partner": partner, "document_rank": rank, "partner_rank": rank}
