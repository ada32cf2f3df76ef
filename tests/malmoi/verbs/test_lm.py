import json

import pytest
import typer
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.manifest import read_manifest
from typer.testing import CliRunner

from malmoi.verbs import lm


@pytest.fixture
def call():
    """Call the verbs; returns their output."""
    app = typer.Typer()
    lm.register(app)

    def run(*arguments):
        result = CliRunner().invoke(app, list(map(str, arguments)))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "in" / "part.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in ("나라의 말이", "나라의 글이", "말이 달라")))
    return path


@pytest.mark.long
def test_train_writes_a_model_and_shows_its_report(call, texts, tmp_path, capsys):
    result = call("lm", "train", texts, "--out", tmp_path / "lm", "--order", 2, "--set", "min_count=1", "--quiet")
    assert result.exit_code == 0
    manifest = read_manifest(str(tmp_path / "lm"))
    assert (manifest.kind, manifest.config["order"], manifest.config["min_count"]) == ("lm", 2, 1)
    assert (tmp_path / "lm" / "model.arpa").read_text().startswith("\\data\\\nngram 1=")


def test_help_names_the_verb(call):
    assert "train" in call("lm", "--help").output
    assert "--tokenizer" in call("lm", "train", "--help").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--order", "9"], "order = 9"),
        (["--set", "ordr=3"], "did you mean 'order'"),
        (["--parallelism=2"], "DirectRunner takes no Beam options"),
        (["--tokenizer", "/no/such.model"], "there is nothing at /no/such.model"),
    ],
)
def test_wrong_settings_are_named(call, texts, tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message):
        call("lm", "train", texts, "--out", tmp_path / "lm", *arguments)


def test_an_input_is_needed(call, tmp_path):
    with pytest.raises(UsageError, match="at least one input"):
        call("lm", "train", "--out", tmp_path / "lm", "--quiet", "--parallelism=2")
