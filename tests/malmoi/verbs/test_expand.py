"""`malmoi expand`: what the verb adds to the stage."""

import json
import pathlib
from typing import get_args

import pytest
import typer.main
from malmoi_pipelines.contracts.manifest import read_manifest
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.engine.options import RunOptions
from malmoi_tokenizer_lab.loop.intermediate import CandidateSource
from malmoi_tokenizer_lab.loop.policies import POLICIES
from typer.testing import CliRunner

from malmoi.cli import app
from tests.tokenizer_lab.small import make_base, make_corpus

SETTINGS = ["--cutoff=5", "--budget=320", "--set=intermediate_vocab_size=900", "--set=morphemes=false", "--quiet"]


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A word table with a held-out part, and the base beside it."""
    folder = tmp_path_factory.mktemp("words")
    rows = [{"id": str(i), "source": f"s{i % 2}", "text": text} for i, text in enumerate(make_corpus(200))]
    (folder / "docs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "base.model").write_bytes(make_base())
    count([str(folder / "docs.jsonl")], str(folder / "words"), CountConfig(held_out_share=0.2), RunOptions())
    return folder


def expand(words, out, *options):
    arguments = ["expand", str(words / "words"), "--out", str(out), "--base", str(words / "base.model")]
    return CliRunner().invoke(app, [*arguments, *SETTINGS, *options], catch_exceptions=False)


@pytest.mark.slow  # tests/tokenizer_lab/test_job_counter.py proves it of the stage
def test_counting_by_jobs_changes_no_byte(words, tmp_path):
    assert expand(words, tmp_path / "here").exit_code == 0
    assert expand(words, tmp_path / "jobs", "--count-runner", "DirectRunner").exit_code == 0
    here, jobs = (read_manifest(str(tmp_path / name)) for name in ("here", "jobs"))
    assert here == jobs
    timings = json.loads((tmp_path / "jobs" / "timings.json").read_text())["parts"]["loop"]
    assert len(timings) == here.rows("rounds")
    assert min(row["units encoded"] for row in timings) > 0


@pytest.mark.long
def test_every_long_step_is_shown(words, tmp_path):
    arguments = ["expand", str(words / "words"), "--out", str(tmp_path), "--base", str(words / "base.model")]
    shown = CliRunner().invoke(app, [*arguments, *SETTINGS[:-1]], catch_exceptions=False).stderr
    started = [line.partition(": started")[0] for line in shown.splitlines() if line.endswith(": started")]
    for step in ("reading words", "training", "rounds", "export", "gates", "characters of the candidates"):
        assert f"expand: {step}" in started
    assert "evaluation: corpus" in started


@pytest.mark.long
def test_policies_are_put_side_by_side_on_held_out_text(words, tmp_path):
    assert expand(words, tmp_path / "out", "--compare", "kosolar", "--compare", "support-closed").exit_code == 0
    tables = json.loads((tmp_path / "out" / "report.json").read_text())["tables"]
    assert [row["policy"] for row in tables["Policies"]] == ["leaf-first", "kosolar", "support-closed"]
    held_out = {row["tokenizer"]: row for row in tables["Tokenizers"] if row["part"] == "held out"}
    assert set(held_out) == {"base", "leaf-first", "kosolar", "support-closed"}
    assert held_out["leaf-first"]["tokens per eojeol"] < held_out["base"]["tokens per eojeol"]


def test_the_help_names_every_policy_and_every_source_of_candidates():
    options = {option.name: option.help for option in typer.main.get_command(app).commands["expand"].params}
    assert [name for name in POLICIES if name not in options["policy"]] == []
    assert [name for name in get_args(CandidateSource) if name not in options["candidates"]] == []


@pytest.mark.long
@pytest.mark.parametrize("option", ["--policy=continued", "--set=policy=continued", "--compare=continued"])
def test_what_was_a_policy_is_told_as_the_setting_it_became(words, tmp_path, option):
    result = CliRunner().invoke(app, ["expand", str(words / "words"), "--out", str(tmp_path / "out"), option])
    assert result.exception.exit_code == 2
    assert "candidates = 'continued'" in result.exception.message
    assert not pathlib.Path(tmp_path / "out").exists()


@pytest.mark.long
def test_options_of_a_runner_need_one(words, tmp_path):
    result = CliRunner().invoke(app, ["expand", str(words / "words"), "--out", str(tmp_path / "out"), "--workers", "2"])
    assert "--workers 2 is for the job that counts" in result.exception.message
    assert "--count-runner" in result.exception.hint
    assert not pathlib.Path(tmp_path / "out").exists()
