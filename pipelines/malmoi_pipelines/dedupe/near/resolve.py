"""Step 8: which of the verified matches become removals.

A partition holds whole components of matches: 56 bytes each, about three times that while sorting. They are verified
edges, not candidates, and most removed documents have one or two.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import I64, U64, run_starts
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.messages import MATCH, REMOVAL, Columns, distinct, file_of, from_chunks, take, to_batch
from malmoi_pipelines.dedupe.near.components import components
from malmoi_pipelines.dedupe.near.verify import verified
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import PartitionBuffer

_PASS = 1 << 20  # matches turned into Python integers at once


@dataclass(frozen=True)
class FollowedUp(Result):
    """What comparing once more with the survivors of partners brought."""

    edges: int
    """Those that reach the threshold."""


@dataclass(frozen=True)
class ResolveMatches:
    """Choose the removals; documents whose partners all went are compared with those partners' survivors once more."""

    work: str
    config: DedupeConfig
    first_old: int
    """Number of the first file of an earlier corpus."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Sends each removal to the file of its document."""
        matches = from_chunks(chunks, MATCH)
        if self.config.groups == "components":
            chosen = linked(matches, self.first_old)
        else:
            matches, more = self._followed_up(matches)
            yield FollowedUp(more)
            chosen = take(matches, removals(matches))
            chosen["cluster"] = chosen["partner"]
        chosen["near"] = np.ones(len(chosen["document"]), np.bool_)
        buffer = PartitionBuffer()
        yield from buffer.add(to_batch(REMOVAL, chosen), file_of(chosen["document"]))
        yield from buffer.flush()

    def _followed_up(self, matches: Columns) -> tuple[Columns, int]:
        """The matches with those that follow-ups add, and their number; each pair is verified once, so this ends."""
        tried: set[tuple[int, int]] = set()
        before = len(matches["document"])
        while True:
            candidates = follow_ups(matches)
            pairs = list(zip(candidates["document"].tolist(), candidates["partner"].tolist(), strict=True))
            candidates = take(candidates, np.array([pair not in tried for pair in pairs], np.bool_))
            tried.update(pairs)
            more = verified(candidates, self.work, self.config.similarity, self.config.threshold)
            if len(more["document"]) == 0:
                return matches, len(matches["document"]) - before
            matches = {name: np.concatenate([matches[name], more[name]]) for name in MATCH.names}


def removals(matches: Columns) -> I64:
    """The matches that remove their document: at most one a document, and every partner survives.

    Documents are decided in the total order: one with a match that survives is removed into the most similar such
    match, one without survives. Similarity is never passed on: with A ~ B ~ C and A first, B goes into A, and C stays
    unless it matches A itself. When a document's turn comes, its partners have been decided: one pass is enough.
    """
    keys = ("partner", "partner_tie", "partner_rank", "document", "document_tie", "document_rank")
    columns = [matches[name] for name in keys]
    order = np.lexsort([*columns[:3], -matches["similarity"], *columns[3:]])
    _, numbers = np.unique(
        np.concatenate([matches[end][order] for end in ("document", "partner")]), return_inverse=True
    )
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
    own = {name: orphans[name] for name in ("document", "document_rank", "document_tie")}
    others = {name: removed[name][place] for name in ("partner", "partner_rank", "partner_tie")}
    return distinct({**own, **others})


def linked(matches: Columns, first_old: int) -> Columns:
    """The columns of `REMOVAL` but `near`, when every component becomes one document: its first in the total order.

    The partner of a removed document is its most similar match, which may be removed itself. Documents of an earlier
    corpus stay, all of them.
    """
    nodes, order, left, right = _numbered(matches)
    label = components(left, right, len(nodes))
    rows = np.concatenate([np.arange(len(left))] * 2)
    this, other = np.concatenate([left, right]), np.concatenate([right, left])
    best = np.lexsort((other, -matches["similarity"][rows], this))
    best = best[run_starts(this[best])]
    best = best[(label[this[best]] != this[best]) & (file_of(nodes[order][this[best]]) < first_old)]
    names = nodes[order]
    return {
        "document": names[this[best]],
        "partner": names[other[best]],
        "cluster": names[label[this[best]]],
        "similarity": matches["similarity"][rows[best]],
    }


def _numbered(matches: Columns) -> tuple[U64, I64, I64, I64]:
    """The documents of matches, and the matches' two ends as their numbers in the total order.

    Returns:
        nodes: uint64[n], locators ascending.
        order: int64[n], which node has each number.
        left, right: int64[matches], numbers of document and partner.
    """
    ends = {name: [matches[f"document{name}"], matches[f"partner{name}"]] for name in ("", "_rank", "_tie")}
    nodes, first, place = np.unique(np.concatenate(ends[""]), return_index=True, return_inverse=True)
    rank, tie = (np.concatenate(ends[name])[first] for name in ("_rank", "_tie"))
    order = np.lexsort((nodes, tie, rank))
    number = np.empty(len(nodes), np.int64)
    number[order] = np.arange(len(nodes))
    left, right = np.split(number[place], 2)
    return nodes, order, left, right
