import collections
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.hangul import letters_of
from malmoi_tokenizer_lab.bases import open_base
from malmoi_tokenizer_lab.loop.candidates import find_candidates
from malmoi_tokenizer_lab.loop.curation import with_wanted
from malmoi_tokenizer_lab.loop.intermediate import continued_pieces, is_candidate
from malmoi_tokenizer_lab.loop.policies import LEAST_BATCH, POLICIES
from malmoi_tokenizer_lab.loop.recount import Recount

from tests.tokenizer_lab.loop.toy import (
    BARE,
    MARK,
    Counted,
    bases,
    corpora,
    kept,
    letters_in,
    limits_of,
    pieces,
    run,
    spelled,
    toy_inventory,
    vocabularies,
)
from tests.tokenizer_lab.small import SMALL

policies = st.sampled_from(list(POLICIES))
budgets = st.one_of(st.just(math.inf), st.integers(1, 12))
wanted_lists = st.one_of(st.just(()), st.lists(pieces, max_size=2, unique=True).map(tuple))
UNITS = {
    "가나다": 9,
    "가나": 2,
    "나다": 3,
    f"{MARK}가나다": 5,
    f"{MARK}{MARK}다ㅋ": 2,
    "ㅋ" * 9: 4,
    "다": 1,
    "가나가나": 5,
}
MULTIS = ["가나", "ㅋㅋ", "가나다", "ㅋㅋㅋㅋ", f"{MARK}가나다", "다ㅋ", "나다", "가나가나"]


class Case:
    """A corpus and candidates, and the loop run on them."""

    def __init__(
        self,
        base_multis,
        multis,
        units,
        cutoff,
        budget=math.inf,
        wanted=(),
        denied="",
        *,
        batch=LEAST_BATCH,
        scaffolds=False,
    ):
        self.base_multis, self.units, self.cutoff, self.budget, self.wanted = base_multis, units, cutoff, budget, wanted
        self.inventory = toy_inventory(base_multis)
        if multis is None:
            multis = continued_pieces(spelled(self.inventory, units), 40, cutoff, is_candidate)
        multis = [piece for piece in multis if piece not in self.inventory.ids and not set(denied) & set(piece)]
        letters = {letter: count for letter, count in letters_in(units).items() if letter not in denied}
        self.wanted = tuple(piece for piece in wanted if not set(denied) & set(piece))
        proposed = with_wanted(multis, self.wanted, self.inventory, is_candidate)
        self.candidates, _ = find_candidates(proposed, self.inventory, letters, cutoff, self.wanted)
        self.scaffolds = scaffolds
        self.limits = limits_of(self.candidates, cutoff, budget, self.wanted, scaffolds)
        self.symbols = spelled(self.inventory, units)
        self.batch = batch

    def run(self, policy, symbols=None):
        with pytest.MonkeyPatch.context() as patch:  # small batches: many rounds
            patch.setattr("malmoi_tokenizer_lab.loop.policies.LEAST_BATCH", self.batch)
            patch.setattr("malmoi_tokenizer_lab.loop.fixed_point.LEAST_BATCH", self.batch)
            return run(self.candidates, symbols or self.symbols, policy, self.limits)

    def needed(self, alive, tokens=None):
        """The wanted candidates, or others, and all that they are made from."""
        edges = self.candidates.edges(alive)
        found, todo = set(), np.flatnonzero(self.limits.wanted if tokens is None else tokens).tolist()
        while todo:
            index = todo.pop()
            if index >= 0 and index not in found:
                found.add(index)
                todo += edges[index].tolist()
        return found


cases = st.builds(
    Case,
    bases,
    st.one_of(st.none(), vocabularies),
    corpora,
    st.integers(1, 12),
    budgets,
    wanted_lists,
    st.sampled_from(["", "", "다", "ㅋ"]),
    batch=st.sampled_from([1, 2, 256]),
    scaffolds=st.booleans(),
)


@pytest.mark.long
@settings(max_examples=300)
@given(cases, policies)
def test_the_loop_ends_with_what_it_promises(case, policy):
    """That it ends without an error says that no vocabulary came twice."""
    candidates, found = case.candidates, case.run(policy)
    needed = case.needed(found.alive)
    assert found.alive[case.limits.wanted].all()
    assert found.alive.sum() <= max(case.budget, len(needed))
    alive = set(np.flatnonzero(found.alive).tolist())
    if case.scaffolds and not POLICIES[policy].as_published:  # what a token that reaches the cutoff is made from
        needed |= case.needed(found.alive, found.alive & (found.counts >= case.cutoff))
    have = set(kept(candidates, found.alive)) | case.inventory.ids.keys() - set(BARE)
    parents, symbols = candidates.parents(found.alive), candidates.symbols[found.alive]
    for index in alive:
        if index < candidates.num_multis:
            assert found.counts[index] >= case.cutoff or index in needed, candidates.pieces[index]
            pair = parents[index]
            assert (pair >= 0).all(), candidates.pieces[index]
            bare_or_kept = np.isin(pair, symbols) | (pair < len(case.inventory.texts))
            assert bare_or_kept.all()
            if case.budget == math.inf:
                assert letters_of(candidates.pieces[index]) <= have
    expected = Counted(case.units, case.base_multis, candidates, found.alive)
    assert np.where(found.alive, found.counts, 0).tolist() == expected.counts
    assert found.rounds[-1].corpus_tokens == expected.num_tokens[0] + 7


