from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.sample.draws import Dice, bits, key_of, lognormal_table, quantile_table, stream, zipf_table

KEYS = st.integers(0, 2**64 - 1)


@given(key=KEYS, count=st.integers(1, 20))
def test_dice_and_stream_are_the_same_generator(key, count):
    dice = Dice(key)
    values = stream(np.full(1, key, np.uint64), np.arange(count, dtype=np.uint64))
    assert [dice.next64() for _ in range(count)] == values.tolist()


def test_splitmix64_gives_the_published_values():
    # The first outputs for the seed 1234567 in the reference implementation.
    values = stream(np.full(1, 1234567, np.uint64), np.arange(3, dtype=np.uint64))
    assert values.tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(key=KEYS, low=st.integers(-5, 5), span=st.integers(0, 10))
def test_between_stays_between(key, low, span):
    assert low <= Dice(key).between(low, low + span) <= low + span


def test_patterns_fill_with_digits_of_their_range():
    filled = [Dice(key_of(n)).digits("!?#-0") for n in range(300)]
    assert {text[0] for text in filled} == set("123456789")
    assert {text[1] for text in filled} == set("23456789")
    assert {text[2] for text in filled} == set("0123456789")
    assert {text[3:] for text in filled} == {"-0"}


def test_quantile_table_draws_by_weight():
    assert Counter(quantile_table([1, 0, 3], 4).tolist()) == {0: 4, 2: 12}


def test_zipf_frequencies_fall_as_one_over_rank():
    draws = stream(np.full(1, 1, np.uint64), np.arange(400_000, dtype=np.uint64))
    counts = np.bincount(zipf_table(5000)[bits(draws, 0, 20)], minlength=5000)
    ranks = np.array([10, 100, 1000])
    measured = [counts[rank - rank // 10 : rank + rank // 10 + 1].mean() for rank in ranks]
    slope = np.polyfit(np.log(ranks), np.log(measured), 1)[0]
    assert -1.1 < slope < -0.85


def test_lengths_are_clipped_around_their_median():
    table = lognormal_table(100, 0.6, 30, 500)
    assert (table.min(), table.max(), int(np.median(table))) == (30, 500, 100)
