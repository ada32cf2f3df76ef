import functools
import sys
import types

import pytest
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.count_tokens.stage import read_token_counts

from malmoi.verbs import count
from tests.pipelines.small_tokenizers import write_base


@pytest.fixture
def malmoi(call_verb):
    """Call `malmoi ...` with this verb alone."""
    return functools.partial(call_verb, count)


@pytest.fixture
def staged(monkeypatch):
    """Both stages replaced by ones that keep what they are called with."""
    calls = []
    for module, name in (
        ("malmoi_pipelines.count.stage", "count"),
        ("malmoi_pipelines.count_tokens.stage", "count_tokens"),
    ):
        fake = types.ModuleType(module)
        setattr(fake, name, lambda *given, name=name, **named: calls.append((name, given, named)))
        monkeypatch.setitem(sys.modules, module, fake)
    monkeypatch.setattr(count, "finish", lambda quiet, stage: stage(None))
    return calls


def test_count_passes_its_options_on(malmoi, staged):
    malmoi(
        "count", "x", "y", "--out", "z", "--units", "byte-level", "--held-out-share", 0.1, "--add", "a", "--add", "b"
    )
    [(name, (paths, out, settings, options), named)] = staged
    assert (name, paths, out, options.runner) == ("count", ["x", "y"], "z", "DirectRunner")
    assert (settings.units, settings.held_out_share) == ("byte-level", 0.1)
    assert (named["add"], named["overwrite"]) == (["a", "b"], False)


def test_count_defaults_to_metaspace_units_and_no_tables(malmoi, staged):
    malmoi("count", "x", "--out", "z", "--overwrite")
    [(_, (*_, settings, _), named)] = staged
    assert (settings.units, settings.held_out_share, named["add"], named["overwrite"]) == ("metaspace", 0, [], True)


def test_tables_alone_can_be_added_up_but_something_is_needed(malmoi, staged):
    malmoi("count", "--add", "a", "--add", "b", "--out", "z")
    [(_, (paths, *_), named)] = staged
    assert (paths, named["add"]) == ([], ["a", "b"])
    with pytest.raises(UsageError, match="at least one input") as error:
        malmoi("count", "--out", "z")
    assert "--add" in error.value.hint


def test_a_wrong_kind_of_units_is_named(malmoi, staged):
    with pytest.raises(UsageError, match="units = 'bytes'"):
        malmoi("count", "x", "--out", "z", "--units", "bytes")


def test_flags_for_beam_pass_through_both_verbs(malmoi, staged):
    for verb in (["count"], ["count", "tokens", "--tokenizer", "t"]):
        malmoi(*verb, "x", "--out", "z", "--runner", "FlinkRunner", "--flink_version=1.19")
        _, (*_, options), _ = staged.pop()
        assert (options.runner, options.beam_flags) == ("FlinkRunner", ("--flink_version=1.19",))
        with pytest.raises(UsageError, match="paralelism"):
            malmoi(*verb, "x", "--out", "z", "--runner", "FlinkRunner", "--paralelism=2")


def test_tokens_counts_the_usual_or_the_held_out_documents(malmoi, staged):
    for flags, table in (([], "data"), (["--held-out"], "held_out"), (["--set", "table=held_out"], "held_out")):
        malmoi("count", "tokens", "a", "b", "--tokenizer", "t", "--out", "z", *flags)
        name, (words, tokenizer, out, settings, _), named = staged.pop()
        assert (name, words, tokenizer, out) == ("count_tokens", ["a", "b"], "t", "z")
        assert (settings.table, named["overwrite"]) == (table, False)


def test_a_corpus_called_tokens_is_given_with_its_folder(malmoi, staged):
    malmoi("count", "./tokens", "--out", "z")
    assert staged[0][0] == "count"


def test_help_shows_the_verb_and_its_subverb(malmoi):
    shown = malmoi("count", "--help")
    for text in ("DOCS...", "--units", "--add", "--held-out-share", "--runner", "tokens"):
        assert text in shown
    shown = malmoi("count", "tokens", "--help")
    for text in ("WORDS...", "--tokenizer", "--held-out", "--runner"):
        assert text in shown
    assert "Missing option '--tokenizer'" in malmoi("count", "tokens", "x", "--out", "z", code=2)


@pytest.mark.long
def test_a_corpus_is_counted_and_its_tokens_too(malmoi, tmp_path, write_documents):
    corpus = write_documents(tmp_path / "docs", [("a", "web", "나라의 말이 the code"), ("b", "web", "나라의 글")])
    tokenizer = write_base(tmp_path / "base.model")
    malmoi("count", corpus, "--out", tmp_path / "words", "--quiet")
    shown = malmoi("count", "tokens", tmp_path / "words", "--tokenizer", tokenizer, "--out", tmp_path / "counts", "-q")
    assert "bytes per token" in shown
    assert read_token_counts(str(tmp_path / "counts")).sum() > 10
