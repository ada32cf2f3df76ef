"""MinHash signatures and their band digests (Broder 1997; banding as in Lee et al. 2021).

For a random permutation of all shingles, two sets have the same first shingle with probability equal to their Jaccard
similarity. A signature holds that first shingle under many permutations; documents that agree in all rows of one band
are candidates. Permutations are x → a·x + b mod 2^32 with odd a, on 32 bits of shingle hashes that are random already.
"""

import functools

import numpy as np

from malmoi_pipelines.contracts.arrays import I64, U32, U64, cuts
from malmoi_pipelines.contracts.hashing import GOLDEN, mix64

_CHUNK = 1 << 15  # shingles at once: 128 KB of them and as much scratch stay in the L2 cache


def signatures(hashes: U64, bounds: I64, permutations: int, seed: int) -> U32:
    """MinHash signatures of shingle sets.

    Args:
        hashes: uint64[s], shingles of all documents; repeats do no harm.
        bounds: int64[n + 1], where each document's shingles start; no document may be without.
        permutations: values in a signature.
        seed: seed of the permutations.

    Returns:
        uint32[permutations, n].
    """
    factors, addends = _permutations(permutations, seed)
    values = (hashes >> np.uint64(32)).astype(np.uint32)
    result = np.full((permutations, len(bounds) - 1), 0xFFFFFFFF, np.uint32)
    for first, last in cuts(np.diff(bounds), _CHUNK):
        # A long document is folded piece by piece: the minimum of minima.
        for start in range(int(bounds[first]), int(bounds[last]), _CHUNK):
            piece = values[start : min(start + _CHUNK, int(bounds[last]))]
            parts = np.maximum(bounds[first:last] - start, 0)
            _fold(piece, parts, factors, addends, result[:, first:last])
    return result


def _fold(piece: U32, parts: I64, factors: U32, addends: U32, result: U32) -> None:
    scratch = np.empty_like(piece)
    for row, (factor, addend) in enumerate(zip(factors, addends, strict=True)):
        np.multiply(piece, factor, out=scratch)
        np.add(scratch, addend, out=scratch)
        np.minimum(result[row], np.minimum.reduceat(scratch, parts), out=result[row])


def band_digests(signature: U32, bands: int, seed: int) -> U64:
    """One 64-bit digest a band: equal iff (but for chance, 2^-64) the band's number and all its rows are equal.

    Args:
        signature: uint32[bands * rows, n].
        bands: number of bands.
        seed: seed of the permutations; digests made with different seeds never meet.

    Returns:
        uint64[n, bands].
    """
    rows = len(signature) // bands
    result = np.empty((signature.shape[1], bands), np.uint64)
    for band in range(bands):
        digest = np.full(signature.shape[1], (seed << 32) | band, np.uint64)
        for row in signature[band * rows : (band + 1) * rows]:
            digest = mix64(digest + np.uint64(GOLDEN)) ^ row
        result[:, band] = mix64(digest)
    return result


@functools.cache
def _permutations(count: int, seed: int) -> tuple[U32, U32]:
    """Odd factors and addends, from splitmix64 and not from a library's generator, whose stream may change."""
    stream = mix64(np.arange(1, 2 * count + 1, dtype=np.uint64) * np.uint64(GOLDEN) + np.uint64(seed << 32))
    values = (stream >> np.uint64(32)).astype(np.uint32)
    return values[:count] | np.uint32(1), values[count:]
