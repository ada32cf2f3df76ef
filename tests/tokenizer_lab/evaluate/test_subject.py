"""Subjects made from files: what the table of units says is what the text says."""

import collections

import numpy as np
import pyarrow as pa
import pytest
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.tokenizers.model_proto import CONTROL, UNUSED, Piece, extend, parse_model, serialize
from malmoi_pipelines.tokenizers.opening import open_encoder
from malmoi_pipelines.tokenizers.sentencepiece_model import sentencepiece_encoder
from malmoi_pipelines.tokenizers.tokenizer_json import json_encoder
from malmoi_tokenizer_lab.bases import open_base
from malmoi_tokenizer_lab.evaluate.reading import (
    common_units,
    inexact,
    read_subjects,
    read_tokenizers,
    short_names,
)
from malmoi_tokenizer_lab.evaluate.subject import subject_of
from malmoi_tokenizer_lab.evaluate.unit_table import make_unit_table
from sentencepiece import sentencepiece_model_pb2 as proto
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from tests.tokenizer_lab.small import make_base, make_corpus, split

CORPUS = make_corpus(12)


def json_subject(name, data):
    return subject_of(name, json_encoder(name, data, finds_special=True))


def sentencepiece_subject(name, model):
    return subject_of(name, sentencepiece_encoder(name, serialize(model)))


def base_model():
    return parse_model(make_base(), "base")


def byte_level_json(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet))
    return tokenizer.to_str().encode()


def fallback_json():
    """A tokenizer.json of SentencePiece's kind."""
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "가", "나", "▁가", "▁가나"]
    merges = [("▁", "가"), ("▁가", "나")]
    model = models.BPE({piece: i for i, piece in enumerate(pieces)}, merges, byte_fallback=True, unk_token="<unk>")
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return tokenizer.to_str().encode()


UNIGRAM = Tokenizer(models.Unigram([("a", 0.0)])).to_str().encode()


def table_of(texts, cut=split):
    counts = collections.Counter(unit for text in texts for unit in cut(text))
    text = pa.array(list(counts), pa.large_string())
    rows = np.arange(len(counts))
    return make_unit_table(text, rows, ["x"], np.zeros(len(counts), np.int64), np.array(list(counts.values())))


def check_counts(subject, texts, cut=split):
    """Tokens of the table are those of the texts, and stand for the texts' bytes."""
    table = table_of(texts, cut)
    tokens = subject.encode_units(table.text)
    whole = subject.encode_texts(texts)
    direct = collections.Counter(token for ids in whole for token in ids)
    by_unit = tokens.counts(table.counts.astype(np.int64), subject.vocab_size)
    assert {index: count for index, count in enumerate(by_unit.tolist()) if count} == direct
    prefix = " " if cut is split else ""
    for text, ids in zip(texts, whole, strict=True):
        assert b"".join(subject.spellings(ids)) == (prefix + text).encode()


def test_a_sentencepiece_model():
    subject = sentencepiece_subject("base", base_model())
    assert (subject.units, subject.first_new, len(subject.byte_ids)) == ("metaspace", subject.vocab_size, 256)
    check_counts(subject, CORPUS)
    assert subject.spellings([1, 2]) == [b"", b""]  # <s> and </s> stand for no text


def test_a_tokenizer_json_with_byte_fallback():
    subject = json_subject("json", fallback_json())
    assert (subject.units, len(subject.byte_ids)) == ("metaspace", 256)
    check_counts(subject, ["가나 가 나 a\n뷁  가", "가", "나나"])


def test_a_byte_level_tokenizer_json():
    subject = json_subject("bytes", byte_level_json(CORPUS))
    assert (subject.units, subject.byte_ids) == ("byte-level", frozenset())

    def pre_tokens(text):
        found = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(text)
        return [text[start:end] for _, (start, end) in found]

    check_counts(subject, CORPUS, pre_tokens)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"{", BadInputError, "x is not a tokenizer.json"),
        (b"[]", BadInputError, "x is not a tokenizer.json"),
        (b'{"model": {"type": "BPE", "byte_fallback": true}}', BadInputError, "x is not a tokenizer.json"),
        (UNIGRAM, UsageError, "x: tokens can be counted by unit for SentencePiece BPE and byte-level BPE"),
        (b'{"model": {"type": "BPE"}, "pre_tokenizer": {"type": "ByteLevel"}}', BadInputError, "x is not a tokenizer"),
    ],
)
def test_other_files_are_refused(data, error, message):
    with pytest.raises(error, match=message):
        json_subject("x", data)


def test_extensions_of_the_first_know_their_new_tokens(tmp_path):
    model = base_model()
    size = len(model.pieces)
    longer = extend(model, [Piece("▁가나", -5000.0)])
    other = proto.ModelProto()
    other.CopyFrom(longer)
    other.pieces[size - 1].piece = "another"
    paths = [str(tmp_path / name) for name in "abc"]
    for path, this in zip(paths, (model, longer, other), strict=True):
        files.write_bytes(path, serialize(this))
    found = read_subjects(read_tokenizers(paths), 1)
    assert [subject.first_new for subject in found] == [size, size, size + 1]
    assert [subject.vocab_size for subject in found] == [size, size + 1, size + 1]


def test_names_are_the_end_of_the_path(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tokenizer.json").write_text(name)
    (tmp_path / "two" / "tokenizer.model").write_bytes(make_base())
    found = read_tokenizers([str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "one" / "tokenizer.json")])
    assert list(found) == ["one", "two", "tokenizer.json"]
    assert [this.data for this in found.values()] == [b"one", make_base(), b"one"]
    assert short_names(["a/x", "b/x", "x"]) == ["a/x", "b/x", "x"]
    with pytest.raises(UsageError, match="named twice"):
        short_names(["a/x", "a/x/"])
    with pytest.raises(BadInputError, match=r"there is no tokenizer\.model"):
        read_tokenizers([str(tmp_path)])
    for opened in (read_tokenizers, lambda names: open_encoder(*names), lambda names: open_base(*names)):
        with pytest.raises(UsageError, match="there is nothing at"):
            opened([str(tmp_path / "none")])


def test_tokenizers_of_two_kinds_have_no_table_in_common():
    one, other = json_subject("bytes", byte_level_json(CORPUS)), json_subject("json", fallback_json())
    assert (common_units([one, one]), common_units([other])) == ("byte-level", "metaspace")
    with pytest.raises(UsageError, match="bytes is counted over byte-level units and json over metaspace units"):
        common_units([one, other])


def test_pieces_that_cross_a_cut_are_told():
    crossing = extend(base_model(), [Piece("다.", -5000.0)])
    table = table_of(CORPUS)
    assert inexact(sentencepiece_subject("base", base_model()), table) is None
    assert "'다.'" in inexact(sentencepiece_subject("other", crossing), table)
    control = extend(base_model(), [Piece("<|다.|>", 0.0, CONTROL)])  # nothing merges to it
    assert inexact(sentencepiece_subject("other", control), table) is None
    unused = extend(base_model(), [Piece("다.", -5000.0, UNUSED)])
    assert "'다.'" in inexact(sentencepiece_subject("other", unused), table)
    joined = extend(base_model(), [Piece(";\r", -5000.0)])
    assert inexact(sentencepiece_subject("other", joined), table) is None  # no such character in the table
    assert "control" in inexact(sentencepiece_subject("other", joined), table_of(["a;\r b"]))
