import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tokenizer_lab.candidates import Candidates
from tokenizer_lab.pruning import below_cutoff, drop_order, last_merged, least_loss
from tokenizer_lab.reachability import parents, symbols_of


def family(pieces, edges, protected=()):
    """Candidates by name; `edges` gives each multi's two parents, by name or None for a base token."""
    index = {piece: i for i, piece in enumerate(pieces)}
    pairs = [[index.get(half, -1) for half in edges.get(piece, (None, None))] for piece in pieces]
    mask = np.array([piece in protected for piece in pieces])
    return Candidates(tuple(pieces), len(edges), mask, np.array(pairs, np.int32))


CHAIN = family(["ab", "abc", "a", "b", "c"], {"ab": ("a", "b"), "abc": ("ab", "c")})


def dropped(candidates, counts, order):
    alive = np.ones(len(candidates), bool)
    return [candidates.pieces[i] for i in drop_order(candidates, alive, np.array(counts), order)]


def test_a_child_goes_first_and_credits_its_parents():
    assert dropped(CHAIN, [3, 3, 9, 9, 9], below_cutoff(CHAIN, 5)) == ["abc"]  # ab then has 6


def test_a_chain_goes_whole_when_even_the_sum_is_rare():
    assert dropped(CHAIN, [1, 1, 9, 9, 9], below_cutoff(CHAIN, 5)) == ["abc", "ab"]


def test_a_rare_parent_of_a_frequent_child_stays():
    assert dropped(CHAIN, [0, 9, 0, 0, 0], below_cutoff(CHAIN, 5)) == []


def test_a_protected_letter_stays_under_the_cutoff():
    letters = family(["a", "b"], {}, protected="a")
    assert dropped(letters, [0, 0], below_cutoff(letters, 5)) == ["b"]


def test_a_letter_costs_twice_as_much_as_a_multi():
    candidates = family(["xy", "a"], {"xy": (None, None)})
    assert dropped(candidates, [3, 2], least_loss(candidates)) == ["xy", "a"]
    assert dropped(candidates, [5, 2], least_loss(candidates)) == ["a", "xy"]


def test_merge_order_drops_multis_from_the_last_then_letters():
    assert dropped(CHAIN, [0, 9, 0, 0, 0], last_merged(CHAIN)) == ["abc", "ab", "c", "b", "a"]


@given(st.lists(st.integers(0, 20), min_size=5, max_size=5), st.integers(0, 40))
def test_every_prefix_leaves_no_orphan(counts, cutoff):
    order = dropped(CHAIN, counts, below_cutoff(CHAIN, cutoff))
    edges = {"ab": "ab", "abc": ("ab", "c")}
    for size in range(len(order) + 1):
        kept = set(CHAIN.pieces) - set(order[:size])
        assert all(half in kept for piece in kept & set(edges) for half in edges[piece])


def test_merging_goes_by_rank_then_leftmost():
    assert symbols_of("aaa", {"aa": 0}) == ["aa", "a"]
    assert symbols_of("abc", {"bc": 0, "ab": 1}) == ["a", "bc"]


def test_parents_of_a_dead_piece_are_none():
    assert parents("abcd", {"bc": 0, "ab": 1, "cd": 2, "abcd": 3}) is None
