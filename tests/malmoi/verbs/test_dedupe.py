import functools
import sys
import types

import pytest
import typer
from malmoi_pipelines.contracts.errors import UsageError
from typer.testing import CliRunner

from malmoi.verb_group import with_subverbs
from malmoi.verbs import dedupe
from tests.pipelines.dedupe.explain.written_corpus import (
    LONG,
    NEAR,
    OTHER,
    WORDS,
    document,
    removal,
    write_corpus,
    write_documents_folder,
)


@pytest.fixture
def malmoi(call_verb):
    """Call `malmoi ...` with this verb alone."""
    return functools.partial(call_verb, dedupe)


@pytest.fixture
def staged(monkeypatch):
    """The stage replaced by one that keeps what it is called with."""
    calls = []
    fake = types.ModuleType("malmoi_pipelines.dedupe.stage")
    fake.dedupe = lambda *given, **named: calls.append((given, named))
    monkeypatch.setitem(sys.modules, "malmoi_pipelines.dedupe.stage", fake)
    monkeypatch.setattr(dedupe, "finish", lambda quiet, stage: stage(None))
    return calls


@pytest.fixture
def corpus(tmp_path):
    documents = write_documents_folder(tmp_path / "docs", [("a", "web", LONG), ("b", "news", NEAR)])
    rows = [removal("b", "news", NEAR, ("a", "web"))]
    return write_corpus(tmp_path / "corpus", [document("a", "web", LONG, 2)], rows, documents=[documents])


def test_dedupe_goes_on_as_before_with_earlier_corpora(malmoi, staged):
    malmoi("dedupe", "x", "y", "--out", "z", "--against", "old", "--against", "older", "--set", "rows=4", "--overwrite")
    [((paths, out, settings, options), named)] = staged
    assert (paths, out, settings.rows, options.runner) == (["x", "y"], "z", 4, "DirectRunner")
    assert (named["against"], named["overwrite"]) == (["old", "older"], True)


def test_flags_for_beam_pass_through_and_wrong_ones_are_found(malmoi, staged):
    malmoi("dedupe", "--runner", "FlinkRunner", "x", "--out", "z", "--flink_version=1.19")
    [((paths, _, _, options), named)] = staged
    assert (paths, options.runner, options.beam_flags) == (["x"], "FlinkRunner", ("--flink_version=1.19",))
    assert named["against"] == []
    with pytest.raises(UsageError, match="paralelism"):
        malmoi("dedupe", "x", "--out", "z", "--runner", "FlinkRunner", "--paralelism=2")


def test_a_document_folder_may_be_called_like_a_subverb(malmoi, staged):
    malmoi("dedupe", "./explain", "--out", "z")
    malmoi("dedupe", "--out", "z", "plan")
    assert [given[0] for given, _ in staged] == [["./explain"], ["plan"]]


def test_help_shows_the_verb_and_its_subverbs(malmoi):
    shown = malmoi("dedupe", "--help")
    for text in ("DOCS...", "--out", "--against", "--runner", "COMMAND", "explain", "plan"):
        assert text in shown
    assert shown.count("--help") == 1
    shown = malmoi("dedupe", "explain", "--help")
    assert "--in" in shown
    assert "--runner" not in shown
    assert "dedupe" in malmoi("--help")


def test_wrong_usage_names_the_verb(malmoi):
    assert "Missing argument 'DOCS...'" in malmoi("dedupe", "--out", "z", code=2)
    assert "No such option" in malmoi("dedupe", "explain", "x", "--inn", "y", code=2)
    assert "dedupe explain" in malmoi("dedupe", "explain", code=2)


def test_a_verb_of_one_subverb_has_both():
    said = []
    subverbs = typer.Typer()
    subverbs.command("tokens")(lambda path: said.append(("tokens", path)))
    app = typer.Typer()
    app.callback()(lambda: None)
    app.command("count", cls=with_subverbs(subverbs))(lambda path: said.append(("count", path)))
    for arguments in (["count", "x"], ["count", "tokens", "x"], ["count", "./tokens"]):
        assert CliRunner().invoke(app, arguments).exit_code == 0
    assert said == [("count", "x"), ("tokens", "x"), ("count", "./tokens")]


def test_explain_prints_reason_partner_similarity_and_diff(malmoi, corpus):
    shown = malmoi("dedupe", "explain", "b", "--in", corpus)
    for text in (
        "b of news was removed",
        "near",
        "a of web",
        "0.7561",
        "31 of 41",
        f"[-{WORDS[20]}-] {{+{OTHER}+}}",
        "… 14 eojeol …",
    ):
        assert text in shown
    assert "note" not in shown
    assert WORDS[10] not in shown


def test_explain_lists_the_cluster_of_a_survivor(malmoi, corpus):
    shown = malmoi("dedupe", "explain", "a", "--in", corpus, "--source", "web")
    for text in ("a of web was kept", "merged into it", "news", "near"):
        assert text in shown
    assert "and 1 more" in malmoi("dedupe", "explain", "a", "--in", corpus, "--limit", 0)


def test_explain_says_how_to_get_the_diff(malmoi, tmp_path, corpus):
    (tmp_path / "docs" / "manifest.json").unlink()
    assert "note: " in malmoi("dedupe", "explain", "b", "--in", corpus)
    assert OTHER in malmoi("dedupe", "explain", "b", "--in", corpus, "--documents", tmp_path / "docs" / "data")


def test_explain_takes_settings_for_a_folder_without_a_manifest(malmoi, tmp_path, corpus):
    (tmp_path / "corpus" / "manifest.json").unlink()
    arguments = ("dedupe", "explain", "b", "--in", corpus, "--documents", tmp_path / "docs")
    assert "31 of 41" in malmoi(*arguments)
    assert "39 of 41" in malmoi(*arguments, "--set", "shingle_size=1")


def test_a_diff_stops_at_its_limit_and_is_safe_for_a_terminal(malmoi, tmp_path):
    changed = " ".join(f"{word}\x1b[31m" if n % 2 else word for n, word in enumerate(LONG.split()))
    documents = write_documents_folder(tmp_path / "docs", [("b", "web", changed)])
    corpus = write_corpus(
        tmp_path / "corpus",
        [document("a", "web", LONG, 2)],
        [removal("b", "web", changed, ("a", "web"))],
        documents=[documents],
    )
    shown = malmoi("dedupe", "explain", "b", "--in", corpus, "--limit", 3)
    assert "and 17 more" in shown
    assert (shown.count("[-낱말"), shown.count("{+낱말"), "\x1b" in shown) == (3, 3, False)


def test_plan_prints_the_estimate(malmoi, monkeypatch):
    calls = []

    def estimate(*given, **named):
        calls.append((given, named))
        return types.SimpleNamespace(facts={"hours": 2}, tables={"steps": [{"step": "digest", "GB": 3}]})

    fake = types.ModuleType("malmoi_pipelines.dedupe.estimate")
    fake.estimate = estimate
    monkeypatch.setitem(sys.modules, "malmoi_pipelines.dedupe.estimate", fake)
    shown = malmoi(
        "dedupe", "plan", "x", "--against", "old", "--sample", "2MB", "--workers", 3, "--read-all", "--set", "rows=4"
    )
    [((paths, settings), named)] = calls
    assert (paths, settings.rows) == (["x"], 4)
    assert named == {"against": ["old"], "workers": 3, "sample_bytes": 2_000_000, "read_all": True}
    for text in ("hours", "steps", "digest"):
        assert text in shown
    with pytest.raises(UsageError, match="--sample must be"):
        malmoi("dedupe", "plan", "x", "--sample", "2Q")
