import itertools
import math

import kenlm
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from malmoi_pipelines.lm.estimate import FALLBACK, discounts

from tests.pipelines.lm.naive import BOS, EOS, UNK
from tests.pipelines.lm.small import naive_of, read_model, train_here

WORDS = ("가", "나", "다", "라", "마", "바")
lines = st.lists(st.sampled_from(WORDS), min_size=1, max_size=7).map(" ".join)
corpora = st.lists(st.lists(lines, min_size=1, max_size=3).map("\n".join), min_size=1, max_size=12)
RELAXED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def zipf(seed, sentences=300, words=40):
    """Text whose counts of counts give discounts of their own."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 9, sentences)
    return [" ".join(chr(ord("가") + rank) for rank in np.minimum(rng.zipf(1.5, length), words)) for length in lengths]


def assert_equals_naive(path, naive):
    model = read_model(path)
    expected = {gram for grams in naive.kept.values() for gram in grams} | {(UNK,), (BOS,)}
    assert set(model) == expected
    for gram, (log_p, log_backoff) in model.items():
        if gram != (BOS,):
            assert log_p == pytest.approx(math.log10(naive.p(gram[:-1], gram[-1])), abs=1e-5)
        if len(gram) < naive.order:
            assert log_backoff == pytest.approx(math.log10(naive.backoff(gram)), abs=1e-5)


@settings(max_examples=40, deadline=None, suppress_health_check=RELAXED)
@given(
    corpora,
    st.fixed_dictionaries(
        {"order": st.integers(2, 4), "min_count": st.integers(1, 3), "word_types": st.sampled_from([0, 5, 10**7])}
    ),
    st.integers(0, 2),
    st.integers(60, 600),
)
def test_every_probability_and_backoff_is_that_of_the_formulas(
    tmp_path_factory, texts, given_settings, threshold, partition_bytes
):
    folder = tmp_path_factory.mktemp("lm")
    given_settings["prune"] = (0, *[threshold] * (given_settings["order"] - 1))
    naive = naive_of(texts, **given_settings)
    assume(set(naive.words) > {UNK, EOS})  # else there is nothing to learn
    path, _ = train_here(folder, texts, partition_bytes, **given_settings)
    assert_equals_naive(path, naive)


@pytest.mark.parametrize("order", [2, 3, 4, 6])
@pytest.mark.parametrize("prune", [(0,), (0, 0, 1), (0, 1, 2)])
@pytest.mark.parametrize("min_count", [1, 3])
def test_a_text_with_discounts_of_its_own_equals_the_formulas(tmp_path, order, prune, min_count):
    prune = prune[:order]
    texts = zipf(order)
    path, trained = train_here(tmp_path, texts, 500, order=order, prune=prune, min_count=min_count)
    assert not all(total.discounts.fallback for total in trained.totals)
    assert_equals_naive(path, naive_of(texts, order, prune, min_count))


@pytest.mark.parametrize("prune", [(0,), (0, 0, 1)])
def test_kenlm_scores_held_out_sentences_as_the_formulas_do(tmp_path, prune):
    texts = zipf(1)
    path, _ = train_here(tmp_path, texts, order=3, prune=prune, min_count=2)
    model, naive = kenlm.Model(str(path)), naive_of(texts, 3, prune, 2)
    for sentence in [*zipf(2, sentences=50), "각 모르는 각", "처음 보는 말"]:
        known = [word if word in naive.words else UNK for word in sentence.split()]
        assert model.score(sentence) == pytest.approx(naive.score(known), abs=1e-4)


@pytest.mark.parametrize("word_types", [0, 1000])
@pytest.mark.parametrize("prune", [(0,), (0, 0, 1), (0, 2, 2)])
def test_the_probabilities_of_all_words_after_any_context_sum_to_one(tmp_path, prune, word_types):
    path, trained = train_here(tmp_path, zipf(3), order=3, prune=prune, min_count=2, word_types=word_types)
    model = kenlm.Model(str(path))
    words = [word.decode() for word in trained.words.to_pylist()]
    known = [*words, EOS]
    unknown = max(1, word_types - len(known))
    contexts = ([], [words[0]], [words[3], words[1]], [words[-1], words[-1]], ["없는", words[0]], [words[0], "없는"])
    for start, context in itertools.product((model.BeginSentenceWrite, model.NullContextWrite), contexts):
        state = kenlm.State()
        start(state)
        for word in context:
            after = kenlm.State()
            model.BaseScore(state, word, after)
            state = after
        p = {word: 10 ** model.BaseScore(state, word, kenlm.State()) for word in [*known, UNK]}
        assert sum(p.values()) + (unknown - 1) * p[UNK] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    "counts", [(0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (10, 1, 9, 1), (1, 1, 2, 1), (1, 1, 1, 9)]
)
def test_discounts_fall_back_where_the_counts_of_counts_give_none(counts):
    assert discounts(counts).amounts == FALLBACK
    assert discounts(counts).fallback


def test_discounts_are_those_of_chen_and_goodman():
    # lmplz prints these for its own check; n4 may be 0
    assert discounts((8, 4, 2, 0)).amounts == pytest.approx((0.5, 1.25, 3.0))
