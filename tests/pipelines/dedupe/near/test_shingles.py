import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.dedupe.near.shingles import shingles, unit_counts
from malmoi_pipelines.dedupe.normalise import normalise
from malmoi_pipelines.text import rolling_hash as module

from tests.pipelines.dedupe.corpus import plain_words, words

WORDS = st.lists(st.sampled_from(["가", "나", "가나", "나가", "a", "0"]), max_size=12).map(" ".join)


def sets_of(texts: list[str], size: int, max_chars: int | None = None, unit: str = "eojeol") -> list[list[int]]:
    hashes, bounds = shingles(normalise(texts), unit, size, max_chars)
    return [hashes[start:end].tolist() for start, end in itertools.pairwise(bounds)]


@pytest.mark.long
@pytest.mark.parametrize("unit", ["eojeol", "syllables"])
@given(st.lists(WORDS, max_size=6), st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_hashes_are_equal_where_the_units_are_and_only_there(unit, texts, size):
    hash_of: dict[str, int] = {}
    block = normalise(texts)
    counts = []
    for text, hashes in zip(texts, sets_of(texts, size, unit=unit), strict=True):
        units = plain_words(text) if unit == "eojeol" else list("".join(plain_words(text)))
        counts.append(len(units))
        joiner = " " if unit == "eojeol" else ""
        runs = [joiner.join(units[i : i + size]) for i in range(max(len(units) - size, 0) + 1)] if units else []
        assert len(hashes) == len(runs)
        for run, value in zip(runs, hashes, strict=True):
            assert hash_of.setdefault(run, value) == value
    assert len(set(hash_of.values())) == len(hash_of)
    assert unit_counts(block, unit).tolist() == counts


def test_syllables_do_not_see_spaces():
    assert (
        len({tuple(sets_of([text], 3, unit="syllables")[0]) for text in ("띄어 쓰기가 다르다", "띄어쓰기 가다르 다")})
        == 1
    )


def test_hashes_do_not_depend_on_neighbours_or_windows(monkeypatch):
    rng = random.Random(1)
    texts = [" ".join(words(rng, count)) for count in (3, 700, 0, 5, 4, 90)]
    alone = [sets_of([text], 5)[0] for text in texts]
    assert sets_of(texts, 5) == alone
    for window in (1, 17, 1000):
        monkeypatch.setattr(module, "_WINDOW", window)
        assert sets_of(texts, 5) == alone


def test_a_word_longer_than_the_window():
    giant = "가" * 300_000
    (hashes,) = sets_of([f"{giant} 나 다 라 마 바"], 5)
    (other,) = sets_of([f"{giant}가 나 다 라 마 바"], 5)
    assert hashes[0] != other[0]
    assert hashes[1:] == other[1:]


def test_the_cap_cuts_at_whole_words():
    text = "가 나 다 라 마 바 사"
    whole = sets_of([text, text], 5)[1]
    assert sets_of([text, text], 5, max_chars=9)[1] == whole[:1]
    assert sets_of([text, text], 5, max_chars=8)[1] == sets_of(["가 나 다 라"], 5)[0]
    assert sets_of([text], 5, max_chars=8, unit="syllables") == sets_of(["가 나 다 라"], 5, unit="syllables")
    assert sets_of([text, text], 5, max_chars=100)[1] == whole


GOLDEN = [2118143509490894693, 14174809468666345699]


def mix(value: int) -> int:
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ value >> 27) * 0x94D049BB133111EB % 2**64
    return value ^ value >> 31


def test_the_hash_is_the_one_of_the_docstring():
    base = 0x9E3779B97F4A7C15
    value = lambda character: mix((ord(character) + 1) * base % 2**64)  # noqa: E731
    runs = ["나라의 말이 중국과 달라 문자와", "말이 중국과 달라 문자와 서로"]
    plain = [mix(sum(value(c) * pow(base, i, 2**64) for i, c in enumerate(run)) % 2**64) for run in runs]
    assert sets_of(["나라의 말이  중국과 달라\n문자와 서로"], 5)[0] == plain == GOLDEN


def test_hashes_are_spread_over_all_bits():
    rng = random.Random(2)
    hashes, _ = shingles(normalise([" ".join(words(rng, 20_000))]), "eojeol", 5)
    bits = (hashes[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert bits.mean(axis=0) == pytest.approx(0.5, abs=0.02)
