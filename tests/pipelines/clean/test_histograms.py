"""Histograms: every document in one bin, equal counts in equal bytes."""

from collections import Counter
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.clean.histograms import SCALES, add_measures, histogram_rows, histogram_svg

CELLS = st.lists(st.tuples(st.sampled_from(["web", "법령"]), st.integers(0, 10**6), st.floats(0, 1)), min_size=1)


def counted(cells):
    sources, chars, shares = zip(*cells, strict=True)
    histograms = Counter()
    add_measures(
        histograms, sources, {"chars": np.array(chars, float), "hangul_share": np.array(shares), "other": None}
    )
    return histograms


@given(CELLS)
def test_every_document_is_between_the_bounds_of_its_bin(cells):
    for row in histogram_rows(counted(cells), "hangul_share"):
        inside = [
            share
            for source, _, share in cells
            if source == row["source"] and (row["from"] <= share < row["to"] or share == row["to"] == 1)
        ]
        assert row["documents"] == len(inside)


@given(CELLS)
def test_lengths_double_from_bin_to_bin_and_none_is_lost(cells):
    rows = histogram_rows(counted(cells), "chars")
    assert all(row["to"] == 2 * row["from"] for row in rows)
    assert sum(row["documents"] for row in rows) == len(cells)


@pytest.mark.long
def test_a_picture_has_every_source_and_equal_counts_give_equal_bytes():
    cells = [("web", 100, 0.5), ("법령", 2000, 0.9)]
    pictures = [histogram_svg(counted(order), "chars") for order in (cells, cells[::-1])]
    assert pictures[0] == pictures[1]
    assert b"<svg" in pictures[0]
    assert "법령" in "".join(ET.fromstring(pictures[0]).itertext())
    assert set(SCALES) == {"chars", "hangul_share", "perplexity"}


def test_any_name_of_a_source_can_be_drawn():
    names = ["a$\\bad{$", "_hidden", "from", "$x$"]
    picture = histogram_svg(counted([(name, 100, 0.5) for name in names]), "chars")
    text = "".join(ET.fromstring(picture).itertext())
    assert all(name in text for name in names)
