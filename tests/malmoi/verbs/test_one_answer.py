"""Kinds of tokenizer files x verbs: every verb that opens a tokenizer gives the same answer."""

import json

import pytest
import tokenizers
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, MalmoiError, UsageError
from malmoi_pipelines.tokenizers.countable import check_countable
from malmoi_pipelines.tokenizers.opening import open_encoder
from malmoi_tokenizer_lab.bases import open_base
from malmoi_tokenizer_lab.check import check_tokenizer
from malmoi_tokenizer_lab.evaluate.reading import read_subjects, read_tokenizers

from tests.pipelines.small_tokenizers import byte_level, metaspace_json, write_base, write_json

COUNTING = {
    "count tokens": lambda name: check_countable(open_encoder(name)),
    "compare": lambda name: read_subjects(read_tokenizers([name]), 1)[0].units,
}
EXTENDING = {"expand": lambda name: open_base(name).units, "check": lambda name: check_tokenizer(name) and None}


def answer(verb, name):
    """What a verb says of a tokenizer: the kind of its units, or the error's class and the end of its message."""
    try:
        return verb(name)
    except MalmoiError as error:
        return type(error), error.message.rpartition(": ")[2]


@pytest.fixture
def make(tmp_path):
    def without_type(path):
        spec = json.loads(files.read_bytes(byte_level(path)))
        del spec["model"]["type"]
        return write_json(path, spec)

    def with_metaspace(path):
        spec = json.loads(files.read_bytes(metaspace_json(path)))
        part = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
        return write_json(path, spec | {"normalizer": None, "pre_tokenizer": part})

    def unigram(path):
        return write_json(path, json.loads(tokenizers.Tokenizer(tokenizers.models.Unigram([("a", 0.0)])).to_str()))

    def garbage(path):
        path.write_bytes(b"not a model")
        return str(path)

    kinds = {
        "model": write_base,
        "byte-level": byte_level,
        "without type": without_type,
        "metaspace json": metaspace_json,
        "Metaspace pre-tokenizer": with_metaspace,
        "unigram": unigram,
        "garbage": garbage,
        "missing": str,
    }
    return lambda kind: kinds[kind](tmp_path / "file")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("model", "metaspace"),
        ("byte-level", "byte-level"),
        ("without type", "byte-level"),
        ("metaspace json", "metaspace"),
        ("Metaspace pre-tokenizer", "metaspace"),
        ("unigram", UsageError),
        ("garbage", BadInputError),
        ("missing", UsageError),
    ],
)
def test_verbs_that_count_give_one_answer(make, kind, expected):
    name = make(kind)
    answers = {verb: answer(call, name) for verb, call in COUNTING.items()}
    assert len(set(answers.values())) == 1, answers
    [found] = set(answers.values())
    assert found == expected if isinstance(expected, str) else found[0] is expected


@pytest.mark.parametrize("kind", ["metaspace json", "Metaspace pre-tokenizer", "unigram", "garbage", "missing"])
def test_verbs_that_extend_refuse_alike(make, kind):
    name = make(kind)
    answers = {verb: answer(call, name) for verb, call in EXTENDING.items()}
    assert len(set(answers.values())) == 1, answers
    assert not isinstance(answers["expand"], str)


def test_a_relative_path_and_the_home_folder_are_the_same_file(tmp_path, monkeypatch):
    write_base(tmp_path / "base.model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    prints = {open_encoder(name).fingerprint for name in ("base.model", "~/base.model", str(tmp_path / "base.model"))}
    assert len(prints) == 1
