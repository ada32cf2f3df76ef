"""Policies of sources inherit what they leave out; wrong settings are named."""

import pytest

from pipelines.clean.config import CleanConfig, PiiOptions, SourcePolicy
from pipelines.contracts.config import parse_config
from pipelines.contracts.errors import UsageError
from pipelines.text.quality import Thresholds


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
    assert config.policy("web").normalise.html


def test_policies_may_be_given_as_objects():
    config = CleanConfig(
        thresholds=Thresholds(min_chars=5), sources={"en": SourcePolicy(thresholds=Thresholds(min_hangul_share=0))}
    )
    assert config.policy("en").thresholds == Thresholds(min_chars=5, min_hangul_share=0)


def test_the_resolved_config_resolves_to_itself():
    config = CleanConfig(pii=PiiOptions(enabled=False), sources={"a": SourcePolicy(thresholds=Thresholds(max_chars=9))})
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
