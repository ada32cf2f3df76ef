"""Shingles: every run of k consecutive words of a normalised document, as a 64-bit hash.

    hash(c_0 ... c_n) = mix(T[c_0]·P^0 + T[c_1]·P^1 + ... + T[c_n]·P^n  mod 2^64)

with a random T[c] for every code point (Karp and Rabin 1987). Prefix sums over a whole block give the hash of any run
of words as a difference of two entries, so the cost does not depend on k and no string is ever made.
"""

import functools

import numpy as np

from pipelines.contracts.arrays import I64, U64, cuts, offsets, ranges
from pipelines.contracts.hashing import mix64
from pipelines.dedupe.normalise import Block

_BASE = 0x9E3779B97F4A7C15  # odd, so a power of it can be divided out again
_WINDOW = 1 << 16  # characters hashed at once: 8 bytes each, a few such arrays stay in the L2 cache


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
    starts, ends = block.word_starts, block.word_ends
    count = max(len(ends) - words + 1, 0)
    starts, ends = starts[:count], ends[words - 1 :]
    result = np.empty(count, np.uint64)
    advance = np.diff(starts, append=starts[-1:])
    for first, last in cuts(advance, _WINDOW):
        origin = starts[first]
        codes = block.codes[origin : ends[last - 1]]
        powers, inverses = _powers(1 << max(len(codes).bit_length(), 17))
        sums = np.zeros(len(codes) + 1, np.uint64)
        np.cumsum(_values()[codes] * powers[: len(codes)], out=sums[1:])
        start, end = starts[first:last] - origin, ends[first:last] - origin
        result[first:last] = mix64((sums[end] - sums[start]) * inverses[start])
    return result


@functools.cache
def _values() -> U64:
    """T: a random value for every code point."""
    return mix64(np.arange(1, 0x110001, dtype=np.uint64) * np.uint64(_BASE))


@functools.lru_cache(maxsize=1)
def _powers(length: int) -> tuple[U64, U64]:
    """P^i and P^-i for i < length, modulo 2^64."""
    inverse = pow(_BASE, -1, 1 << 64)
    powers = [np.full(length, base, np.uint64) for base in (_BASE, inverse)]
    for array in powers:
        array[0] = 1
        np.cumprod(array, out=array)
    return powers[0], powers[1]
