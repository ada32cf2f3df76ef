"""What is not a finished dataset folder of the kind that a verb needs gets one answer, whichever verb it is."""

import sys

import orjson
import pytest
from malmoi_pipelines.contracts.manifest import Manifest, write_manifest
from malmoi_pipelines.contracts.schemas import DATASETS

from malmoi import cli

KINDS = [kind.name for kind in DATASETS]
READERS = {
    "clean": (("clean", "{}", "--out", "out"), {"raw", "documents", "corpus"}),
    "lm train": (("lm", "train", "{}", "--out", "out"), {"raw", "documents", "corpus"}),
    "pii show": (("pii", "show", "{}"), {"raw", "documents", "corpus"}),
    "dedupe": (("dedupe", "{}", "--out", "out"), {"raw", "documents", "corpus"}),
    "dedupe plan": (("dedupe", "plan", "{}"), {"raw", "documents", "corpus"}),
    "count": (("count", "{}", "--out", "out"), {"raw", "documents", "corpus"}),
    "shard": (("shard", "{}", "--tokenizer", "none", "--out", "out"), {"raw", "documents", "corpus"}),
}
"""Verbs that read documents, for which files and other folders are inputs, too: arguments, and kinds that they take."""
TAKERS = {
    "dedupe --against": (("dedupe", "docs", "--against", "{}", "--out", "out"), {"corpus"}),
    "dedupe explain": (("dedupe", "explain", "id", "--in", "{}"), {"corpus"}),
    "count --add": (("count", "--add", "{}", "--out", "out"), {"words"}),
    "count tokens": (("count", "tokens", "{}", "--tokenizer", "none", "--out", "out"), {"words"}),
    "expand": (("expand", "{}", "--out", "out"), {"words"}),
    "train --shards": (("train", "--shards", "{}", "--tokenizer", "tokenizer", "--out", "out"), {"shards"}),
    "train --tokenizer": (("train", "--shards", "shards", "--tokenizer", "{}", "--out", "out"), {"tokenizer"}),
    "tokenizer explain": (("tokenizer", "explain", "나라", "--in", "{}"), {"tokenizer"}),
    "inspect": (("inspect", "{}"), set(KINDS)),
    "verify": (("verify", "{}"), set(KINDS)),
}
"""Verbs that need a finished dataset folder."""
VERBS = {**READERS, **TAKERS}


def finished(folder, kind, version=None):
    """A finished dataset folder without any files."""
    described = {"stage": "", "fingerprint": "", "inputs": {}, "config": {}, "code": {"stage": ""}}
    write_manifest(str(folder), Manifest(kind=kind, files=(), **described))
    if version is not None:
        manifest = orjson.loads((folder / "manifest.json").read_bytes())
        (folder / "manifest.json").write_bytes(orjson.dumps({**manifest, "schema_version": version}))


@pytest.fixture
def answer(tmp_path, monkeypatch, capsys):
    """Call a verb with a folder: the exit code and the error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.jsonl").write_text('{"id": "1", "source": "web", "text": "말"}\n')
    finished(tmp_path / "shards", "shards")
    finished(tmp_path / "tokenizer", "tokenizer")

    def call(verb, folder):
        arguments = [argument.format(folder) for argument in VERBS[verb][0]]
        monkeypatch.setattr(sys, "argv", ["malmoi", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return stop.value.code, " ".join(capsys.readouterr().err.split())

    return call


@pytest.mark.parametrize("verb", VERBS)
def test_a_path_with_nothing_is_wrong_usage(answer, verb):
    code, error = answer(verb, "nowhere")
    assert code == 2
    assert "error: there is nothing at " in error
    assert "nowhere" in error


@pytest.mark.parametrize("verb", TAKERS)
@pytest.mark.parametrize(("name", "why"), [("docs", "it has no manifest.json"), ("docs/a.jsonl", "it is a file")])
def test_what_is_no_dataset_folder_is_bad_input(answer, verb, name, why):
    assert_refused(answer(verb, name), verb, name, why)


@pytest.mark.parametrize("verb", VERBS)
def test_an_unfinished_folder_is_bad_input(answer, tmp_path, verb):
    (tmp_path / "half" / "_work").mkdir(parents=True)
    (tmp_path / "half" / "data").mkdir()
    assert_refused(answer(verb, "half"), verb, "half", "a stage was interrupted there")


@pytest.mark.parametrize("verb", [verb for verb in VERBS if VERBS[verb][1] != set(KINDS)])
def test_a_folder_of_another_kind_is_bad_input(answer, tmp_path, verb):
    other = "lm" if "words" in VERBS[verb][1] else "words"
    finished(tmp_path / "other", other)
    assert_refused(answer(verb, "other"), verb, "other", f"it holds {other}")


@pytest.mark.parametrize("verb", VERBS)
def test_a_folder_of_another_version_is_bad_input(answer, tmp_path, verb):
    finished(tmp_path / "old", min(VERBS[verb][1]), version=1)
    assert_refused(answer(verb, "old"), verb, "old", "its schema version is 1")


def assert_refused(got, verb, name, why):
    """Exit code 3 and the one message, with the kinds that the verb takes."""
    code, error = got
    kinds = VERBS[verb][1]
    assert code == 3, error
    assert f"{name} is not a finished dataset folder" in error
    assert f": {why}" in error
    if kinds != set(KINDS):
        assert f" of {' or '.join(sorted(kinds, key=KINDS.index))}: " in error
