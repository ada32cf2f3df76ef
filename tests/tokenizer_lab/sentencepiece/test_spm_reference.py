import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.tokenizers.model_proto import BYTE, Piece, extend, load, lowest_rank_score, serialize
from malmoi_tokenizer_lab.gates.texts import FIXED, random_texts
from malmoi_tokenizer_lab.sentencepiece.spm_reference import SpmReference

from tests.strategies import texts
from tests.tokenizer_lab.extended import extended
from tests.tokenizer_lab.small import MASKS


@pytest.fixture(scope="module")
def model(base):
    return extended(base)


@pytest.fixture(scope="module")
def sentencepiece(model):
    return load(serialize(model))


@pytest.fixture(scope="module")
def reference(model):
    return SpmReference(model)


def test_it_agrees_with_sentencepiece(model, sentencepiece, reference):
    for text in [*FIXED, *random_texts([piece.piece for piece in model.pieces if piece.type == 1])]:
        assert reference.encode(text) == sentencepiece.encode(text), repr(text)


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(texts, st.sampled_from([" ", "  ", "한국", "나라", "ㅋ"])), max_size=8).map("".join))
def test_it_agrees_on_any_text_without_masks(sentencepiece, reference, text):
    if not any(mask in text for mask in MASKS):
        assert reference.encode(text) == sentencepiece.encode(text)


def test_ties_go_to_the_leftmost(base):
    low = lowest_rank_score(base) - 1
    tied = extend(base, [Piece("뷁쀍", low), Piece("쀍뷁", low), Piece("뷁", low - 1), Piece("쀍", low - 2)])
    for text in ("뷁쀍뷁", "쀍뷁쀍뷁", "뷁쀍뷁쀍뷁"):
        assert SpmReference(tied).encode(text) == load(serialize(tied)).encode(text)


def test_a_space_follows_each_mask(model, sentencepiece, reference):
    mask = model.pieces[reference.encode("<|tell|>")[0]]
    assert mask.piece == "<|tell|>"
    (index,) = reference.encode("<|tell|>")
    assert reference.encode("나라<|tell|>나라") == [
        *sentencepiece.encode("나라"),
        index,
        *sentencepiece.encode("나라"),
    ]
    assert reference.encode("") == []


def test_control_tokens_are_cut_out_on_demand(model, reference):
    index = next(i for i, piece in enumerate(model.pieces) if piece.piece == "<|im_end|>")
    assert index not in reference.encode("a<|im_end|>")
    assert SpmReference(model, parse_special=True).encode("a<|im_end|>")[-1] == index


def test_what_is_no_piece_becomes_bytes(model, reference):
    names = {piece.piece: i for i, piece in enumerate(model.pieces) if piece.type == BYTE}
    assert reference.encode("쀍")[-3:] == [names[f"<0x{byte:02X}>"] for byte in "쀍".encode()]
