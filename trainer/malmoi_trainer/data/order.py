"""The order of examples: a permutation computed one index at a time, with no state and no memory."""

import numpy as np
import numpy.typing as npt
import xxhash
from malmoi_pipelines.contracts.hashing import mix64

Index = npt.NDArray[np.uint64]

ROUNDS = 4  # a Feistel network of four rounds is indistinguishable from a random permutation (Luby and Rackoff 1988)


def permute(indices: npt.NDArray[np.int64], size: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Places of the given indices in the order of an epoch: a bijection of 0..size-1 for each (seed, epoch).

    A Feistel network permutes the smallest 4^k >= size numbers; an index sent outside 0..size-1 is sent on until it
    falls inside ("cycle walking", Black and Rogaway 2002), less than four times on average.

    Example:
        >>> sorted(permute(np.arange(5), 5, seed=1, epoch=0).tolist())
        [0, 1, 2, 3, 4]
    """
    half_bits = max(1, (max(size - 1, 1).bit_length() + 1) // 2)
    keys = [xxhash.xxh3_64_intdigest(f"{seed} {epoch} {turn}".encode()) for turn in range(ROUNDS)]
    result = np.asarray(indices, np.uint64)
    outside = np.ones(result.shape, bool)
    while outside.any():
        result[outside] = _feistel(result[outside], half_bits, keys)
        outside = result >= size
    return result.astype(np.int64)


def _feistel(values: Index, half_bits: int, keys: list[int]) -> Index:
    bits, mask = np.uint64(half_bits), np.uint64((1 << half_bits) - 1)
    left, right = values >> bits, values & mask
    for key in keys:
        left, right = right, left ^ (mix64(right ^ np.uint64(key)) & mask)
    return (left << bits) | right
