"""Shingles: every run of k consecutive words of a normalised document, as a 64-bit hash.

Hashes come from prefix sums (`pipelines.text.rolling_hash`): the cost does not depend on k, and no string is ever made.
"""

import numpy as np

from pipelines.contracts.arrays import I64, U64, offsets, ranges
from pipelines.dedupe.normalise import Block
from pipelines.text.rolling_hash import hash_stretches


def shingles(block: Block, words: int, max_chars: int | None = None) -> tuple[U64, I64]:
    """The shingle hashes of a block's documents, repeats included, in text order.

    Args:
        block: normalised documents.
        words: words in a shingle (k).
        max_chars: leave out shingles that end beyond this many characters of their document.

    Returns:
        hashes: uint64[s], the documents' shingles one after the other.
        bounds: int64[n + 1], where each document's shingles start. A document with fewer than k words has none.
    """
    usable = block.words[1:] if max_chars is None else _words_within(block, max_chars)
    counts = np.maximum(usable - block.words[:-1] - (words - 1), 0)
    hashes = _hash_runs(block, words)
    # Runs that cross from one document into the next were hashed too: cheaper than to avoid them.
    return hashes[ranges(block.words[:-1], counts)], offsets(counts)


def _words_within(block: Block, max_chars: int) -> I64:
    limit = np.minimum(block.documents[:-1] + max_chars, block.documents[1:])
    return np.searchsorted(block.word_ends, limit, "right")


def _hash_runs(block: Block, words: int) -> U64:
    """The hash of the k words that start at each word of the block; the last k - 1 words start none."""
    count = max(len(block.word_ends) - words + 1, 0)
    return hash_stretches(block.codes, block.word_starts[:count], block.word_ends[words - 1 :])
