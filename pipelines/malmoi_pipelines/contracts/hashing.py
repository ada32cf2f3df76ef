"""The one integer mixer behind all stable random choices: samples, permutations, MinHash, orders."""

import numpy as np
import numpy.typing as npt

GOLDEN = 0x9E3779B97F4A7C15
"""2^64 / golden ratio: SplitMix64's increment, which makes a stream of well-mixed values of a counter."""
MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def mix64(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014): a bijection of 64-bit values that scatters neighbours.

    >>> hex(mix64(np.array([GOLDEN], np.uint64))[0])
    '0xe220a8397b1dcdaf'
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(MULTIPLIERS[0])
    values = (values ^ (values >> np.uint64(27))) * np.uint64(MULTIPLIERS[1])
    return values ^ (values >> np.uint64(31))
