"""Policies of sources inherit what they leave out; wrong settings are named."""

import pytest
from malmoi_pipelines.clean.config import CleanConfig, PiiOptions, SourcePolicy
from malmoi_pipelines.contracts.config import parse_config
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.text.quality import Thresholds

from tests.pipelines.small_tokenizers import byte_level, write_base


def test_a_source_inherits_what_its_policy_leaves_out():
    config = CleanConfig.model_validate(
        {
            "thresholds": {"min_chars": 5},
            "pii": {"mode": "strict"},
            "sources": {"docs-en": {"thresholds": {"min_hangul_share": 0}, "normalise": {"html": False}}},
        }
    )
    policy = config.policy("docs-en")
    assert (policy.thresholds.min_chars, policy.thresholds.min_hangul_share) == (5, 0)
    assert policy.pii.mode == "strict"
    assert not policy.normalise.html
    assert config.policy("web").thresholds == Thresholds(min_chars=5)
    assert config.policy("web").normalise.html is None


def test_policies_may_be_given_as_objects():
    config = CleanConfig(
        thresholds=Thresholds(min_chars=5), sources={"en": SourcePolicy(thresholds=Thresholds(min_hangul_share=0))}
    )
    assert config.policy("en").thresholds == Thresholds(min_chars=5, min_hangul_share=0)


def test_the_resolved_config_resolves_to_itself():
    config = CleanConfig(
        pii=PiiOptions(enabled=False), sources={"a": SourcePolicy(thresholds=Thresholds(max_chars=90))}
    )
    assert CleanConfig.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sources": {"a": {"thresholds": {"min_char": 1}}}}, "sources.a.thresholds.min_char"),
        ({"sources": {"a": 5}}, "sources.a"),
        ({"sources": 5}, "sources"),
        ({"thresholds": 5, "sources": {"a": {"thresholds": {"min_chars": 1}}}}, "thresholds"),
        ({"read": {"columns": {"text": "id"}}}, "must be different fields"),
        ({"error_budget": 2}, "error_budget = 2"),
        ({"read": {"on_bad_file": "skip"}}, "read.on_bad_file = 'skip'"),
    ],
)
def test_a_wrong_setting_is_named(values, message):
    with pytest.raises(UsageError, match=message):
        parse_config(CleanConfig, values, "clean.yaml")


def test_a_language_brings_its_bounds_whatever_the_other_sources_have():
    config = CleanConfig.model_validate(
        {
            "thresholds": {"min_hangul_share": 0.3, "min_chars": 20},
            "sources": {"docs-en": {"thresholds": {"language": "english"}}, "web": {"thresholds": {"min_chars": 5}}},
        }
    )
    english, web = config.policy("docs-en").thresholds, config.policy("web").thresholds
    assert (english.min_hangul_share, english.max_hangul_share, english.min_chars) == (None, 0.1, 20)
    assert (web.min_hangul_share, web.min_chars) == (0.3, 5)


def test_bounds_that_no_text_can_meet_are_refused():
    with pytest.raises(UsageError, match="no text is within both"):
        parse_config(CleanConfig, {"thresholds": {"min_chars": 10, "max_chars": 9}}, "x")


def test_tokenizers_of_language_models_are_named_as_everywhere(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = write_base(tmp_path / "tok/tokenizer.model")
    bad = {"model": "b.arpa", "tokenizer": "~/tok"}
    config = parse_config(CleanConfig, {"perplexity": {"good": {"model": "a/lm"}, "bad": bad}}, "x").located()
    assert config.side_inputs()["perplexity.bad.tokenizer"] == path
    assert "perplexity.good.tokenizer" not in config.side_inputs()
    assert CleanConfig().located() == CleanConfig()
    bad["tokenizer"] = byte_level(tmp_path / "tokenizer.json")
    with pytest.raises(UsageError, match="pieces of one, or eojeol"):
        parse_config(CleanConfig, {"perplexity": {"good": bad}}, "x").located()


def test_files_beside_the_text_are_inputs_by_their_role(tmp_path):
    config = CleanConfig.model_validate(
        {
            "perplexity": {"good": {"model": "a/lm"}, "bad": {"model": "b.arpa", "tokenizer": "t.model"}},
            "sources": {"web": {"thresholds": {"spam_lists": ["spam", "mine.txt"]}}},
        }
    )
    assert config.side_inputs() == {
        "perplexity.good.model": "a/lm",
        "perplexity.bad.model": "b.arpa",
        "perplexity.bad.tokenizer": "t.model",
        "sources.web.thresholds.0": "mine.txt",
    }
