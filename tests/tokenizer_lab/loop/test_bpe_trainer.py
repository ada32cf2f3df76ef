import collections
import io
import itertools

import pyarrow as pa
import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st
from malmoi_tokenizer_lab.loop.bpe_trainer import train_bpe
from malmoi_tokenizer_lab.loop.intermediate import LONGEST_PIECE, continued_pieces, intermediate_pieces, is_candidate
from malmoi_tokenizer_lab.loop.merges import Merges
from malmoi_tokenizer_lab.loop.spelling import Inventory, Spelling
from sentencepiece import sentencepiece_model_pb2 as proto

from tests.tokenizer_lab.loop.toy import MARK, bases, corpora, letters_in, spelled, toy_inventory
from tests.tokenizer_lab.plain_bpe import symbols_of
from tests.tokenizer_lab.small import count_units


def short(text):
    return len(text) <= LONGEST_PIECE


def characters(units, base=()):
    """Units as single characters. `base`: pieces that the inventory has, too."""
    alphabet = sorted({x for unit in units for x in unit} | {x for piece in base for x in piece})
    return spelled(Inventory((*base, *alphabet), len(base), Merges.of([])), dict(sorted(units.items())))


def train(units, num_merges=1000, min_count=1, allowed=short):
    return train_bpe(characters(units), num_merges, min_count, allowed)


def plain_bpe(units, num_merges, allowed=short, ranks=()):
    """The textbook algorithm: encode all units with the pieces so far, recount all pairs, take the most frequent."""
    ranks, pieces = {piece: rank for rank, piece in enumerate(ranks)}, []
    given = set(ranks)
    while len(pieces) < num_merges:
        pairs = collections.Counter()
        for unit, count in units.items():
            for left, right in itertools.pairwise(symbols_of(unit, ranks)):
                if allowed(left + right) and left + right not in given:
                    pairs[left, right] += count
        if not pairs:
            break
        left, right = min(pairs, key=lambda pair: (-pairs[pair], len(pair[0] + pair[1]), pair[0] + pair[1]))
        ranks[left + right] = len(ranks)
        pieces.append(left + right)
    return pieces


# Without equal neighbours: how often a pair occurs in "aaa" is a matter of taste, and libraries differ.
units_of_distinct_neighbours = st.dictionaries(
    st.lists(st.sampled_from("가나다라▁"), min_size=1, max_size=7).map(
        lambda letters: "".join(x for i, x in enumerate(letters) if i == 0 or letters[i - 1] != x)
    ),
    st.integers(1, 50),
    min_size=1,
    max_size=12,
)


@given(units_of_distinct_neighbours)
def test_it_makes_what_the_textbook_makes_first(units):
    """Pieces agree until a merge makes two equal symbols meet; there the count of the run is a matter of taste."""
    agree(train(units, num_merges=3), plain_bpe(units, 3), units, [])


@pytest.mark.long
@given(bases, units_of_distinct_neighbours)
def test_continued_it_makes_what_the_textbook_makes_on_top_of_the_base(base_multis, units):
    units = {unit: count for unit, count in units.items() if unit.strip(MARK) and "라" not in unit}
    units = {unit: count for unit, count in units.items() if MARK not in unit.lstrip(MARK)}
    if units:
        ours = continued_pieces(spelled(toy_inventory(base_multis), units), 3, 1, is_candidate)
        agree(ours, plain_bpe(units, 3, is_candidate, base_multis), units, base_multis)


def agree(ours, textbook, units, given):
    for mine, theirs in itertools.zip_longest(ours, textbook):
        if mine != theirs:
            assert any(left == right for left, right in _neighbours(units, ours, given))
            break


def _neighbours(units, pieces, given):
    for size in range(len(pieces) + 1):
        ranks = {piece: rank for rank, piece in enumerate([*given, *pieces[:size]])}
        for unit in units:
            yield from itertools.pairwise(symbols_of(unit, ranks))


def test_runs_of_one_letter_merge_without_overlap():
    assert train({"ㅋㅋㅋㅋㅋ": 5}) == ["ㅋㅋ", "ㅋㅋㅋ", "ㅋㅋㅋㅋㅋ"]


def test_rare_pairs_are_not_merged():
    assert train({"가나": 5, "다라": 4}, min_count=5) == ["가나"]


def test_what_is_not_allowed_is_never_made():
    assert train({"가나다": 9}) == ["가나", "가나다"]
    assert train({"가나다": 9}, allowed=lambda text: text != "가나") == ["나다", "가나다"]


def test_a_piece_of_the_inventory_is_never_made_again():
    """Its halves stand side by side because the base has no such merge."""
    assert train_bpe(characters({"가나다": 9}, base=["가나"]), 10, 1, short) == ["나다", "가나다"]


@pytest.mark.parametrize("min_count", [1, 3])
def test_no_unit_is_changed(min_count):
    units = characters({"가나": 5, "다라가나": 4})
    before = units.symbols.copy()
    train_bpe(units, 10, min_count, short)
    assert units.symbols.tolist() == before.tolist()


@pytest.mark.long
@given(corpora, st.integers(1, 6))
def test_without_multis_in_the_base_continued_training_is_that_of_an_intermediate(units, min_count):
    inventory = toy_inventory()
    symbols = Spelling(
        inventory, *inventory.characters(pa.array(list(units), pa.large_string())), spelled(inventory, units).counts
    )
    letters = letters_in(units)
    frequent = sum(count >= min_count for count in letters.values())
    ours = intermediate_pieces(symbols, letters, 30 + frequent, min_count)
    theirs = continued_pieces(spelled(inventory, units).frequent(min_count), 30, min_count, is_candidate)
    assert ours == theirs


def test_letters_take_places_of_the_intermediate_tokenizer():
    units, letters = characters({"가나": 5, "다라": 4}), {"가": 5, "나": 5, "다": 4, "라": 4}
    assert [intermediate_pieces(units, letters, size, 1) for size in (4, 5, 6)] == [[], ["가나"], ["가나", "다라"]]
    assert intermediate_pieces(units, letters, 3, 5) == ["가나"]  # only two letters are frequent


def test_an_intermediate_tokenizer_starts_from_characters():
    """Pieces that the base has already take part in its merges and are left out of what it yields."""
    units = characters({"가나다": 9, "나다": 4}, base=["나다", "가나다"])
    assert intermediate_pieces(units, {}, 10, 1) == []
    units = characters({"가나다": 9, "나다": 4}, base=["나다"])
    assert intermediate_pieces(units, {}, 10, 1) == ["가나다"]


def test_pieces_agree_with_sentencepiece(corpus):
    """The same pieces as SentencePiece's trainer on the same counts; an order among equal counts may differ."""
    units = collections.Counter()
    for unit, count in count_units(corpus).items():
        if "가" <= unit.strip(" ")[:1] <= "힣" and "ㅋ" not in unit:
            units[MARK * unit.startswith(" ") + unit.strip(" ")] += count
    output = io.BytesIO()
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=(f"{unit.replace(MARK, ' ')}\t{count}" for unit, count in sorted(units.items())),
        model_writer=output,
        input_format="tsv",
        model_type="bpe",
        vocab_size=600,
        character_coverage=1.0,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        num_threads=1,
        minloglevel=2,
    )
    model = proto.ModelProto()
    model.ParseFromString(output.getvalue())
    theirs = [piece.piece for piece in model.pieces if piece.type == 1 and len(piece.piece) > 1]
    ours = train(units, num_merges=len(theirs))
    assert len(theirs) > 200
    assert ours[:100] == theirs[:100]
    assert len(set(ours) & set(theirs)) >= 0.98 * len(theirs)
