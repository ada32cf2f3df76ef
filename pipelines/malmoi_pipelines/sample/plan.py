"""The plan: which shards there are, from the configuration alone, so that each can be made anywhere, in any order."""

import functools
from dataclasses import dataclass

from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.sources import SOURCES

BAD_LINES_FROM = 1_000_000  # bytes of a sample from which one broken line of each kind is sure


@dataclass(frozen=True)
class ShardPlan:
    """One shard: a data file and its truth file."""

    index: int
    """Number among all shards; names the truth file."""
    source: str
    shard: int
    """Number within the source; names the data file."""
    target_bytes: int
    """UTF-8 bytes of lines to write, uncompressed."""
    least_documents: int
    """Documents it holds in any case: duplicates elsewhere take their originals from these."""
    bad_lines: bool
    """Whether it must hold one broken line of each kind."""

    @property
    def data_path(self) -> str:
        """The data file, inside the output folder."""
        return f"data/{self.source}/part-{self.shard:05d}.jsonl.zst"

    @property
    def truth_path(self) -> str:
        """The truth file, inside the output folder."""
        return f"truth/part-{self.index:05d}.jsonl"


@functools.lru_cache(maxsize=4)
def plan_shards(config: SampleConfig) -> tuple[ShardPlan, ...]:
    """All shards, source by source.

    Raises:
        UsageError: a source's share is too small to hold a single document.
    """
    shares = {name: share for name, share in config.shares.of_sources().items() if share > 0}
    total = sum(shares.values())
    documents = {name: share / SOURCES[name].line_bytes for name, share in shares.items()}
    # The source with the most documents: two bad lines weigh least against an error budget there.
    carrier = max(documents, key=documents.__getitem__) if config.bytes >= BAD_LINES_FROM else None
    plans: list[ShardPlan] = []
    for name, share in shares.items():
        size = int(config.bytes * share / total)
        if size < 2 * SOURCES[name].line_bytes:
            raise UsageError(
                f"bytes = {config.bytes}: the share of {name!r} comes to {size} bytes, less than two documents.",
                hint="ask for more bytes, or set the share to 0",
            )
        plans += _source_plans(name, size, config.shard_bytes, len(plans), carrier == name)
    return tuple(plans)


def _source_plans(name: str, size: int, shard_bytes: int, start: int, carrier: bool) -> list[ShardPlan]:
    count = -(-size // shard_bytes)
    edges = [size * shard // count for shard in range(count + 1)]
    return [
        ShardPlan(
            index=start + shard,
            source=name,
            shard=shard,
            target_bytes=edges[shard + 1] - edges[shard],
            least_documents=max(1, (edges[shard + 1] - edges[shard]) // (2 * SOURCES[name].line_bytes)),
            bad_lines=carrier and shard == 0,
        )
        for shard in range(count)
    ]


@functools.lru_cache(maxsize=4)
def shards_of(config: SampleConfig, source: str) -> tuple[ShardPlan, ...]:
    """The shards of one source, in order; none if it has no share."""
    return tuple(plan for plan in plan_shards(config) if plan.source == source)
