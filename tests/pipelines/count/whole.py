"""Counting units that are all at hand, for tests and benchmarks; the stage counts them text by text."""

from collections.abc import Sequence

import pyarrow as pa
from malmoi_pipelines.count.words import UnitCounts, code_units, count_codes


def count_units(parts: Sequence[tuple[str, pa.LargeStringArray]]) -> UnitCounts:
    """Count units as they were cut.

    Args:
        parts: (source, units) in any order.
    """
    parts = [part for part in parts if len(part[1])]
    units, codes = code_units([units for _, units in parts])
    return count_codes(units, [source for source, _ in parts], codes)
