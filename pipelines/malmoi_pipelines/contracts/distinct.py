"""How many distinct things there are, in 16 KB: HyperLogLog++ (Heule, Nunkesser and Hall 2013).

The registers are filled by NumPy from 64-bit hashes that a stage has anyway, in any order and any number of parts: the
union of two parts is the greater of each two registers. datasketch reads them, and would fill them alike.
"""

import numpy as np

from malmoi_pipelines.contracts.arrays import I8, U64, Integers

BITS = 14  # of a hash choose its register
REGISTERS = 1 << BITS
"""The standard error of an estimate is 1.04 / √REGISTERS, 0.8 %; below some 10,000 distinct things it is smaller."""

_RANKS = 64 - BITS + 1  # rank of a hash whose other bits are all zero


def registers(hashes: U64) -> I8:
    """The registers of some hashes.

    Args:
        hashes: uniform over 64 bits; equal things have equal hashes.

    Example:
        >>> registers(np.array([5, 5 | 1 << 63], np.uint64))[5].item()
        51
    """
    filled = np.zeros(REGISTERS, np.int8)
    fill(filled, np.zeros(len(hashes), np.int64), hashes)
    return filled


def fill(rows: I8, row: Integers, hashes: U64) -> None:
    """Enter hashes into registers, in place.

    Args:
        rows: rows of registers, laid end to end.
        row: for each hash the number of the row that it is entered into.
        hashes: as for `registers`.
    """
    places = (row.astype(np.int64) << BITS) | (hashes & np.uint64(REGISTERS - 1)).astype(np.int64)
    others = (hashes >> np.uint64(BITS)).astype(np.float64)  # 50 bits: exact
    np.maximum.at(rows, places, (_RANKS - np.frexp(others)[1]).astype(np.int8))


def distinct(filled: I8) -> int:
    """About how many distinct hashes were entered into one row of registers.

    >>> distinct(registers(np.array([1, 2, 2], np.uint64)))
    2
    """
    from datasketch import HyperLogLogPlusPlus  # noqa: PLC0415  # half a second that only the end of a stage needs

    return round(float(HyperLogLogPlusPlus(reg=filled).count()))
