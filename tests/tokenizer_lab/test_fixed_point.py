import math

import numpy as np
import pytest

from pipelines.contracts.errors import CheckError
from tests.tokenizer_lab.small import SMALL
from tokenizer_lab.candidates import find_candidates
from tokenizer_lab.counting import encode_units
from tokenizer_lab.fixed_point import Recount, find_fixed_point
from tokenizer_lab.intermediate import extract_multis
from tokenizer_lab.model_proto import extend, load_for_units
from tokenizer_lab.pruning import below_cutoff, drop_order
from tokenizer_lab.words import read_words

CUTOFF = 12


@pytest.fixture(scope="module")
def table(words):
    return read_words([words])


@pytest.fixture(scope="module")
def candidates(table, base):
    multis = extract_multis(table.korean, table.letters, base, SMALL)
    return find_candidates(multis, base, table.letters, CUTOFF)


def loop(base, candidates, table, budget=math.inf, **settings):
    config = SMALL.model_copy(update=settings)
    return find_fixed_point(base, candidates, table.korean, cutoff=CUTOFF, budget=budget, config=config)


def test_it_ends_where_nothing_more_can_be_dropped(base, candidates, table):
    found = loop(base, candidates, table)
    assert found.rounds[0].dropped > 0
    assert found.rounds[-1].dropped == 0
    alive = np.zeros(len(candidates), bool)
    alive[found.alive] = True
    assert not len(drop_order(candidates, alive, found.counts, below_cutoff(candidates, CUTOFF)))


def test_running_it_again_on_its_result_drops_nothing(base, candidates, table):
    found = loop(base, candidates, table)
    kept = [candidates.pieces[i] for i in found.alive.tolist() if i < candidates.num_multis]
    again = loop(base, find_candidates(kept, base, table.letters, CUTOFF), table)
    assert [this.dropped for this in again.rounds] == [0]


def test_every_token_reaches_the_cutoff_or_is_needed(base, candidates, table):
    found = loop(base, candidates, table)
    alive = set(found.alive.tolist())
    needed = {parent for index in alive for parent in candidates.parents[index].tolist()}
    for index in alive:
        reaches = found.counts[index] >= CUTOFF or candidates.protected[index]
        assert reaches or index in needed, candidates.pieces[index]
    assert needed - {-1} <= alive


def test_the_budget_is_met_exactly(base, candidates, table):
    for policy in ("leaves", "merge-order"):
        assert len(loop(base, candidates, table, budget=150, policy=policy).alive) == 150


def test_a_recount_after_drops_equals_a_count_from_nothing(base, candidates, table):
    """Only units that held a dropped token are encoded again: that must not miss any."""
    recount = Recount(base, candidates, table.korean)
    order = drop_order(candidates, recount.alive, recount.counts(), lambda index, count: count)
    for part in np.array_split(order[: len(order) * 3 // 4], 5):
        recount.drop(part)
        alive = np.flatnonzero(recount.alive)
        model = extend(base, candidates.rows(base, alive))
        fresh = encode_units(load_for_units(model), table.korean.text, 1)
        counts = fresh.counts(table.korean.counts, len(model.pieces))
        assert fresh.lengths.tolist() == recount.tokens.lengths.tolist()
        assert recount.counts()[alive].tolist() == counts[len(base.pieces) :].tolist()


def test_it_does_not_run_for_ever(base, candidates, table):
    with pytest.raises(CheckError, match="no fixed point after 1 rounds"):
        loop(base, candidates, table, max_rounds=1)