@settings(max_examples=150)
@given(cases, policies)
def test_a_budget_drops_letters_only_after_their_multis(case, policy):
    candidates, found = case.candidates, case.run(policy)
    have = set(kept(candidates, found.alive)) | case.inventory.ids.keys() - set(BARE)
    for piece in kept(candidates, found.alive):
        assert letters_of(piece) <= have, piece


@pytest.mark.long
@settings(max_examples=150)
@given(cases, policies)
def test_rounds_add_up(case, policy):
    candidates, found = case.candidates, case.run(policy)
    last = found.rounds[-1]
    assert [this.round for this in found.rounds] == list(range(1, len(found.rounds) + 1))
    assert (last.phase, last.dropped, last.added) == ("end", 0, 0)
    assert last.tokens == found.alive.sum()
    assert found.rounds[0].tokens == len(candidates)
    for this, following in zip(found.rounds, found.rounds[1:], strict=False):
        assert following.tokens == this.tokens - this.dropped + this.added
        assert this.dropped or this.added
        assert this.phase != "end"
    assert found.phases == {this.round: this.phase for this in found.rounds}
    for index, number in enumerate(found.dropped_in.tolist()):
        assert (number == 0) == found.alive[index]
        assert number == 0 or found.phases[number] in ("cutoff", "budget", "scaffold")
    counts = {}
    for which, values in found.history:
        counts |= dict(zip(which.tolist(), values.tolist(), strict=True))
    assert [counts[index] for index in range(len(candidates))] == found.counts.tolist()
    assert len(found.history) == len(found.recounted) == len(found.rounds)


@pytest.mark.long
@settings(max_examples=150)
@given(cases, policies)
def test_a_second_run_on_the_result_drops_nothing(case, policy):
    found = case.run(policy)
    result = kept(case.candidates, found.alive)
    again = Case(
        case.base_multis,
        [x for x in result if len(x) > 1],
        case.units,
        case.cutoff,
        case.budget,
        case.wanted,
        scaffolds=case.scaffolds,
    )
    if set(again.candidates.pieces) == set(result):  # else a short budget dropped letters, which are proposed again
        assert [this.phase for this in again.run(policy).rounds] == ["end"]
    else:
        assert case.budget < math.inf or set(result) < set(again.candidates.pieces)


@settings(max_examples=100)
@given(cases, policies, st.randoms(use_true_random=False))
def test_the_order_of_units_changes_nothing(case, policy, random):
    order = list(case.units.items())
    random.shuffle(order)
    found, permuted = case.run(policy), case.run(policy, spelled(case.inventory, dict(order)))
    assert found.alive.tolist() == permuted.alive.tolist()
    assert found.counts.tolist() == permuted.counts.tolist()
    assert found.rounds == permuted.rounds


@given(corpora, bases, st.integers(1, 5), st.randoms(use_true_random=False))
def test_the_order_of_units_changes_no_candidate(units, base_multis, cutoff, random):
    order = list(units.items())
    random.shuffle(order)
    inventory = toy_inventory(base_multis)
    made = [continued_pieces(spelled(inventory, this), 30, cutoff, is_candidate) for this in (units, dict(order))]
    assert made[0] == made[1]


def literal(case):
    """The published steps word by word: drop all that are rare, then add letters that the text has often.

    Yields the vocabulary at the start of each round.
    """
    alive = np.ones(len(case.candidates), bool)
    while True:
        yield alive.tobytes()
        counts = np.array(Counted(case.units, case.base_multis, case.candidates, alive).counts)
        alive &= counts >= case.cutoff
        yield alive.tobytes()
        alive |= case.limits.letters


def test_read_literally_the_loop_never_ends():
    """A letter that longer tokens swallow is dropped for its count and added for its occurrences, for ever."""
    case = Case((), ["다ㅋ"], {"다ㅋ": 9}, 5)
    seen = collections.Counter()
    for number, vocabulary in enumerate(literal(case)):
        seen[vocabulary] += 1
        if number == 99:
            break
    assert sorted(seen.values()) == [50, 50]  # with the letters and without them, by turns
    for policy in POLICIES:
        found = case.run(policy)
        assert len(found.rounds) == 1
        assert kept(case.candidates, found.alive) == ["다ㅋ", "ㅋ", "다"]


class Stuck(Recount):
    """A counter that takes no change: every round starts from the same vocabulary."""

    def change(self, dropped, added):
        pass


