import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_tokenizer_lab.loop import merges as module
from malmoi_tokenizer_lab.loop.merges import NEVER, Merges, apply_merges, merge_units

from tests.tokenizer_lab.plain_bpe import parents, symbols_of

ALPHABET = "abc"
texts = st.text(ALPHABET, min_size=1, max_size=12)
ranked = st.dictionaries(texts.filter(lambda text: len(text) > 1), st.integers(0, 6), max_size=12)


def table_of(ranks):
    """All splits of some pieces: the table, and the text of each symbol."""
    names = [*ALPHABET, *ranks]
    ids = {name: index for index, name in enumerate(names)}
    rows = [
        (ids[text[:cut]], ids[text[cut:]], ids[text], rank)
        for text, rank in ranks.items()
        for cut in range(1, len(text))
        if text[:cut] in ids and text[cut:] in ids
    ]
    return Merges.of(rows), names


def ragged(texts):
    symbols = np.array([ALPHABET.index(x) for text in texts for x in text], np.int32)
    return symbols, np.array([len(text) for text in texts], np.int32)


def named(names, symbols, lengths):
    parts = np.split(symbols, np.cumsum(lengths)[:-1]) if len(lengths) else []
    return [[names[symbol] for symbol in part.tolist()] for part in parts]


@given(ranked, st.lists(texts, max_size=9), st.integers(1, 3))
def test_units_merge_as_in_plain_python(ranks, units, stop_at):
    """Equal ranks among them: then the leftmost pair is first."""
    table, names = table_of(ranks)
    expected = [symbols_of(unit, ranks, stop_at=stop_at) for unit in units]
    assert named(names, *merge_units(table, table.ranks, *ragged(units), stop_at=stop_at)) == expected
    if units:
        assert named(names, *apply_merges(table, table.ranks, *ragged(units), stop_at=stop_at)) == expected


@given(ranked, st.lists(texts, min_size=1, max_size=20), st.sampled_from([1, 2, 4]))
def test_batches_and_threads_change_nothing(ranks, units, num_threads):
    table, names = table_of(ranks)
    expected = [symbols_of(unit, ranks) for unit in units]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BATCH", 3)
        merged = merge_units(table, table.ranks, *ragged(units), num_threads)
    assert named(names, *merged) == expected
    assert [part.dtype for part in merged] == [np.int32, np.int32]


@given(ranked, st.sets(st.integers(0, 20)), st.lists(texts, min_size=1, max_size=5))
def test_symbols_that_are_gone_never_form(ranks, gone, units):
    table, names = table_of(ranks)
    mask = np.array([index in gone and index >= len(ALPHABET) for index in range(len(names))])
    left = {text: rank for text, rank in ranks.items() if not mask[names.index(text)]}
    merged = merge_units(table, table.ranks_without(mask), *ragged(units))
    assert named(names, *merged) == [symbols_of(unit, left) for unit in units]


def test_an_empty_table_merges_nothing():
    table = Merges.of([])
    symbols, lengths = merge_units(table, table.ranks, *ragged(["ab", "c"]))
    assert (symbols.tolist(), lengths.tolist()) == ([0, 1, 2], [2, 1])


def test_a_pair_given_twice_keeps_its_lowest_rank():
    table = Merges.of([(0, 1, 7, 5), (0, 1, 8, 2), (1, 2, 9, 3)])
    assert table.ranks.tolist() == [2, 3]
    symbols, _ = merge_units(table, table.ranks, *ragged(["abc"]))
    assert symbols.tolist() == [8, 2]


@given(st.dictionaries(st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)), st.integers(0, 9)), st.data())
def test_pairs_are_found(pairs, data):
    table = Merges.of([(left, right, rank + 1, rank) for (left, right), rank in pairs.items()])
    asked = data.draw(st.lists(st.one_of(st.tuples(st.integers(0, 9), st.integers(0, 9)), *map(st.just, pairs))))
    rows = table.find(*(np.array([pair[side] for pair in asked], np.int32) for side in (0, 1)))
    ranks = np.append(table.ranks, NEVER)
    assert ranks[rows].tolist() == [pairs.get(pair, NEVER) for pair in asked]


def test_plain_merging_goes_by_rank_then_leftmost():
    assert symbols_of("aaa", {"aa": 0}) == ["aa", "a"]
    assert symbols_of("abc", {"bc": 0, "ab": 1}) == ["a", "bc"]
    assert symbols_of("abc", {"bc": 0, "ab": 0}) == ["ab", "c"]


def test_plain_parents_of_a_dead_piece_are_none():
    assert parents("abcd", {"bc": 0, "ab": 1, "cd": 2, "abcd": 3}) is None
