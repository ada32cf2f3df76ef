"""What is wrong with a run is found before its first stage, all of it; a dry run says what would be done."""

import json
import pathlib

import orjson
import pytest
from malmoi_pipelines.contracts.code import Code
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.ledger import Ledger
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, run_stage
from malmoi_pipelines.engine.options import RunOptions
from malmoi_trainer.config import ModelConfig
from typer.testing import CliRunner

from malmoi import preflight
from malmoi.chain import Step, build_chain
from malmoi.cli import app
from malmoi.preflight import changed_settings, check_run, find_warnings, plan_rows
from malmoi.recipe import load_recipe
from malmoi.stages import STAGES, Place, Stage
from tests.tokenizer_lab.byte_level.small import make_json

ROOT = pathlib.Path(__file__).parents[2]
QUICKSTART, KOREAN = (str(ROOT / f"malmoi/recipes/{name}.yaml") for name in ("quickstart", "korean-real"))


def steps(out, *overrides, root=None, recipe=QUICKSTART):
    return build_chain(load_recipe(recipe, list(overrides)), root, str(out), RunOptions())


@pytest.fixture
def raw(tmp_path):
    """A root with two sources: one whose text has another name, one of documents."""
    for source, field in (("a", "body"), ("b", "text")):
        (tmp_path / "raw" / source).mkdir(parents=True)
        lines = [json.dumps({"id": str(i), field: "나라의 말이"}) + "\n" for i in range(20)]
        (tmp_path / "raw" / source / "x.jsonl").write_text("".join(lines))
    return str(tmp_path / "raw")


