"""Components of matches: in one process against union-find, and in rounds over many partitions."""

import itertools
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.messages import LABEL, from_chunks
from malmoi_pipelines.dedupe.near.components import JoinStars, components, send_labels
from malmoi_pipelines.dedupe.steps import Partitions
from malmoi_pipelines.engine.job import Send, Step

from tests.pipelines.dedupe.conftest import UNGUARDED, run_steps
from tests.pipelines.dedupe.corpus import chain, edit, plain_components, planted_corpus, split_files, words

GRAPHS = st.integers(1, 40).flatmap(
    lambda count: st.tuples(
        st.just(count), st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=60)
    )
)


@given(GRAPHS)
@settings(max_examples=300)
def test_components_are_those_of_union_find(graph):
    count, edges = graph
    left, right = (np.array([edge[side] for edge in edges], np.int64) for side in (0, 1))
    assert components(left, right, count).tolist() == plain_components(edges, count)


def test_a_long_path_in_the_worst_order():
    count = 20_000
    order = np.random.default_rng(1).permutation(count)
    assert not components(order[:-1], order[1:], count).any()


@dataclass(frozen=True)
class Feed:
    """A first step that sends edges; each partition has some of them."""

    edges: tuple[tuple[int, int], ...]
    partitions: int

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send]:
        del chunks
        mine = np.array(self.edges[partition :: self.partitions], np.uint64).reshape(-1, 2)
        yield from send_labels(mine.max(axis=1), mine.min(axis=1), self.partitions)


@dataclass(frozen=True)
class Labels(Result):
    pairs: list[tuple[int, int]]


@dataclass(frozen=True)
class Collect:
    """A last step that tells the labels it got."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Result]:
        labels = from_chunks(chunks, LABEL)
        assert (labels["node"] >> np.uint64(32) == partition).all()
        yield Labels(list(zip(labels["node"].tolist(), labels["label"].tolist(), strict=True)))


def labels_after(edges: list[tuple[int, int]], partitions: int, rounds: int, files: int = 1, seed: int = 0) -> dict:
    """node → label, of the nodes of the first `files` files."""
    steps = (
        Step("feed", Feed(tuple(edges), partitions), partitions),
        *(
            Step(f"join {n}", JoinStars(partitions, rounds, files if n == rounds else None), partitions)
            for n in range(1, rounds + 1)
        ),
        Step("collect", Collect(), files),
    )
    pairs = [pair for labels in run_steps(steps, seed) for pair in labels.pairs]
    assert len(dict(pairs)) == len(pairs), "each node is told once"
    return dict(pairs)


@pytest.mark.long
@given(GRAPHS, st.integers(1, 9), st.integers(0, 2**32))
@settings(max_examples=25)
def test_rounds_over_many_partitions_find_the_same(graph, partitions, seed):
    count, edges = graph
    edges = [edge for edge in edges if edge[0] != edge[1]]
    label = plain_components(edges, count)
    expected = {node: label[node] for edge in edges for node in edge}
    assert labels_after(edges, partitions, 16, seed=seed) == expected


@pytest.mark.parametrize("numbering", ["ascending", "shuffled", "zigzag"])
def test_a_path_of_200_converges_in_16_rounds(numbering):
    nodes = list(range(200))
    if numbering == "shuffled":
        random.Random(1).shuffle(nodes)
    elif numbering == "zigzag":
        nodes = [n // 2 if n % 2 else 199 - n // 2 for n in nodes]
    path = list(itertools.pairwise(nodes))
    assert labels_after(path, 7, 16) == dict.fromkeys(range(200), 0)


def test_labels_go_to_the_files_of_new_documents_only():
    new, old = [1, (1 << 32) | 7], [(2 << 32) | 3, (3 << 32) | 3]
    labels = labels_after([(new[1], new[0]), (new[1], old[0]), (old[1], old[0])], 5, 8, files=2)
    assert labels == dict.fromkeys(new, new[0])


@pytest.mark.parametrize("rounds", [1, 2])
def test_too_few_rounds_are_found_out(rounds):
    path = [(n, n + 1) for n in range(200)]
    with pytest.raises(CheckError, match=f"component_rounds = {rounds}") as caught:
        labels_after(path, 7, rounds)
    assert "component_rounds" in caught.value.hint


@pytest.fixture(scope="module")
def tangled() -> list[list[tuple[str, str, str]]]:
    """Families of near duplicates and a chain, in three files."""
    links = [(f"link{n}", "chain", text) for n, text in enumerate(chain(random.Random(5), 12))]
    return split_files([*planted_corpus(31, families=10, singles=4), *links], 3)


@pytest.mark.long
@pytest.mark.parametrize("groups", ["star", "components"])
def test_the_number_of_match_partitions_changes_no_byte(dedupe, tangled, groups):
    config = DedupeConfig(groups=groups, guards=UNGUARDED)
    one = dedupe(tangled, config, partitions=Partitions(1, 1))
    many = dedupe(tangled, config, seed=3, partitions=Partitions(3, 5))
    assert one.hashes == many.hashes
    assert len(one.infos) == 9
    assert one.removals
    assert one.report.facts["verified edges"] == many.report.facts["verified edges"]
    assert one.report.facts["verified follow-up edges"] == many.report.facts["verified follow-up edges"]


def test_the_stage_fails_rather_than_cut_a_component(dedupe):
    links = [(f"link{n}", "s", text) for n, text in enumerate(chain(random.Random(6), 20))]
    few = DedupeConfig(component_rounds=1, guards=UNGUARDED)
    with pytest.raises(CheckError, match="component_rounds = 1"):
        dedupe([links], few, partitions=Partitions(2, 5))
    assert dedupe([links], few, partitions=Partitions(2, 1)).removals, "one partition needs no rounds"


@pytest.mark.long
def test_components_that_are_gathered_are_not_mixed(dedupe):
    """Many small families over more partitions than families: each resolves as it does alone."""
    rng = random.Random(7)
    families = defaultdict(list)
    for n in range(6):
        base = words(rng, 90)
        families[n] = [(f"f{n}-{k}", "s", " ".join(edit(rng, base, 2))) for k in range(3)]
    config = DedupeConfig(groups="components", guards=UNGUARDED)
    together = dedupe(
        split_files([d for family in families.values() for d in family], 2), config, partitions=Partitions(2, 11)
    )
    alone = [dedupe([family], config).reasons for family in families.values()]
    assert together.reasons == {i: removal for reasons in alone for i, removal in reasons.items()}
