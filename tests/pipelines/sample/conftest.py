"""One sample of a few MB, written once for all tests of the folder."""

import functools
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import zstandard
from malmoi_pipelines.contracts import files
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.plan import plan_shards
from malmoi_pipelines.sample.shard import ShardWritten, write_shard

CONFIG = SampleConfig(bytes="8MB", seed=7, shard_bytes="700kB")


@dataclass(frozen=True, eq=False)
class Sample:
    config: SampleConfig
    out: str
    results: list[ShardWritten]

    @functools.cache  # noqa: B019  # one sample a session
    def lines(self, path: str) -> list[bytes]:
        return lines_of(files.join(self.out, path))

    def truth(self) -> list[dict[str, Any]]:
        return [
            orjson.loads(row)
            for plan in plan_shards(self.config)
            for row in files.read_bytes(files.join(self.out, plan.truth_path)).splitlines()
        ]


def lines_of(path: str) -> list[bytes]:
    data = zstandard.ZstdDecompressor().stream_reader(files.read_bytes(path)).read()
    assert data.endswith(b"\n")
    return data[:-1].split(b"\n")


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    out = str(tmp_path_factory.mktemp("sample"))
    return Sample(CONFIG, out, [write_shard(CONFIG, plan, out) for plan in plan_shards(CONFIG)])


@pytest.fixture(scope="session")
def records(sample: Sample) -> dict[str, dict[str, Any]]:
    """The readable documents by id; broken lines are left out."""
    found: dict[str, dict[str, Any]] = {}
    for plan in plan_shards(sample.config):
        for line in sample.lines(plan.data_path):
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            assert record["id"] not in found
            found[record["id"]] = record
    return found
