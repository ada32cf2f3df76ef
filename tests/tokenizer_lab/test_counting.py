import collections

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.cuts import check_no_crossing, controls_in
from malmoi_pipelines.contracts.errors import BadInputError, CheckError, UsageError
from malmoi_pipelines.contracts.hangul import has_letter
from malmoi_pipelines.tokenizers.model_proto import (
    NORMAL,
    UNUSED,
    Piece,
    extend,
    load,
    load_for_units,
    parse_model,
    serialize,
)
from malmoi_pipelines.tokenizers.sentencepiece_model import sentencepiece_encoder
from malmoi_pipelines.tokenizers.tokens import Tokens
from malmoi_pipelines.tokenizers.tokens import tokens_of as encoded
from malmoi_tokenizer_lab.bases import open_base
from malmoi_tokenizer_lab.words import words_fingerprint

from tests.tokenizer_lab.small import SMALL, count_units, parse_folder, read_model, split, write_words

LINES = pa.array(["\n", " the"], pa.large_string())


@pytest.fixture(scope="module")
def read_words(small_base):
    """Read word tables as a SentencePiece base does."""
    return lambda folders: open_base(small_base).read_words(folders, SMALL)


def test_counts_over_units_equal_counts_over_documents(corpus, expanded):
    """The theorem: token by token, on whole documents encoded by SentencePiece itself."""
    model = parse_folder(expanded.folder)
    direct = collections.Counter()
    for ids in load(model.SerializeToString()).encode(corpus, out_type=int):
        direct.update(ids)
    units = count_units(corpus)
    text = pa.array(sorted(units), pa.large_string())
    counts = np.array([units[unit] for unit in sorted(units)])
    by_unit = encoded(load_for_units(model).encode, text).counts(counts, len(model.pieces))
    assert {i: count for i, count in enumerate(by_unit.tolist()) if count} == direct


def test_the_table_keeps_every_unit_and_byte(corpus, words, read_words):
    table = read_words([words])
    units = dict(zip(table.korean.text.to_pylist(), table.korean.counts.tolist(), strict=True))
    units |= dict(zip(table.other.text.to_pylist(), table.other.counts.tolist(), strict=True))
    assert units == count_units(corpus)
    assert table.num_bytes == sum(len(document.encode()) + 1 for document in corpus)
    letters = collections.Counter(x for document in corpus for x in document if has_letter(x))
    assert table.letters == letters
    assert all(map(has_letter, table.korean.text.to_pylist()))
    assert not any(map(has_letter, table.other.text.to_pylist()))


def test_tables_are_summed(corpus, tmp_path, words, read_words):
    one = write_words(str(tmp_path / "one"), corpus[:70], parts=3)
    two = write_words(str(tmp_path / "two"), corpus[70:], order=lambda item: item[0])
    both, whole = read_words([two, one]), read_words([words])
    assert both.korean.text.equals(whole.korean.text)
    assert both.korean.counts.tolist() == whole.korean.counts.tolist()
    assert both.other.text.equals(whole.other.text)
    assert both.other.counts.tolist() == whole.other.counts.tolist()
    assert (both.letters, both.num_bytes) == (whole.letters, whole.num_bytes)


def test_what_is_no_word_table_is_refused(tmp_path, read_words):
    with pytest.raises(BadInputError, match="no Korean unit"):
        read_words([write_words(str(tmp_path / "english"), ["only English"])])
    folder = write_words(str(tmp_path / "shards"), ["가"], kind="shards")
    with pytest.raises(BadInputError, match="folder of words: it holds shards"):
        words_fingerprint([folder])
    folder = write_words(str(tmp_path / "bytes"), ["가"], rule="byte-level")
    with pytest.raises(UsageError, match="holds byte-level units, this tokenizer is counted exactly over metaspace"):
        read_words([folder])


@pytest.mark.parametrize(
    ("unit", "wrong"),
    [(" 나가ab", r"U\+0061, U\+0062"), (" 나가漢", r"U\+6F22"), (" 나 가", "a space after a letter")],
)
def test_a_mixed_unit_is_refused_and_not_shown(tmp_path, read_words, unit, wrong):
    folder = write_words(str(tmp_path / "mixed"), ["가"], units={" 가": 3, unit: 1})
    with pytest.raises(BadInputError, match=f"Hangul letters only. 1 of 2 are not: they have {wrong}") as caught:
        read_words([folder])
    assert not has_letter(caught.value.message)


@pytest.mark.parametrize("kind", [NORMAL, UNUSED])
@pytest.mark.parametrize("piece", ["다.", "a가", "a\u2581b", "\n\n", "x\n"])
def test_a_piece_that_crosses_units_is_refused(small_base, tmp_path, piece, kind):
    """An unused piece too: it is merged first and taken apart at the end."""
    words = write_words(str(tmp_path / "words"), ["가\n나"])
    base = parse_model(read_model(small_base), "base")
    files.write_bytes(f"{tmp_path}/crossing.model", serialize(extend(base, [Piece(piece, -9e5, kind)])))
    with pytest.raises(CheckError, match="not be exact"):
        open_base(f"{tmp_path}/crossing.model").read_words([words], SMALL)


def test_a_control_character_the_corpus_lacks_is_harmless(small_base):
    base = parse_model(read_model(small_base), "base")
    encoder = sentencepiece_encoder("joined", serialize(extend(base, [Piece(";\r", -9e5)])))
    check_no_crossing(encoder.mergeable(), controls_in(LINES))
    with pytest.raises(CheckError, match="joins a control character"):
        check_no_crossing(encoder.mergeable(), controls_in(pa.array(["\r"])))


rows = st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=9)


def tokens_of(lists):
    return Tokens(
        np.array([i for row in lists for i in row], np.int32), np.array([len(row) for row in lists], np.int32)
    )


@given(rows, st.data())
def test_replaced_rows_are_found_where_they_were(lists, data):
    tokens = tokens_of(lists)
    hit = sorted(data.draw(st.sets(st.integers(0, len(lists) - 1))))
    new = data.draw(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=len(hit), max_size=len(hit)))
    expected = list(lists)
    for i, row in zip(hit, new, strict=True):
        expected[i] = row
    replaced = tokens.replaced(np.array(hit, np.int64), tokens_of(new))
    assert replaced.ids.tolist() == tokens_of(expected).ids.tolist()
    assert replaced.lengths.tolist() == tokens_of(expected).lengths.tolist()


@given(rows)
def test_counts_weigh_each_unit(lists):
    weights = np.arange(1, len(lists) + 1)
    expected = collections.Counter()
    for weight, row in zip(weights.tolist(), lists, strict=True):
        for token in row:
            expected[token] += weight
    assert tokens_of(lists).counts(weights, 10).tolist() == [expected[i] for i in range(10)]


def test_split_is_the_definition():
    assert split("나라의 말(語)  \n끝") == [" 나라의", " 말", "(語)", "  ", "\n", "끝"]
