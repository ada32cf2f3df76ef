"""What is planted in which document: a pure function of the configuration and the document's place."""

import functools
from dataclasses import dataclass

import numpy as np

from malmoi_pipelines.contracts.arrays import U64
from malmoi_pipelines.sample.config import Rates, SampleConfig
from malmoi_pipelines.sample.draws import Dice, Ints, bits, channel, key_of, stream
from malmoi_pipelines.sample.plan import ShardPlan, shards_of
from malmoi_pipelines.sample.sources import SOURCES, shard_key

KINDS = tuple(Rates.model_fields)
PLAIN = len(KINDS)  # the role of a document that carries nothing
COPIES = ("exact_duplicate", "near_duplicate", "related")
BAD_LINES = ("truncated", "invalid_utf8")
_TRIES = 16  # candidates looked at for an original; a document that finds none stays as it is


def document_keys(seed: int, source: str, shard: int, positions: Ints) -> U64:
    """The keys of documents of one shard: all that is in a document follows from its key."""
    return stream(np.full(1, shard_key(seed, source, shard), np.uint64), positions.astype(np.uint64))


def document_id(source: str, shard: int, position: int) -> str:
    """The id of a document; it says where the document is.

    >>> document_id("web", 2, 122)
    'web-00002-0000123'
    """
    return f"{source}-{shard:05d}-{position + 1:07d}"


@functools.lru_cache(maxsize=32)
def _role_edges(rates: Rates, source: str) -> tuple[U64, Ints]:
    """Upper bounds of the draws of each kind, and the kinds they stand for."""
    kinds = [index for index, kind in enumerate(KINDS) if kind in SOURCES[source].applicable and kind not in BAD_LINES]
    edges = np.cumsum([getattr(rates, KINDS[index]) for index in kinds])
    return (edges * 2.0**53).astype(np.uint64), np.array([*kinds, PLAIN], np.intp)


def roles(config: SampleConfig, plan: ShardPlan, keys: U64, positions: Ints) -> Ints:
    """The role of each document of a shard: a number into `KINDS`, or `PLAIN`."""
    edges, kinds = _role_edges(config.rates, plan.source)
    found = kinds[np.searchsorted(edges, channel(keys, "role") >> np.uint64(11), side="right")]
    for kind in BAD_LINES:
        found[_bad_lines(config, plan, kind, positions)] = KINDS.index(kind)
    return found


def _bad_lines(config: SampleConfig, plan: ShardPlan, kind: str, positions: Ints) -> Ints:
    """One position in every `1 / rate`, so that the number of unreadable lines never strays far from its rate.

    The spot lies in the second half of its window: a shard of a few documents has none, unless the plan asks for it.
    """
    rate = getattr(config.rates, kind)
    if rate == 0:
        return np.zeros(0, np.intp)
    base = key_of(kind, shard_key(config.seed, plan.source, plan.shard))
    window = max(2, round(1 / rate))
    spot = stream(np.full(1, base, np.uint64), (positions // window).astype(np.uint64))
    chosen = positions % window == window // 2 + bits(spot, 0, 30) % (window - window // 2)
    if plan.bad_lines:
        half = max(1, plan.least_documents // 2)  # each kind in a half of its own, so that they never meet
        chosen |= positions == Dice(base).below(half) + half * BAD_LINES.index(kind)
    return np.flatnonzero(chosen)


@dataclass(frozen=True)
class Original:
    """A plain document that another one copies."""

    source: str
    shard: int
    position: int
    key: int
    words: int

    @property
    def identity(self) -> str:
        """Its id."""
        return document_id(self.source, self.shard, self.position)


def find_original(config: SampleConfig, source: str, dice: Dice, least_words: int) -> Original | None:
    """A document of any shard of `source` that certainly exists, carries no planting and has enough words."""
    plans = shards_of(config, source)
    plan = plans[dice.below(len(plans))]
    positions = np.array([dice.below(plan.least_documents) for _ in range(_TRIES)], np.intp)
    keys = document_keys(config.seed, source, plan.shard, positions)
    words = SOURCES[source].lengths(keys)
    fit = np.flatnonzero((roles(config, plan, keys, positions) == PLAIN) & (words >= least_words))
    if len(fit) == 0:
        return None
    first = int(fit[0])
    return Original(source, plan.shard, int(positions[first]), int(keys[first]), int(words[first]))
