import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts.arrays import offsets
from malmoi_pipelines.dedupe.messages import MATCH, Columns, take
from malmoi_pipelines.dedupe.near.resolve import follow_ups, removals
from malmoi_pipelines.dedupe.near.verify import intersections


def matches(*edges: tuple[int, int, float]) -> Columns:
    """Edges (document, partner, similarity); a document's number is also its rank."""
    documents, partners, similarities = (np.array(column) for column in zip(*edges, strict=True))
    zeros = 0 * documents
    values = (documents, partners, documents, zeros, partners, zeros)
    columns = {name: value.astype(np.uint64) for name, value in zip(MATCH.names, values, strict=False)}
    return {**columns, "similarity": similarities.astype(np.float64)}


def chosen(edges: Columns) -> dict[int, int]:
    removed = take(edges, removals(edges))
    return dict(zip(removed["document"].tolist(), removed["partner"].tolist(), strict=True))


def test_a_chain_is_not_closed():
    assert chosen(matches((2, 1, 0.9), (3, 2, 0.9))) == {2: 1}


def test_the_most_similar_survivor_is_the_partner():
    assert chosen(matches((3, 1, 0.8), (3, 2, 0.9))) == {3: 2}
    assert chosen(matches((3, 1, 0.9), (3, 2, 0.9))) == {3: 1}
    assert chosen(matches((2, 1, 0.8), (3, 1, 0.8), (3, 2, 0.9))) == {2: 1, 3: 1}


def test_follow_ups_compare_orphans_with_their_partners_survivors():
    edges = follow_ups(matches((2, 1, 0.9), (3, 2, 0.9), (4, 3, 0.9), (5, 2, 0.9), (5, 1, 0.8)))
    assert list(zip(edges["document"].tolist(), edges["partner"].tolist(), strict=True)) == [(3, 1)]


EDGES = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 12), st.sampled_from([0.8, 0.9, 1.0])).filter(lambda e: e[0] > e[1]),
    unique_by=lambda edge: edge[:2],
    min_size=1,
)


@pytest.mark.long
@given(EDGES, st.randoms())
@settings(max_examples=300, deadline=None)
def test_every_partner_survives_and_nothing_more_could_go(edges, rng):
    result = chosen(matches(*edges))
    shuffled = rng.sample(edges, len(edges))
    assert chosen(matches(*shuffled)) == result
    for document, partner in result.items():
        assert partner not in result
        assert any(edge[:2] == (document, partner) for edge in edges)
    for document, partner, _ in edges:
        assert document in result or partner in result
    orphans = {document for document, _, _ in edges} - result.keys()
    assert set(follow_ups(matches(*edges))["document"].tolist()) == orphans


@pytest.mark.long
@given(st.lists(st.tuples(st.sets(st.integers(0, 40), min_size=1), st.sets(st.integers(0, 40), min_size=1))))
@settings(max_examples=100, deadline=None)
def test_intersections_equal_python_sets(pairs):
    spread = np.uint64(0x9E3779B97F4A7C15)
    sides = []
    for side in range(2):
        sets = [np.array(sorted(pair[side]), np.uint64) * spread for pair in pairs]
        sides.append((np.concatenate([np.zeros(0, np.uint64), *sets]), np.array([len(s) for s in sets], np.int64)))
    (left, left_sizes), (right, right_sizes) = sides
    assert offsets(left_sizes)[-1] == len(left)
    expected = [len(a & b) for a, b in pairs]
    assert intersections(left, right, left_sizes, right_sizes).tolist() == expected
