import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts.hangul import letters_of
from malmoi_tokenizer_lab.loop.candidates import find_candidates
from malmoi_tokenizer_lab.loop.merges import Merges
from malmoi_tokenizer_lab.loop.spelling import Inventory

from tests.tokenizer_lab.loop.toy import (
    BARE,
    MARK,
    bases,
    candidates_of,
    corpora,
    letters_in,
    ranks_of,
    toy_inventory,
    vocabularies,
)
from tests.tokenizer_lab.plain_bpe import parents


def texts_of(candidates):
    return [*candidates.inventory.texts, *candidates.pieces[: candidates.num_multis]]


@given(bases, vocabularies, st.data())
def test_parents_are_those_of_plain_python(base_multis, multis, data):
    """Of any vocabulary, closed or not; dead pieces have none."""
    candidates, _ = candidates_of(multis, toy_inventory(base_multis), {"가": 1})
    flags = st.lists(st.booleans(), min_size=len(candidates), max_size=len(candidates))
    alive = np.array(data.draw(flags), bool)
    ranks, texts = ranks_of(base_multis, candidates, alive), texts_of(candidates)
    pairs = candidates.parents(alive).tolist()
    edges = candidates.edges(alive).tolist()
    for index, piece in enumerate(candidates.pieces):
        expected = parents(piece, ranks) if alive[index] and index < candidates.num_multis else None
        assert (None if pairs[index][0] < 0 else tuple(texts[symbol] for symbol in pairs[index])) == expected, piece
        named = [candidates.pieces.index(half) if half in candidates.pieces else -1 for half in expected or ()]
        assert edges[index] == (named or [-1, -1])


@given(bases, vocabularies)
def test_pieces_that_merging_never_makes_are_told_apart(base_multis, multis):
    inventory = toy_inventory(base_multis)
    multis = [piece for piece in multis if piece not in inventory.ids]
    candidates, unreachable = find_candidates(multis, inventory, {}, 1)
    everything = {piece: rank for rank, piece in enumerate([*base_multis, *multis])}
    assert list(unreachable) == [piece for piece in multis if parents(piece, everything) is None]
    assert candidates.pieces[: candidates.num_multis] == tuple(x for x in multis if x not in unreachable)


def test_an_unreachable_piece():
    multis = ["나가", "가나", "가다", "가나가다"]
    candidates, unreachable = find_candidates(multis, toy_inventory(), {}, 1)
    assert unreachable == ("가나가다",)
    assert candidates.pieces == ("나가", "가나", "가다", "다")


@given(corpora, vocabularies, st.integers(1, 30), st.sets(st.sampled_from(BARE)))
def test_letters_are_closed_frequent_or_wanted(units, multis, cutoff, wanted):
    inventory, counts = toy_inventory(), letters_in(units)
    candidates, _ = find_candidates([x for x in multis if x not in inventory.ids], inventory, counts, cutoff, wanted)
    reachable, letters = candidates.pieces[: candidates.num_multis], candidates.pieces[candidates.num_multis :]
    expected = set().union(*map(letters_of, reachable)) | {x for x in counts if counts[x] >= cutoff} | wanted
    assert set(letters) == expected & set(BARE)
    assert list(letters) == sorted(letters, key=lambda letter: (-counts[letter], letter))
    assert candidates.letter_counts.tolist() == [counts[letter] for letter in letters]


def test_letters_have_no_parents_and_their_own_symbols():
    candidates, _ = candidates_of(["다ㅋ", f"{MARK}다"], toy_inventory(), {"다ㅋ": 3})
    assert candidates.pieces[candidates.num_multis :] == ("ㅋ", "다")
    assert candidates.parents(np.ones(4, bool))[2:].tolist() == [[-1, -1]] * 2
    assert candidates.edges(np.ones(4, bool)).tolist() == [[3, 2], [-1, 3], [-1, -1], [-1, -1]]
    assert candidates.index_of[candidates.symbols].tolist() == [0, 1, 2, 3]


def test_a_base_that_lacks_no_letter_gets_none():
    inventory = Inventory(("가", "나"), 2, Merges.of([]))
    candidates, _ = find_candidates(["가나"], inventory, {"가": 9, "나": 9}, 1)
    assert candidates.pieces == ("가나",)
