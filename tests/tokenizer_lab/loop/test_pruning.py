import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from malmoi_tokenizer_lab.loop.policies import LETTER_COST, State, _least_loss
from malmoi_tokenizer_lab.loop.pruning import closed, drop_order, made_from

from tests.tokenizer_lab.loop.toy import bases, candidates_of, limits_of, toy_inventory, vocabularies

NAMES = ["ab", "abc", "abcb", "a", "b", "c"]
EDGES = np.array([[3, 4], [0, 5], [1, 4], [-1, -1], [-1, -1], [-1, -1]], np.int32)


def below(cutoff, protected=()):
    return lambda index, count: count if count < cutoff and NAMES[index] not in protected else None


def dropped(counts, order):
    return [NAMES[i] for i in drop_order(EDGES, np.ones(len(NAMES), bool), np.array(counts), order).tolist()]


def test_a_child_goes_first_and_credits_its_parents():
    assert dropped([3, 3, 0, 9, 9, 9], below(4)) == ["abcb", "abc"]  # ab then has 6
    assert dropped([3, 3, 1, 9, 9, 9], below(4)) == ["abcb"]  # abc then has 4
    assert dropped([1, 2, 0, 9, 9, 9], below(4)) == ["abcb", "abc", "ab"]


def test_a_rare_parent_of_a_frequent_child_stays():
    assert dropped([0, 0, 9, 0, 0, 0], below(5)) == []


def test_what_must_stay_stays_with_its_parents():
    assert dropped([0, 0, 0, 0, 0, 0], below(5, protected=["abc"])) == ["abcb"]


def test_ties_go_to_the_later_candidate():
    assert dropped([9, 9, 9, 9, 9, 9], lambda index, count: 0) == ["abcb", "abc", "c", "ab", "b", "a"]


def test_candidates_that_are_gone_are_left_alone():
    alive = np.array([True, False, False, True, True, True])
    counts = np.array([3, 100, 100, 0, 0, 0])
    assert drop_order(EDGES, alive, counts, below(4)).tolist() == [5, 0, 4, 3]


def test_a_letter_costs_twice_as_much_as_a_multi():
    candidates, _ = candidates_of(["가나"], toy_inventory(), {"가나다": 1})
    state = State(candidates, np.ones(2, bool), np.zeros(2), np.full((2, 2), -1), limits_of(candidates, 1))
    order = _least_loss(state)
    assert (order(0, 5), order(1, 5)) == (5, LETTER_COST * 5)
    wanted = limits_of(candidates, 1, wanted=["가나"])
    order = _least_loss(State(candidates, np.ones(2, bool), np.zeros(2), np.full((2, 2), -1), wanted))
    assert (order(0, 5), order(1, 5)) == (None, LETTER_COST * 5)


def ancestors(edges, index):
    """What a candidate is made from, itself included."""
    return {index}.union(*(ancestors(edges, parent) for parent in edges[index] if parent >= 0))


@given(bases, vocabularies, st.data())
def test_closures_are_those_of_a_walk(base_multis, multis, data):
    candidates, _ = candidates_of(multis, toy_inventory(base_multis), {"가": 1})
    flags = st.lists(st.booleans(), min_size=len(candidates), max_size=len(candidates))
    marked = np.array(data.draw(flags), bool)
    edges = candidates.edges(np.ones(len(candidates), bool))
    walks = [ancestors(edges.tolist(), index) for index in range(len(candidates))]
    chosen = set(np.flatnonzero(marked).tolist())
    assert set(np.flatnonzero(closed(edges, marked)).tolist()) == set().union(*(walks[index] for index in chosen))
    made = {index for index, walk in enumerate(walks) if walk & chosen}
    assert set(np.flatnonzero(made_from(edges, marked)).tolist()) == made


def plain_drop_order(edges, alive, counts, cutoff):
    """The rarest leaf below the cutoff goes, again and again, and credits its parents."""
    counts, alive, order = list(counts), list(alive), []
    while True:
        parents = {parent for index, pair in enumerate(edges) if alive[index] for parent in pair}
        may_go = [i for i in range(len(counts)) if alive[i] and i not in parents and counts[i] < cutoff]
        if not may_go:
            return order
        index = min(may_go, key=lambda i: (counts[i], -i))
        order.append(index)
        alive[index] = False
        for parent in edges[index]:
            if parent >= 0:
                counts[parent] += counts[index]


@given(bases, vocabularies, st.one_of(st.integers(0, 30), st.just(math.inf)), st.data())
def test_the_order_is_that_of_plain_python_and_leaves_no_orphan(base_multis, multis, cutoff, data):
    candidates, _ = candidates_of(multis, toy_inventory(base_multis), {"가": 1})
    number = len(candidates)
    counts = data.draw(st.lists(st.integers(0, 9), min_size=number, max_size=number))
    edges = candidates.edges(np.ones(number, bool))
    order = drop_order(
        edges, np.ones(number, bool), np.array(counts, np.int64), lambda index, count: count if count < cutoff else None
    ).tolist()
    assert order == plain_drop_order(edges.tolist(), [True] * number, counts, cutoff)
    left = set(range(number))
    for index in order:
        left.remove(index)
        assert all(parent in left for kept in left for parent in edges[kept].tolist() if parent >= 0)
