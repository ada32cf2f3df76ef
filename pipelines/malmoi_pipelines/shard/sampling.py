"""How often a document is written: a pure function of its source, its new tokens and a hash of its id."""

import numpy as np
import numpy.typing as npt
import xxhash

from malmoi_pipelines.contracts.hashing import GOLDEN, mix64

Digests = npt.NDArray[np.uint64]


def document_digests(seed: int, sources: list[str], ids: list[str]) -> Digests:
    """A 64-bit digest of (seed, source, id) for each document: all its random choices follow from it."""
    keys = (f"{seed}\0{source}\0{name}".encode() for source, name in zip(sources, ids, strict=True))
    return np.fromiter(map(xxhash.xxh3_64_intdigest, keys), np.uint64, len(ids))


def expected_copies(
    weights: npt.NDArray[np.float64], new_tokens: npt.NDArray[np.int64], tokens: npt.NDArray[np.int64], bias: float
) -> npt.NDArray[np.float64]:
    """Source weight times one plus the bias times the share of new tokens.

    >>> expected_copies(np.array([1.0, 1.0]), np.array([0, 5]), np.array([10, 10]), bias=1.0).tolist()
    [1.0, 1.5]
    """
    return weights * (1 + bias * new_tokens / np.maximum(tokens, 1))


def copies(expected: npt.NDArray[np.float64], digests: Digests) -> npt.NDArray[np.int64]:
    """Whole copies of each document: the expected number rounded up or down by its digest, unbiased on average.

    >>> copies(np.array([0.25, 0.25, 2.0]), np.array([0, 2**63, 2**63], np.uint64)).tolist()
    [1, 0, 2]
    """
    uniform = digests / 2.0**64
    whole = np.floor(expected)
    return (whole + (uniform < expected - whole)).astype(np.int64)


def copy_digests(digests: Digests, numbers: npt.NDArray[np.int64]) -> Digests:
    """The digest of each copy, which places it in a shard and orders it there."""
    return mix64(digests + np.uint64(GOLDEN) * (numbers.astype(np.uint64) + np.uint64(1)))
