"""Step 7, one partition: which of the verified matches become removals.

The one place that sees all matches: 40 bytes each, about three times that while sorting, so 50 million fit in 6 GB.
They are verified edges, not candidates, and most removed documents have one or two.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.contracts.arrays import I64
from pipelines.dedupe.messages import MATCH, REMOVAL, Columns, distinct, file_of, from_chunks, take, to_batch
from pipelines.dedupe.verify import verified
from pipelines.engine.job import Result, Send
from pipelines.engine.partition import PartitionBuffer

_PASS = 1 << 20  # matches turned into Python integers at once


@dataclass(frozen=True)
class ResolveMatches:
    """Choose the removals; documents whose partners all went are compared with those partners' survivors once more."""

    work: str
    threshold: float

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Sends each removal to the file of the removed document."""
        matches = from_chunks(chunks, MATCH)
        more = verified(follow_ups(matches), self.work, self.threshold)
        matches = {name: np.concatenate([matches[name], more[name]]) for name in MATCH.names}
        chosen = take(matches, removals(matches))
        chosen["near"] = np.ones(len(chosen["document"]), np.bool_)
        yield Result({"follow_up_edges": len(more["document"])})
        buffer = PartitionBuffer()
        yield from buffer.add(to_batch(REMOVAL, chosen), file_of(chosen["document"]))
        yield from buffer.flush()


def removals(matches: Columns) -> I64:
    """The matches that remove their document: at most one a document, and every partner survives.

    Documents are decided in the total order: one with a match that survives is removed into the most similar such
    match, one without survives. Similarity is never passed on: with A ~ B ~ C and A first, B goes into A, and C stays
    unless it matches A itself. When a document's turn comes, its partners have been decided: one pass is enough.
    """
    similarity, document = matches["similarity"], matches["document"]
    order = np.lexsort((matches["partner"], matches["partner_rank"], -similarity, document, matches["document_rank"]))
    _, numbers = np.unique(np.concatenate([document[order], matches["partner"][order]]), return_inverse=True)
    documents, partners = np.split(numbers, 2)
    gone = bytearray(int(numbers.max(initial=-1)) + 1)
    chosen: list[int] = []
    for start in range(0, len(order), _PASS):
        pairs = zip(documents[start : start + _PASS].tolist(), partners[start : start + _PASS].tolist(), strict=True)
        for place, (this, other) in enumerate(pairs, start):
            if not gone[other] and not gone[this]:
                gone[this] = 1
                chosen.append(place)
    return order[np.array(chosen, np.int64)]


def follow_ups(matches: Columns) -> Columns:
    """New candidates: documents that stay only because their partners went, with those partners' survivors."""
    removed = take(matches, removals(matches))
    removed = take(removed, np.argsort(removed["document"]))
    orphans = take(matches, np.isin(matches["document"], removed["document"], invert=True))
    # An orphan's partners were all removed: one that survived would have removed it.
    place = np.searchsorted(removed["document"], orphans["partner"])
    return distinct(
        {
            "document": orphans["document"],
            "partner": removed["partner"][place],
            "document_rank": orphans["document_rank"],
            "partner_rank": removed["partner_rank"][place],
        }
    )
