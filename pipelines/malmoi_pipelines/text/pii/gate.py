"""The first look at a text: where enough digits stand near each other that a closer look can pay.

Array operations on all characters at once; what they leave is a few percent of ordinary text.
"""

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from malmoi_pipelines.text.pii.shadow import MASKED_RAW, REMAPPED
from malmoi_pipelines.text.pii.written import BETWEEN, FIGURES, LETTERS, NAMES

# In figures: a date of birth at least, and a digit more that the source may have hidden.
_FIGURES, _DIGITS = 6, 7
# In unusual writing: a land line's nine digits, of which letters may stand for three.
_CHAIN, _CERTAIN = 9, 6
_MARGIN = 4  # a bracket or a plus
_SMALL = 4000
"""Characters below which the setting up of arrays costs more than it saves."""
_AT_ONCE = 1 << 14

Stretch = tuple[int, int]
"""[start, end) in characters."""


def dense(text: str) -> tuple[Iterable[Stretch], Iterable[Stretch]]:
    """Where numbers in figures may stand, and where those in unusual writing; of a short text the whole.

    The stretches of each are ordered. No number begins or ends outside of them.
    """
    if len(text) < _SMALL:
        return [(0, len(text))], [(0, len(text))]
    kinds = _looked_up(text, _KINDS)
    places = np.flatnonzero(kinds > _BETWEEN)
    if not places.size:
        return [], []
    is_parted = np.logical_or.reduceat(kinds == _OTHER, places)[:-1]
    starts = np.concatenate(([0], np.flatnonzero(is_parted) + 1))  # of chains: digits with nothing but marks between
    counts = np.diff(np.append(starts, places.size))
    of_digits = kinds[places]
    figures = np.add.reduceat(of_digits == _FIGURE, starts, dtype=np.int32)
    certain = np.add.reduceat(of_digits != _LETTER, starts, dtype=np.int32)
    begins, ends = (places[starts] - _MARGIN).clip(0), places[starts + counts - 1] + 1
    named = certain - figures
    is_dense = (counts - named >= _DIGITS) & (figures >= _FIGURES)
    is_unusual = (counts >= _CHAIN) & (certain >= _CERTAIN)
    return (
        zip(begins[is_dense].tolist(), (ends[is_dense] + _MARGIN).tolist(), strict=True),
        zip(begins[is_unusual].tolist(), ends[is_unusual].tolist(), strict=True),
    )


def remapped(text: str) -> NDArray[np.intp]:
    """Positions of the characters for which a text must be stripped, ascending."""
    return np.flatnonzero(_looked_up(text, _REMAPPED).view(np.bool_))


def _looked_up(text: str, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Of each character what a table says."""
    codes = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16)
    if len(codes) != len(text):
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = np.empty(len(codes), np.uint8)
    for start in range(0, len(codes), _AT_ONCE):  # the indices that are made of the codes stay in the cache
        table.take(codes[start : start + _AT_ONCE], out=kinds[start : start + _AT_ONCE], mode="clip")
    return kinds


def _table(classes: Iterable[tuple[str, int]]) -> NDArray[np.uint8]:
    """By code point: the kind of the last class that it is a member of; 0 for the others."""
    table = np.zeros(_LAST + 2, np.uint8)
    everything = "".join(map(chr, range(_LAST + 1)))
    for members, kind in classes:
        table[[match.start() for match in re.finditer(f"[{members}]", everything)]] = kind
    return table


_OTHER, _BETWEEN, _LETTER, _NAME, _FIGURE = range(5)  # letters that look like a digit, and what hides one
_LAST = 0x1D7FF  # the last of the digits, a mathematical 9
_KINDS = _table(((BETWEEN, _BETWEEN), (MASKED_RAW + LETTERS, _LETTER), (NAMES, _NAME), (FIGURES, _FIGURE)))
_REMAPPED = _table(((REMAPPED, 1),))
