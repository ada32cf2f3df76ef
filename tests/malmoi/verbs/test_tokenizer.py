import pytest
import typer
from malmoi_pipelines.contracts.errors import CheckError, UsageError
from malmoi_pipelines.tokenizers.model_proto import parse_model
from malmoi_tokenizer_lab import compare
from typer.testing import CliRunner

from malmoi.console import out as console
from malmoi.verbs.tokenizer import register
from tests.tokenizer_lab.extended import extended, new_pieces, write_tokenizer
from tests.tokenizer_lab.small import make_base
from tests.tokenizer_lab.test_explain import KEPT, new_row, write_explained


@pytest.fixture
def tokenizer(monkeypatch):
    """Call `malmoi tokenizer ...`; returns its output. Errors are raised, as `malmoi.cli.main` gets them."""
    monkeypatch.setattr(console, "_width", 240)  # no cell of a table is folded
    app = typer.Typer()
    register(app)

    def call(*arguments):
        with console.capture() as capture:
            result = CliRunner().invoke(app, ["tokenizer", *map(str, arguments)])
        if result.exception is not None:
            result.exception.printed = capture.get()
            raise result.exception
        return capture.get() + result.output

    return call


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
