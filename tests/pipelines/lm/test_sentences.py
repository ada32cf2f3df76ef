import pathlib
import unicodedata

import mistral_common
import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.lm.sentences import CCNET, FOLD, PLAIN, load_tokenizer, sentences

from tests.pipelines.small_tokenizers import metaspace_json, write_base
from tests.strategies import texts

SENTENCEPIECE = str(pathlib.Path(mistral_common.__file__).parent / "data" / "tokenizer.model.v1")


@pytest.mark.parametrize(
    ("text", "plain", "fold"),
    [
        ("제12조\n\n  The  Court ", ["제12조", "The Court"], ["제00조", "the court"]),
        ("\u1100\u1161\t나\r\v\f\0다", ["가 나 다"], ["가 나 다"]),  # NFD, and all that kenlm takes for white space
        ("<s> 가 </s> <UNK> <S>", ["<unk> 가 <unk> <unk> <S>"], ["<unk> 가 <unk> <unk> <unk>"]),
        (" \n\t\n", [], []),
        ("", [], []),
        ("\ud800가", ["?가"], ["?가"]),
    ],
)
def test_sentences_are_lines_normalised_by_name(text, plain, fold):
    assert [line.decode() for line in sentences(text, PLAIN)] == plain
    assert [line.decode() for line in sentences(text, FOLD)] == fold


def test_ccnet_models_get_the_text_that_they_were_trained_on():
    text = "Él dijo: “Hola”, １２3… 제12조（가）—\x07끝\n\n<s>"
    expected = ['el dijo: "hola", 000... 제00조(가) - 끝', "<unk>"]
    assert [line.decode() for line in sentences(text, CCNET)] == [
        unicodedata.normalize("NFD", line) for line in expected
    ]


@given(texts, st.sampled_from([PLAIN, FOLD, CCNET]))
def test_sentences_are_words_with_one_space_between_them_and_stay_as_they_are(text, normalisation):
    lines = sentences(text, normalisation)
    for line in lines:
        assert line.split() == line.split(b" ")
        assert not {b"<s>", b"</s>"} & set(line.split())
    assert sentences(b"\n".join(lines).decode(), normalisation) == lines


@pytest.mark.long
@pytest.mark.parametrize("name", ["eojeol", SENTENCEPIECE])
@given(st.lists(texts, max_size=4))
def test_training_and_scoring_cut_a_text_alike(name, contents):
    tokenizer = load_tokenizer(name)
    lines = [line for text in contents for line in sentences(text, FOLD)]
    tokens, lengths = tokenizer.tokens(lines)
    joined = [line.split(b" ") for line in tokenizer.join(lines)]
    assert lengths.tolist() == list(map(len, joined))
    assert tokens.to_pylist() == [token for line in joined for token in line]


def test_a_sentencepiece_model_cuts_into_pieces():
    line = sentences("나라의 말", FOLD)
    assert load_tokenizer(SENTENCEPIECE).join(line)[0].decode().split(" ")[:2] == ["▁", "나"]


def test_what_a_tokenizer_does_not_know_is_unknown_in_training(tmp_path):

    prefix = str(tmp_path / "small")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["가나 다라"] * 50),
        model_prefix=prefix,
        vocab_size=9,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    tokenizer = load_tokenizer(f"{prefix}.model")
    line = [b"\xea\xb0\x80 zzz"]
    assert b"<unk>" in tokenizer.tokens(line)[0].to_pylist()
    assert tokenizer.join(line)[0].split(b" ")[-1] == b"zzz"


@pytest.mark.parametrize("name", ["eojeols", "/no/such.model"])
def test_a_missing_tokenizer_is_named(name):
    with pytest.raises(UsageError, match=f"there is nothing at {name}") as error:
        load_tokenizer(name)
    assert "eojeol" in error.value.hint


def test_another_file_is_no_tokenizer(tmp_path):
    (tmp_path / "x.model").write_text("가")
    with pytest.raises(BadInputError, match="not a SentencePiece model"):
        load_tokenizer(str(tmp_path / "x.model"))


def test_a_tokenizer_of_another_kind_is_told_kindly(tmp_path):
    name = metaspace_json(tmp_path / "tokenizer.json")
    with pytest.raises(UsageError, match="pieces of one, or eojeol") as error:
        load_tokenizer(name)
    assert "a folder that has" in error.value.hint
    write_base(tmp_path / "tokenizer.model")  # the better file of the folder, for every verb
    assert load_tokenizer(str(tmp_path)).join([b"a"]) == ["▁a".encode()]
