import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts.hangul import is_letter
from malmoi_pipelines.tokenizers.model_proto import BYTE, load_for_units
from malmoi_tokenizer_lab.loop.merges import Merges, merge_units
from malmoi_tokenizer_lab.loop.spelling import Inventory, Spelling
from malmoi_tokenizer_lab.sentencepiece.inventory import sentencepiece_inventory, sentencepiece_text
from malmoi_tokenizer_lab.words import Units

from tests.tokenizer_lab.loop.toy import BARE, LETTERS, MARK, MULTIS_OF_BASES, spelled, toy_inventory, toy_model
from tests.tokenizer_lab.small import count_units, make_corpus


def whole(inventory, texts):
    """Units as tokens of the base: its late merges after its early ones, as if nothing new came between."""
    symbols, lengths = inventory.spell(pa.array(texts, pa.large_string()))
    late = Merges.of(list(inventory.late))
    return merge_units(late, late.ranks, symbols, lengths)


def as_sentencepiece(model, inventory, units):
    """Assert that units become what SentencePiece makes of them; bare characters are its bytes."""
    symbols, lengths = whole(inventory, [unit.replace(" ", MARK) for unit in units])
    bytes_of = {int(piece.piece[1:-1], 16): index for index, piece in enumerate(model.pieces) if piece.type == BYTE}
    parts = np.split(symbols, np.cumsum(lengths)[:-1])
    expected = load_for_units(model).encode(units, out_type=int)
    for unit, part, theirs in zip(units, parts, expected, strict=True):
        ours = []
        for symbol in part.tolist():
            if symbol < inventory.base_size:
                ours.append(symbol)
            else:
                ours += [bytes_of[byte] for byte in inventory.texts[symbol].encode()]
        assert ours == theirs, repr(unit)
        assert inventory.costs[part].sum() == len(theirs)


@given(
    st.sampled_from(MULTIS_OF_BASES),
    st.lists(
        st.builds(str.__add__, st.text(f" {MARK}", max_size=20), st.text(LETTERS, min_size=1, max_size=12)), min_size=1
    ),
)
def test_toy_bases_spell_units_as_sentencepiece_does(multis, units):
    as_sentencepiece(toy_model(multis), toy_inventory(multis), units)


@pytest.mark.long
def test_bases_spell_units_as_sentencepiece_does(base):
    """The small base and, where it is installed, the real one; units with long runs of spaces and U+2581 itself."""
    found = [unit for unit in count_units(make_corpus(60)) if is_letter(unit.strip(f" {MARK}")[:1])]
    found += [" " * size + "나라의" for size in range(20)] + [f"{MARK} {MARK}나라", "ㅋ" * 40, "뷁쀍", " 꿹ㅋㅋ힣"]
    inventory = sentencepiece_inventory(base, {x for unit in found for x in unit if is_letter(x)})
    assert len(inventory.texts) > inventory.base_size == len(base.pieces)
    as_sentencepiece(base, inventory, sorted(found))


def test_bare_characters_cost_their_bytes():
    inventory = toy_inventory()
    assert inventory.texts[inventory.base_size :] == tuple(sorted(BARE))
    assert inventory.costs.tolist() == [1] * inventory.base_size + [3] * len(BARE)


def test_runs_of_spaces_merge_late():
    inventory = toy_inventory()
    assert [[inventory.texts[symbol] for symbol in row[:3]] for row in inventory.late] == [
        [MARK, MARK, MARK * 2],
        [MARK * 2, MARK * 2, MARK * 4],
    ]
    symbols, _ = inventory.spell(pa.array([MARK * 4 + "가"], pa.large_string()))
    assert [inventory.texts[symbol] for symbol in symbols] == [MARK] * 4 + ["가"]


def test_units_that_start_with_a_space_are_eojeol():
    units = spelled(toy_inventory((f"{MARK}가", "나가")), {"가": 1, f"{MARK}가": 1, "다": 1, f"{MARK}{MARK}다": 1})
    assert units.eojeol.tolist() == [False, True, False, True]


def test_byte_level_units_are_eojeol_by_their_alphabet():
    inventory = Inventory(("", "\u0120", "a", "\u0120a"), 4, Merges.of([]))
    lengths = np.array([2, 1, 1], np.int32)
    units = Spelling(inventory, np.array([1, 2, 2, 3], np.int32), lengths, np.ones(3, np.int64))
    assert units.eojeol.tolist() == [True, False, True]


def test_a_literal_mark_is_a_space():
    korean = Units(pa.array([f" {MARK}가"], pa.large_string()), np.array([1]))
    assert sentencepiece_text(korean).to_pylist() == [MARK * 2 + "가"]


@pytest.mark.parametrize(("least", "left"), [(1, "가나다"), (3, "나다"), (9, "가나다")])
def test_rare_units_are_left_out_unless_all_are(least, left):
    units = spelled(toy_inventory(), {"가": 2, "나": 3, "다": 4}).frequent(least)
    assert [units.inventory.texts[symbol] for symbol in units.symbols] == list(left)
    assert len(units.lengths) == len(units.counts) == len(left)
