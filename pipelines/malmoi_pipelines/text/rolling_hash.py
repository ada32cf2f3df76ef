"""Hashes of any stretches of a long array of symbols, at a cost that does not depend on their lengths.

    hash(c_0 ... c_n) = mix(T[c_0]·P^0 + T[c_1]·P^1 + ... + T[c_n]·P^n  mod 2^64)

with a random T[c] for every code point (Karp and Rabin 1987). With prefix sums the hash of any stretch is a difference
of two entries, and no string is ever made.
"""

import functools

import numpy as np

from malmoi_pipelines.contracts.arrays import I64, U32, U64, cuts
from malmoi_pipelines.contracts.hashing import mix64

_BASE = 0x9E3779B97F4A7C15  # odd, so a power of it can be divided out again
_WINDOW = 1 << 16  # characters hashed at once: 8 bytes each, a few such arrays stay in the L2 cache


def hash_stretches(codes: U32, starts: I64, ends: I64) -> U64:
    """The hash of `codes[start:end]` for each pair of starts and ends, which must not decrease."""
    result = np.empty(len(starts), np.uint64)
    advance = np.diff(starts, append=starts[-1:])
    for first, last in cuts(advance, _WINDOW):
        origin = starts[first]
        window = codes[origin : ends[last - 1]]
        powers, inverses = _powers(1 << max(len(window).bit_length(), 17))
        sums = np.zeros(len(window) + 1, np.uint64)
        np.cumsum(_values()[window] * powers[: len(window)], out=sums[1:])
        start, end = starts[first:last] - origin, ends[first:last] - origin
        result[first:last] = mix64((sums[end] - sums[start]) * inverses[start])
    return result


def hash_sequences(values: U64, starts: I64, ends: I64) -> U64:
    """The hash of the sequence `values[start:end]` of hashes, for each pair of starts and ends."""
    powers, inverses = _powers(1 << max(len(values).bit_length(), 17))
    sums = np.zeros(len(values) + 1, np.uint64)
    np.cumsum(values * powers[: len(values)], out=sums[1:])
    return mix64((sums[ends] - sums[starts]) * inverses[starts])


@functools.cache
def _values() -> U64:
    """T: a random value for every code point."""
    return mix64(np.arange(1, 0x110001, dtype=np.uint64) * np.uint64(_BASE))


@functools.lru_cache(maxsize=4)
def _powers(length: int) -> tuple[U64, U64]:
    """P^i and P^-i for i < length, modulo 2^64."""
    inverse = pow(_BASE, -1, 1 << 64)
    powers = [np.full(length, base, np.uint64) for base in (_BASE, inverse)]
    for array in powers:
        array[0] = 1
        np.cumprod(array, out=array)
    return powers[0], powers[1]
