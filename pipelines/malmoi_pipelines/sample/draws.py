"""Counter-based random draws: value k of a key is a pure function, so any document can be made alone, in any order.

The generator is SplitMix64 (Steele, Lea, Flood 2014), whose k-th output is `mix64(key + (k + 1) * GOLDEN)`: it needs no
state, NumPy computes it for millions of counters at once, and a single value costs no more than its share.
"""

import math
import statistics
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import xxhash

from malmoi_pipelines.contracts.arrays import U64
from malmoi_pipelines.contracts.hashing import GOLDEN, MULTIPLIERS, mix64

Ints = npt.NDArray[np.intp]
T = TypeVar("T")

_MASK = (1 << 64) - 1
ZIPF_BITS = 20  # resolution of a Zipf table: a rank of probability below 2**-20 may be lost
ZIPF_SHIFT = 2.7  # Zipf-Mandelbrot: p(r) ~ 1 / (r + shift), which flattens the first ranks as in real text


def key_of(*parts: object) -> int:
    """A 64-bit key from a path of names and numbers."""
    return xxhash.xxh3_64_intdigest("/".join(map(str, parts)).encode())


def stream(keys: U64, counters: U64) -> U64:
    """Value number `counters` of the streams `keys`, elementwise."""
    return mix64(keys + (counters + np.uint64(1)) * np.uint64(GOLDEN))


def channel(keys: U64, name: str) -> U64:
    """An independent draw for each key: one channel for each question asked about it."""
    return mix64(keys ^ np.uint64(key_of(name)))


def bits(draws: U64, low: int, count: int) -> Ints:
    """Bits `low` .. `low + count - 1` of each draw, as an index into a table of `2**count` entries."""
    return ((draws >> np.uint64(low)) & np.uint64((1 << count) - 1)).astype(np.intp)


def quantile_table(weights: npt.ArrayLike, count: int) -> Ints:
    """Inverse distribution function at `2**count` points: indexing it with uniform bits draws by weight."""
    cumulative = np.cumsum(np.asarray(weights, np.float64))
    points = (np.arange(1 << count) + 0.5) * (cumulative[-1] / (1 << count))
    return np.searchsorted(cumulative, points, side="right").astype(np.intp)


def zipf_table(size: int) -> Ints:
    """Quantile table of Zipf's law over `size` ranks (division and addition only: equal on every machine)."""
    return quantile_table(1.0 / (np.arange(size) + ZIPF_SHIFT), ZIPF_BITS)


def lognormal_table(median: float, sigma: float, low: int, high: int, count: int = 12) -> Ints:
    """Quantile table of a log-normal length, clipped to `low` .. `high`."""
    normal = statistics.NormalDist()
    points = ((index + 0.5) / (1 << count) for index in range(1 << count))
    lengths = [round(median * math.exp(sigma * normal.inv_cdf(point))) for point in points]
    return np.clip(np.array(lengths, np.intp), low, high)


class Dice:
    """The same generator one value at a time, for the few documents that carry a planting."""

    def __init__(self, key: int) -> None:
        self._state = key & _MASK

    def next64(self) -> int:
        """The next 64 bits."""
        self._state = (self._state + GOLDEN) & _MASK
        value = ((self._state ^ (self._state >> 30)) * MULTIPLIERS[0]) & _MASK
        value = ((value ^ (value >> 27)) * MULTIPLIERS[1]) & _MASK
        return value ^ (value >> 31)

    def below(self, limit: int) -> int:
        """An integer in 0 .. limit - 1."""
        return (self.next64() * limit) >> 64

    def between(self, low: int, high: int) -> int:
        """An integer in low .. high, both included."""
        return low + self.below(high - low + 1)

    def choice(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.next64() < probability * 2.0**64

    def digits(self, pattern: str) -> str:
        """Fill a pattern: `#` any digit, `!` 1-9, `?` 2-9; everything else stays."""
        low = {"#": 0, "!": 1, "?": 2}
        return "".join(str(self.between(low[c], 9)) if c in low else c for c in pattern)
