"""The total order of documents: of documents that repeat each other, the first survives.

Documents of an earlier corpus come first, since they have been published. Then longer texts, which hold more; then the
priority of the source; then the hash of the text and that of source and id. Never the place in the input, so the
survivors do not depend on the order or the cut of the files.

    rank = new (1 bit) | shortness (39) | priority (24)        tie = hash of the text (32) | hash of source and id (32)
"""

import numpy as np

from malmoi_pipelines.contracts.arrays import I64, U64, Bool

_LENGTH_BITS, _PRIORITY_BITS = 39, 24
NEW = np.uint64(1 << 63)
"""The bit of a rank that is set for documents which are not of an earlier corpus."""


def ranks(lengths: I64, priorities: I64) -> U64:
    """The ranks of new documents.

    Args:
        lengths: UTF-8 bytes of the texts as they came in.
        priorities: 0 for the source that wins, at most 2^24 - 1.

    >>> ranks(np.array([5, 9, 9]), np.array([0, 1, 0])).argsort().tolist()
    [2, 1, 0]
    """
    shortness = ((1 << _LENGTH_BITS) - 1 - lengths).astype(np.uint64)
    return NEW | (shortness << np.uint64(_PRIORITY_BITS)) | priorities.astype(np.uint64)


def old(rank: U64) -> U64:
    """The same ranks in an earlier corpus: before those of all new documents."""
    return rank & ~NEW


def ties(texts: U64, names: U64) -> U64:
    """What orders equal ranks.

    Args:
        texts: 64-bit hashes of the texts.
        names: 64-bit hashes of source and id.
    """
    high = np.uint64(32)
    return (texts >> high) << high | names >> high


def earlier(rank: U64, tie: U64, than_rank: U64, than_tie: U64) -> Bool:
    """Whether each document comes before the other."""
    return (rank < than_rank) | ((rank == than_rank) & (tie < than_tie))
