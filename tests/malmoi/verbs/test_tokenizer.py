import functools

import pytest
from malmoi_pipelines.contracts.errors import CheckError, UsageError
from malmoi_pipelines.tokenizers.model_proto import parse_model
from malmoi_tokenizer_lab import compare

from malmoi.verbs import tokenizer as verb
from tests.tokenizer_lab.extended import extended, new_pieces, write_tokenizer
from tests.tokenizer_lab.small import make_base
from tests.tokenizer_lab.test_explain import KEPT, new_row, write_explained


@pytest.fixture
def tokenizer(call_verb):
    """Call `malmoi tokenizer ...`."""
    return functools.partial(call_verb, verb, "tokenizer")


@pytest.fixture(scope="module")
def base():
    return parse_model(make_base(), "base")


@pytest.mark.long
def test_check_prints_every_gate(tokenizer, base, tmp_path):
    (tmp_path / "base.model").write_bytes(make_base())
    folder = write_tokenizer(tmp_path / "new", extended(base))
    shown = tokenizer("check", folder, "--base", tmp_path / "base.model")
    for text in ("SentencePiece = llama.cpp", "no piece is dead", " passed"):
        assert text in shown
    assert "nothing to compare" in tokenizer("check", folder)


@pytest.mark.long
def test_check_fails_with_exit_code_4(tokenizer, base, tmp_path):
    zeros = extended(base, masks=(), scores=[0.0] * len(new_pieces(base)))
    folder = write_tokenizer(tmp_path / "new", zeros)
    with pytest.raises(
        CheckError, match=r"gates: \d+ of \d+ passed.*; failed: scores are distinct in float32"
    ) as caught:
        tokenizer("check", folder)
    assert caught.value.exit_code == 4
    assert "no piece is dead" in caught.value.printed  # all gates ran


def test_explain_prints_verdict_and_tables(tokenizer, base, tmp_path):
    model = extended(base, KEPT)
    rows = [new_row(i, model.pieces[i].piece) for i in range(len(base.pieces), len(model.pieces))]
    folder = write_explained(write_tokenizer(tmp_path / "new", model), rows)
    shown = tokenizer("explain", "▁나라", "--in", folder)
    for text in ("▁나라", "out, dropped in round 4", "made from", "neighbours in merge order"):
        assert text in shown
    assert "nearest candidates" in tokenizer("explain", "나랏가", "--in", folder)


def test_compare_passes_everything_on(tokenizer, monkeypatch, tmp_path):
    calls = []

    def fake(tokenizers, words, out, config, *, overwrite, progress):
        calls.append((tokenizers, words, out, config, overwrite))
        raise UsageError("stop here")

    monkeypatch.setattr(compare, "compare", fake)
    arguments = ["default", "new", "--words", "a", "--words", "b", "--out", tmp_path, "--parallel", "p.jsonl"]
    with pytest.raises(UsageError, match="stop here"):
        tokenizer("compare", *arguments, "--set", "morphemes=false", "--overwrite")
    ((tokenizers, words, out, config, overwrite),) = calls
    assert (tokenizers, words, out, overwrite) == (["default", "new"], ["a", "b"], str(tmp_path), True)
    assert (config.parallel, config.morphemes) == ("p.jsonl", False)
