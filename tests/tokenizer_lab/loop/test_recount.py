import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts.arrays import ranges
from malmoi_tokenizer_lab.loop import recount as module
from malmoi_tokenizer_lab.loop.recount import Recount

from tests.tokenizer_lab.loop.toy import (
    Counted,
    bases,
    candidates_of,
    corpora,
    encoded,
    spelled,
    toy_inventory,
    toy_model,
    vocabularies,
)

FULL, HALF, NONE = 0.0, 0.5, 1.0


def tokens_of(counter, candidates):
    """The tokens that the counter holds of each unit, as texts."""
    texts = [*candidates.inventory.texts, *candidates.pieces[: candidates.num_multis]]
    flat = counter._tokens[ranges(counter._starts, counter._lengths)].tolist()
    parts = np.split(np.array(flat), np.cumsum(counter._lengths)[:-1])
    return [[texts[symbol] for symbol in part.tolist()] for part in parts]


def draw_change(data, alive):
    """Candidates to drop and to add; one may be in both, as a letter of the published loop is."""
    present, absent = np.flatnonzero(alive).tolist(), np.flatnonzero(~alive).tolist()
    dropped = data.draw(st.lists(st.sampled_from(present), unique=True)) if present else []
    pool = absent + dropped
    added = data.draw(st.lists(st.sampled_from(pool), unique=True)) if pool and data.draw(st.booleans()) else []
    return np.array(dropped, np.int64), np.array(added, np.int64)


@pytest.mark.long
@settings(max_examples=200)
@given(bases, vocabularies, corpora, st.sampled_from([FULL, HALF, NONE]), st.sampled_from([0.0, 0.5, 1.0]), st.data())
def test_any_changes_count_as_from_nothing_and_as_sentencepiece(base_multis, multis, units, share, garbage, data):
    """Whatever is dropped, leaves or not, and whatever comes back; recounted in part or in full, swept or not."""
    inventory = toy_inventory(base_multis)
    candidates, _ = candidates_of(multis, inventory, units)
    units_as_symbols = spelled(inventory, units)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FULL_SHARE", share)
        patch.setattr(module, "_GARBAGE_SHARE", garbage)
        counter = Recount(candidates, units_as_symbols, np.ones(len(candidates), bool))
        for _ in range(data.draw(st.integers(1, 4))):
            counter.change(*draw_change(data, counter.alive))
            expected = Counted(units, base_multis, candidates, counter.alive)
            assert tokens_of(counter, candidates) == expected.tokens
            assert counter.counts().tolist() == expected.counts
            assert counter.num_tokens() == expected.num_tokens
    ids = encoded(units, base_multis, candidates, counter.alive)
    by_id = np.bincount([i for part in ids for i in part], np.repeat(counter._units.counts, list(map(len, ids))))
    first = len(toy_model(base_multis).pieces)
    new = np.append(by_id[first:], np.zeros(len(candidates)))[: counter.alive.sum()]
    assert counter.counts()[counter.alive].tolist() == new.tolist()
    assert counter.num_tokens()[0] == by_id.sum()


def small_case(units, multis):
    inventory = toy_inventory()
    candidates, _ = candidates_of(multis, inventory, units)
    return candidates, Recount(candidates, spelled(inventory, units), np.ones(len(candidates), bool))


def test_an_index_of_final_tokens_would_miss_a_unit():
    """가나다 holds no 가나, but 가나 was formed on the way to it: without it the unit falls apart."""
    units = {"가나다": 3, "가나": 4, "나나": 5, "다다": 1, "가가": 1}
    candidates, counter = small_case(units, ["가나", "가나다"])
    middle = candidates.pieces.index("가나")
    before = tokens_of(counter, candidates)
    final_only = [index for index, tokens in enumerate(before) if "가나" in tokens]
    counter.change(np.array([middle]), np.zeros(0, np.int64))
    after = tokens_of(counter, candidates)
    changed = [index for index in range(len(units)) if before[index] != after[index]]
    assert changed == [0, 1] != final_only == [1]
    assert counter.recounted == 2
    assert counter.counts().tolist() == [0, 0, 5]


def test_only_what_a_change_reaches_is_encoded_again():
    units = {"가나다": 3, "가나": 4, "나나": 5, "다다": 1, "가가": 1, "나다": 2}
    candidates, counter = small_case(units, ["가나", "가나다", "다다"])
    assert counter.recounted == 6
    letter = candidates.pieces.index("다")
    counter.change(np.array([letter]), np.zeros(0, np.int64))
    assert counter.recounted == 0  # a letter changes no merge, only what it costs
    assert counter.num_tokens()[0] == 3 + 4 + 10 + 1 + 2 + 2 * (1 + 3)
    counter.change(np.array([1]), np.array([letter]))
    assert counter.recounted == 1
    counter.change(np.zeros(0, np.int64), np.array([1]))
    assert counter.recounted == 6


def test_many_units_are_encoded_again_in_full(monkeypatch):
    units = {"가나": 1, "가나다": 1, "다": 1, "나": 1}
    monkeypatch.setattr(module, "FULL_SHARE", 0.49)
    _, counter = small_case(units, ["가나"])
    counter.change(np.array([0]), np.zeros(0, np.int64))
    assert counter.recounted == 4
    monkeypatch.setattr(module, "FULL_SHARE", 0.5)
    _, counter = small_case(units, ["가나"])
    counter.change(np.array([0]), np.zeros(0, np.int64))
    assert counter.recounted == 2
    assert counter.counts().tolist() == [0, 2]


def test_old_tokens_are_swept_out(monkeypatch):
    """Each change encodes all tokens of both units again, one more than before: 8, 10, 12, ..."""
    monkeypatch.setattr(module, "FULL_SHARE", 1.0)
    candidates, counter = small_case(
        {"가나가다나다ㅋ가": 1, "가나가다나다ㅋ가나가": 1}, ["가나", "가다", "나다", "ㅋ가"]
    )
    held = [len(counter._tokens)]
    for index in range(candidates.num_multis):
        counter.change(np.array([index]), np.zeros(0, np.int64))
        held.append(len(counter._tokens))
        assert counter._held == counter._lengths.sum() >= held[-1] / 2
    assert any(later < sooner for sooner, later in itertools.pairwise(held))
    assert tokens_of(counter, candidates) == [list("가나가다나다ㅋ가"), list("가나가다나다ㅋ가나가")]


@pytest.mark.parametrize("num_threads", [1, 2, 4])
def test_threads_change_nothing(num_threads, monkeypatch):
    monkeypatch.setattr("malmoi_tokenizer_lab.loop.merges.BATCH", 2)
    units = {"가나다": 3, "가나": 4, "나나": 5, "다다": 1, "ㅋㅋㅋ": 1}
    candidates, _ = candidates_of(["가나", "ㅋㅋ"], toy_inventory(), units)
    counter = Recount(candidates, spelled(toy_inventory(), units), np.ones(len(candidates), bool), num_threads)
    assert counter.counts().tolist() == Counted(units, (), candidates, counter.alive).counts
