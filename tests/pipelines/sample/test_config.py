import pytest
from malmoi_pipelines.contracts.config import parse_config
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.plan import plan_shards


@pytest.mark.parametrize(
    ("text", "size"), [("1MB", 10**6), ("1.5 GB", 1_500_000_000), ("1MiB", 2**20), ("300000", 300_000), (10**6, 10**6)]
)
def test_sizes_are_read_with_units(text, size):
    assert SampleConfig(bytes=text).bytes == size


@pytest.mark.parametrize("text", ["1XB", "MB", "-1MB", "one", "1 MB B", ""])
def test_a_size_that_cannot_be_read_is_named_with_a_remedy(text):
    with pytest.raises(UsageError, match=r"bytes = .*100MB"):
        parse_config(SampleConfig, {"bytes": text}, "test")


@pytest.mark.parametrize(
    "values",
    [
        {"bytes": 10},
        {"bytes": "1MB", "seed": -1},
        {"bytes": "1MB", "rates": {"pii": 0.5}},
        {"bytes": "1MB", "rates": {"pii": 0.2, "look_alike": 0.2, "html": 0.2}},
        {"bytes": "1MB", "shares": {"web": -1}},
        {"bytes": "1MB", "shares": dict.fromkeys(("web", "reviews", "legal", "english", "parallel"), 0)},
    ],
)
def test_values_out_of_range_are_refused(values):
    with pytest.raises(UsageError):
        parse_config(SampleConfig, values, "test")


def test_the_resolved_config_is_plain_and_reads_back():
    config = SampleConfig(bytes="2MB", shares={"english": 0})
    assert SampleConfig.model_validate(config.model_dump(mode="json")) == config


def test_a_share_too_small_for_a_document_is_refused():
    config = SampleConfig(bytes="200kB", shares={"web": 1, "reviews": 0, "legal": 0.001, "english": 0, "parallel": 0})
    with pytest.raises(UsageError, match="legal"):
        plan_shards(config)
