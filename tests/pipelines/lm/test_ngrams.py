from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.lm.ngrams import BOS, EOS, NgramCounts, context_hash, count_windows, merge, sort_key

ids = st.one_of(st.integers(0, 4), st.integers(0, 2**32 - 1))


def columns_of(rows, order):
    return tuple(np.array([row[n] for row in rows], np.uint32) for n in range(order))


@st.composite
def ngrams(draw):
    order = draw(st.integers(1, 6))
    return order, draw(st.lists(st.tuples(*[ids] * order), max_size=30))


@given(ngrams())
def test_sort_keys_order_ngrams_as_tuples_and_are_equal_only_for_equal_ones(drawn):
    order, rows = drawn
    keys = sort_key(columns_of(rows, order)).tolist()
    for a, key_a in zip(rows, keys, strict=True):
        for b, key_b in zip(rows, keys, strict=True):
            assert (a < b) == (key_a < key_b)
            assert (a == b) == (key_a == key_b)


@given(ngrams())
def test_merging_adds_the_counts_of_equal_ngrams_in_order(drawn):
    order, rows = drawn
    raw = np.arange(1, len(rows) + 1)
    merged = merge(NgramCounts(columns_of(rows, order), raw, raw * 2))
    expected = Counter()
    for row, count in zip(rows, raw.tolist(), strict=True):
        expected[row] += count
    assert list(zip(*(column.tolist() for column in merged.words), strict=True)) == sorted(expected)
    assert merged.raw.tolist() == [expected[row] for row in sorted(expected)]
    assert merged.left.tolist() == [2 * expected[row] for row in sorted(expected)]


@given(st.lists(st.lists(st.integers(3, 6), min_size=1, max_size=6), min_size=1, max_size=6), st.integers(1, 5))
def test_windows_are_those_of_a_loop(sentences, order):
    expected = Counter()
    for sentence in sentences:
        padded = [BOS] * (order - 1) + sentence + [EOS]
        expected.update(tuple(padded[start : start + order]) for start in range(len(sentence) + 1))
    flat = np.array([word for sentence in sentences for word in sentence], np.uint32)
    counts = count_windows(flat, np.array(list(map(len, sentences))), order)
    rows = zip(*(column.tolist() for column in counts.words), strict=True)
    assert dict(zip(rows, counts.raw.tolist(), strict=True)) == expected


@pytest.mark.parametrize("order", [1, 3])
def test_the_hash_is_of_the_context_alone(order):
    rng = np.random.default_rng(0)
    words = tuple(rng.integers(0, 50, 2000, np.uint32) for _ in range(order))
    hashes = {}
    for *context, _, digest in zip(*words, context_hash(words).tolist(), strict=True):
        assert hashes.setdefault(tuple(context), digest) == digest
    assert len(set(hashes.values())) == len(hashes)
