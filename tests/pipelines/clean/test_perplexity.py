"""Scores, their sketch, and the cut of each source."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.clean.perplexity import BINS_PER_UNIT, Scores, find_cuts, merge_sketches, sketch, sketch_batch

PERPLEXITIES = st.lists(st.floats(1, 1e6), min_size=1, max_size=60)


def scores(*columns, weight=0.5):
    return Scores(np.array(columns, np.float32).T.reshape(-1, len(columns)), weight)


@given(PERPLEXITIES, st.floats(0, 0.99))
def test_the_cut_drops_at_most_its_share_and_the_worst(values, share):
    some = scores(values)
    cuts = find_cuts(sketch(["web"] * len(values), some), {"web": share})
    above = some.above(["web"] * len(values), cuts)
    assert above.sum() <= share * len(values)
    if above.any():
        assert some.values()[above].min() > some.values()[~above].max()


@given(PERPLEXITIES)
def test_the_cut_is_exact_to_the_width_of_a_bin(values):
    """Against NumPy's percentile: one more document than allowed would be dropped one bin lower."""
    some = scores(values)
    cut = find_cuts(sketch(["web"] * len(values), some), {"web": 0.3})["web"]
    lower = some.bins() > cut - 1
    assert lower.sum() > 0.3 * len(values)
    assert cut / BINS_PER_UNIT <= np.quantile(some.values(), 0.7, method="higher") + 1e-6


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(-5, 5)), max_size=30), st.integers(1, 4))
def test_sketches_add_up_in_any_cut(cells, parts):
    whole = Counter(cells)
    pieces = [sketch_batch(Counter(cells[number::parts])) for number in range(parts)]
    assert merge_sketches(reversed(pieces)) == whole


def test_each_source_has_its_own_cut():
    sources = ["web"] * 10 + ["law"] * 10
    some = scores([10.0] * 9 + [1000.0] + [500.0] * 9 + [700.0])
    above = some.above(sources, find_cuts(sketch(sources, some), {"web": 0.1, "law": 0.1}))
    assert np.flatnonzero(above).tolist() == [9, 19]
    assert not some.above(sources, find_cuts(sketch(sources, some), {"web": 0.0, "law": 0.0})).any()


def test_a_text_that_the_bad_model_likes_scores_worse():
    liked, disliked = scores([100.0, 100.0], [20.0, 2000.0]).values()
    assert liked > disliked
    assert scores([100.0], [20.0], weight=0.0).values() == pytest.approx(np.log(100), rel=1e-6)
