"""Hangul letters of distinct units, weighted by how often the units occur."""

import numpy as np
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import I64, cuts, text_buffers
from malmoi_pipelines.text.units import HANGUL, character_classes

_SLICE_BYTES = 1 << 18
_CODE_POINTS = 0xD7A4  # the last letter is U+D7A3


def count_letters(units: pa.LargeStringArray, counts: I64) -> tuple[I64, I64]:
    """Count letters (syllables and compatibility jamo).

    Args:
        units: any texts.
        counts: how often each occurs.

    Returns:
        occurrences of each code point up to the last letter; letters in each unit.
    """
    data, bounds = text_buffers(units)
    totals = np.zeros(_CODE_POINTS, np.int64)
    inside = np.zeros(len(units), np.int64)
    for first, last in cuts(np.diff(bounds), _SLICE_BYTES):
        piece = data[bounds[first] : bounds[last]]
        heads = np.flatnonzero(character_classes(piece) == HANGUL)
        inside[first:last] = np.diff(np.searchsorted(heads, bounds[first : last + 1] - bounds[first]))
        lead, second, third = (piece[heads + i].astype(np.int64) for i in range(3))
        points = ((lead & 0xF) << 12) | ((second & 0x3F) << 6) | (third & 0x3F)
        weights = np.repeat(counts[first:last], inside[first:last])
        np.add.at(totals, points, weights)
    return totals, inside