class Undoing(Recount):
    """A counter that takes every second change back."""

    done = None

    def change(self, dropped, added):
        if self.done is None:
            super().change(dropped, added)
            self.done = dropped
        else:
            super().change(added, self.done)


@pytest.mark.parametrize(("counter", "number"), [(Stuck, 1), (Undoing, 2)])
def test_a_vocabulary_that_was_there_before_is_an_error(counter, number, monkeypatch):
    monkeypatch.setattr("malmoi_tokenizer_lab.loop.policies.LEAST_BATCH", 1)
    case = Case((), MULTIS, UNITS, 6)
    fake = counter(case.candidates, case.symbols, np.ones(len(case.candidates), bool))
    with pytest.raises(CheckError, match=f"round {number} leads back to a vocabulary"):
        run(case.candidates, case.symbols, "leaf-first", case.limits, fake)


def test_it_does_not_run_for_ever():
    case = Case((), MULTIS, UNITS, 6)
    with pytest.raises(CheckError, match="no fixed point after 1 rounds"):
        run(case.candidates, case.symbols, "leaf-first", case.limits, max_rounds=1)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("cutoff", "budget"), [(1, 1), (9, math.inf), (9, 1)])
def test_wanted_pieces_stay_with_what_they_are_made_from(policy, cutoff, budget):
    """Below the cutoff, and beyond the budget."""
    case = Case((), ["가나"], {"ㅋ": 1, "가나": 2}, cutoff, budget, wanted=(f"{MARK}ㅋ가",))
    found = case.run(policy)
    wanted = [f"{MARK}ㅋ", f"{MARK}ㅋ가", "ㅋ"]
    assert kept(case.candidates, found.alive) == (["가나", *wanted] if (cutoff, budget) == (1, math.inf) else wanted)
    assert (case.candidates.parents(found.alive)[case.limits.wanted] >= 0).all()


@pytest.mark.parametrize("policy", POLICIES)
def test_a_count_equal_to_the_cutoff_keeps_a_token(policy):
    units = {"가나": 5, "다": 5}
    case = Case((), ["가나"], units, 5)
    assert kept(case.candidates, case.run(policy).alive) == ["가나", "다"]
    case = Case((), ["가나", "나다"], units | {"나다": 6}, 6)
    assert kept(case.candidates, case.run(policy).alive) == ["나다", "다"]


def test_scaffolds_may_stay():
    case = Case((), ["가나", "가나다"], {"가나다": 9}, 5, scaffolds=True)
    assert kept(case.candidates, case.run("leaf-first").alive) == ["가나", "가나다", "다"]
    assert kept(case.candidates, case.run("kosolar").alive) == ["다"]


def test_scaffolds_below_the_cutoff_are_resolved():
    """가나 is only ever part of 가나다. Where 나다 can take its place it goes; else its rarest descendant does."""
    units = {"가나다": 9, "나다": 9}
    found = Case((), ["가나", "가나다", "나다"], units, 5).run("support-closed")
    assert [this.phase for this in found.rounds] == ["scaffold", "end"]
    assert found.alive.tolist() == [False, True, True, True]
    found = Case((), ["가나", "가나다"], units, 5).run("support-closed")
    assert [this.phase for this in found.rounds] == ["scaffold", "end"]
    assert found.alive.tolist() == [True, False, True]


def test_the_published_loop_cascades_where_support_is_kept():
    """Without its scaffold 가나 the piece 가나다 cannot be made, though it is frequent."""
    units = {"가나다": 9, "가나": 1}
    case = Case((), ["가나", "가나다"], units, 10)
    assert kept(case.candidates, case.run("leaf-first").alive) == ["가나"]
    assert kept(case.candidates, case.run("kosolar").alive) == []
    case = Case((), ["가나", "가나다"], units, 9)
    assert kept(case.candidates, case.run("kosolar").alive) == ["다"]
    assert kept(case.candidates, case.run("support-closed").alive) == ["가나", "다"]


@pytest.fixture(scope="module")
def real_case(words, base_path):
    """The small corpus on the small base and the real one."""
    base = open_base(base_path)
    table = base.read_words([words], SMALL)
    units = base.spell(table, SMALL)
    multis = base.propose("intermediate", table, units, SMALL, 12)
    candidates, _ = find_candidates(multis, units.inventory, table.letters, 12)
    return candidates, units


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("budget", [math.inf, 150])
def test_a_larger_corpus(real_case, policy, budget):
    candidates, units = real_case
    found = run(candidates, units, policy, limits_of(candidates, 12, budget))
    assert len(found.rounds) > 1
    assert found.alive.sum() <= budget
    assert (found.counts[: candidates.num_multis][found.alive[: candidates.num_multis]] >= 12).all()
    fresh = Recount(candidates, units, found.alive)
    assert fresh.counts()[found.alive].tolist() == found.counts[found.alive].tolist()
