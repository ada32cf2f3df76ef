"""Array types, and the idioms for ragged data: many short arrays laid end to end in one, with offsets."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bool = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int8]
I64 = npt.NDArray[np.int64]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.integer[Any]]


def offsets(lengths: Integers) -> I64:
    """Where each part starts, and at the end where the last one stops: one entry more than `lengths`.

    >>> offsets(np.array([2, 0, 3])).tolist()
    [0, 2, 2, 5]
    """
    result = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=result[1:])
    return result


def ranges(starts: Integers, lengths: Integers) -> I64:
    """The indices of many ranges, one after the other.

    >>> ranges(np.array([10, 20]), np.array([2, 3])).tolist()
    [10, 11, 20, 21, 22]
    """
    bounds = offsets(lengths)
    return np.repeat(starts - bounds[:-1], lengths) + np.arange(bounds[-1])


def run_starts(*keys: npt.NDArray[Any]) -> I64:
    """Where the runs of equal rows start, in columns that are sorted together.

    >>> run_starts(np.array([7, 7, 8]), np.array([1, 1, 1])).tolist()
    [0, 2]
    """
    if len(keys[0]) == 0:
        return np.zeros(0, np.int64)
    changed = np.zeros(len(keys[0]) - 1, np.bool_)
    for key in keys:
        changed |= key[1:] != key[:-1]
    return np.flatnonzero(np.concatenate([[True], changed]))


def repeated(keys: U64) -> I64:
    """Indices of the rows whose key occurs more than once, sorted by key.

    Most keys of a corpus are unique: one fast single-column sort leaves few rows for the full sort by all columns.

    >>> repeated(np.array([5, 9, 5, 7], np.uint64)).tolist()
    [0, 2]
    """
    order = np.argsort(keys)
    ordered = keys[order]
    same = ordered[1:] == ordered[:-1]
    return order[np.concatenate([same, [False]]) | np.concatenate([[False], same])] if len(keys) else order


def cuts(sizes: I64, limit: int) -> list[tuple[int, int]]:
    """Consecutive ranges whose sizes sum to at most `limit`; one that alone exceeds it forms its own range.

    >>> cuts(np.array([4, 4, 9, 1]), 8)
    [(0, 2), (2, 3), (3, 4)]
    """
    ends = np.cumsum(sizes)
    result: list[tuple[int, int]] = []
    start = 0
    while start < len(sizes):
        done = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + limit, "right")))
        result.append((start, stop))
        start = stop
    return result


def text_buffers(texts: pa.LargeStringArray) -> tuple[npt.NDArray[np.uint8], I64]:
    """The UTF-8 bytes of all texts, and where in them each starts and the last one ends."""
    _, offsets_buffer, data_buffer = texts.buffers()
    if not len(texts):
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    bounds = np.frombuffer(offsets_buffer, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(data_buffer, np.uint8)[bounds[0] : bounds[-1]] if data_buffer else np.empty(0, np.uint8)
    return data, bounds - bounds[0]


def code_points(texts: pa.LargeStringArray) -> U32:
    """The code points of all texts, one text after the other.

    >>> code_points(pa.array(["a가", "b"], pa.large_string())).tolist()
    [97, 44032, 98]
    """
    data, _ = text_buffers(texts)
    return np.frombuffer(str(data.data, "utf-8").encode("utf-32-le"), np.uint32)