def test_a_run_that_can_go_has_no_problems(tmp_path, raw):
    check_run(steps(tmp_path / "out"), str(tmp_path / "out"))
    settings = ["inputs=[a, b]", "clean.sources={a: {read: {columns: {text: body}}}}"]
    check_run(steps(tmp_path / "out", *settings, root=raw, recipe=KOREAN), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_a_run_that_names_no_model_warns_and_one_that_does_not(tmp_path):
    out = tmp_path / "out"
    [warning] = find_warnings(steps(out))
    size = ModelConfig().parameters(32_000 + 1024)  # of the quickstart's base and budget
    assert f"train: train.model names no model: one of {size / 1e6:.1f} M parameters with random weights" in warning
    assert not list(find_warnings(steps(out, "train.model=upstage/SOLAR-10.7B-v1.0")))
    for more in ((), ("--quiet",)):
        told = CliRunner().invoke(app, ["run", QUICKSTART, "--out", str(out), "--dry-run", *more])
        assert "warning: train: train.model names no model" in told.stderr
    for number, error in enumerate(("expand.base=/no/base", "expand.budget=null")):
        assert len(list(find_warnings(steps(out, error)))) == number


def test_all_problems_are_told_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    broken = steps(
        tmp_path / "out",
        "sample.bytes=900TB",
        "lm.tokenizer=/no/tokenizer.model",
        "expand.base=/no/base",
        "expand.allow=/no/list.txt",
        "train.model=/no/model",
    )
    with pytest.raises(UsageError) as error:
        check_run(broken, str(tmp_path / "out"))
    assert error.value.exit_code == 2
    first, *lines = error.value.message.splitlines()
    found = [line.strip().partition(":")[0] for line in lines]
    # No packages at all here (the same function of the standard library is asked everywhere): stages do not go on.
    assert set(found) == {"sample", "lm", "clean", "dedupe", "count", "expand", "shard", "train", "disk"}
    assert first == f"{len(lines)} problems before the first stage:"
    for text in (
        "apache_beam",
        "malmoi[data]",
        "expand: allow = '/no/list.txt'",
        "expand: base = '/no/base': there is nothing at",
        "malmoi[train]",
        "GB are free",
    ):
        assert text in error.value.message


def test_settings_that_do_not_suit_the_base_are_found_before_the_first_stage(tmp_path):
    (tmp_path / "tokenizer.json").write_bytes(orjson.dumps(make_json()))
    for settings, message in (
        ((f"expand.base={tmp_path}", "expand.candidates=intermediate"), "candidates = 'intermediate' does not suit"),
        (("expand.compare=[leaf-first]",), "compare must name other policies than 'leaf-first'"),
    ):
        with pytest.raises(UsageError, match=message):
            check_run(steps(tmp_path / "out", *settings), str(tmp_path / "out"))


def test_tokenizers_of_foreign_language_models_are_looked_at_as_everywhere(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("model.arpa", "x.model", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    settings = ["lm=null", f"clean.perplexity.good.model={tmp_path}/model.arpa"]
    for name, message in (
        ("~/nothing", "clean: perplexity.good.tokenizer = '~/nothing': there is nothing at ~/nothing."),
        ("~/tokenizer.json", "tokenizer.json is no SentencePiece model"),
    ):
        with pytest.raises(UsageError) as error:
            check_run(
                steps(tmp_path / "out", *settings, f"clean.perplexity.good.tokenizer={name}"), str(tmp_path / "out")
            )
        assert message in error.value.message
    check_run(steps(tmp_path / "out", *settings, "clean.perplexity.good.tokenizer=default"), str(tmp_path / "out"))


def test_paths_and_model_are_looked_at(tmp_path):
    broken = steps(tmp_path / "out", "lm.tokenizer=/no/tokenizer.model", "train.model=/no/model")
    with pytest.raises(UsageError) as error:
        check_run(broken, str(tmp_path / "out"))
    assert "lm: tokenizer = '/no/tokenizer.model': there is nothing at" in error.value.message
    assert "train: model = '/no/model': there is nothing at" in error.value.message


def test_a_source_without_documents_is_bad_input(tmp_path, raw):
    with pytest.raises(BadInputError) as error:
        check_run(steps(tmp_path / "out", "inputs=[a, b]", root=raw, recipe=KOREAN), str(tmp_path / "out"))
    assert error.value.exit_code == 3
    assert error.value.message.startswith(
        "one problem before the first stage:\n  clean: the first 20 lines of source 'a'"
    )
    assert "no field 'text'. The fields: id, body." in error.value.message
    assert "나라" not in error.value.message


def test_input_that_is_not_there(tmp_path, raw):
    with pytest.raises(UsageError, match="nowhere"):
        check_run(steps(tmp_path / "out", "inputs=[nowhere]", root=raw, recipe=KOREAN), str(tmp_path / "out"))
    broken = steps(tmp_path / "out", "inputs=[b]", "lm.inputs=[no_such]", root=raw, recipe=KOREAN)
    with pytest.raises(UsageError, match=r"lm: inputs = \['no_such'\]: there is nothing at .*/no_such"):
        check_run(broken, str(tmp_path / "out"))


def test_disk_counts_what_is_there_already(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10_000_000}))
    with pytest.raises(UsageError, match=r"disk: about 0\.0 GB are needed"):
        check_run(steps(tmp_path / "out"), str(tmp_path / "out"))  # 12 MB of text
    check_run(steps(tmp_path / "out", "sample.bytes=1MB"), str(tmp_path / "out"))


def test_a_folder_of_another_version_is_no_problem(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/manifest.json").write_text('{"kind": "raw", "schema_version": 0}')
    (tmp_path / "timings.json").write_text("{}")
    check_run(steps(tmp_path), str(tmp_path))
    assert plan_rows(steps(tmp_path))[0]["state"].startswith("would be made again")


def test_a_dry_run_checks_prints_and_writes_nothing(tmp_path):
    arguments = ["run", QUICKSTART, "--out", str(tmp_path / "out"), "--dry-run", "--set", "train.steps=7"]
    result = CliRunner().invoke(app, [*arguments, "--set", "train.warmup_steps=1"], catch_exceptions=False)
    assert result.exit_code == 0
    for stage in STAGES:
        assert f"│ {stage.name} " in result.stdout
    assert "│ train.steps " in result.stdout
    assert not (tmp_path / "out").exists()


def made(config, place, progress):
    """A stage that writes nothing but its report."""
    identity = StageIdentity("run", "tiny", {"before": str(sorted(place.before))}, {"size": config}, Code(stage="tiny"))
    return run_stage(identity, place.out, lambda work: StageOutput([], Report("tiny", Ledger())), overwrite=True)


@pytest.mark.long
def test_a_dry_run_knows_what_would_be_skipped_and_what_would_be_made_again(tmp_path):
    def chain(sizes):
        before, found = {}, []
        for name, reads in (("one", ()), ("two", ()), ("three", ("two",))):
            stage = Stage(name, "", name, STAGES[0].kind, "", made, reads=reads)
            place = Place(str(tmp_path / name), "raw", (), RunOptions(), {**before})
            found.append(Step(name, stage, sizes.get(name, 1), place))
            before[name] = place.out
        return found

    assert [row["state"] for row in plan_rows(chain({}))] == ["would run", "would run", "would run, after two"]
    for step in chain({}):
        step.run(None)
    assert {row["state"] for row in plan_rows(chain({}))} == {"up to date, would be skipped"}
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    states = [row["state"] for row in plan_rows(chain({"two": 2}))]
    assert states == ["up to date, would be skipped", "would be made again: size: 1 → 2", "would run, after two"]
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}


def test_only_settings_that_differ_are_listed(tmp_path):
    listed = {row["setting"]: row["value"] for row in changed_settings(steps(tmp_path, "train.steps=60"))}
    assert listed["train.steps"] == 60
    assert listed["clean.sources.english.thresholds.language"] == "english"
    assert "train.batch_size" not in listed
