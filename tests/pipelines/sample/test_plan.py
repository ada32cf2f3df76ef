import pytest
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.plan import plan_shards


@pytest.mark.parametrize("size", ["200kB", "1MB", "37MB", "2GB", "100GB"])
def test_a_plan_divides_the_bytes(size):
    config = SampleConfig(bytes=size)
    plans = plan_shards(config)
    assert sum(plan.target_bytes for plan in plans) == pytest.approx(config.bytes, abs=len(config.shares.of_sources()))
    assert max(plan.target_bytes for plan in plans) <= config.shard_bytes
    assert [plan.index for plan in plans] == list(range(len(plans)))
    assert len({plan.data_path for plan in plans}) == len({plan.truth_path for plan in plans}) == len(plans)


def test_shares_are_kept_and_a_source_without_share_has_no_shard():
    config = SampleConfig(bytes="10MB", shares={"web": 3, "reviews": 1, "legal": 0, "english": 0, "parallel": 0})
    by_source = {plan.source: plan.target_bytes for plan in plan_shards(config)}
    assert by_source == {"web": 7_500_000, "reviews": 2_500_000}


def test_broken_lines_are_asked_of_one_shard_and_only_in_samples_of_a_megabyte():
    assert not any(plan.bad_lines for plan in plan_shards(SampleConfig(bytes="900kB")))
    assert [plan.source for plan in plan_shards(SampleConfig(bytes="1MB")) if plan.bad_lines] == ["reviews"]
