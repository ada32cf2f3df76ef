"""Documents whose partners all went are compared with those partners' survivors, round by round until none is new."""

import itertools
import random
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from malmoi_pipelines.contracts.hashing import GOLDEN
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.messages import MATCH, REMOVAL, file_of, from_chunks, locators, row_of, to_batch
from malmoi_pipelines.dedupe.near import resolve
from malmoi_pipelines.dedupe.near.resolve import FollowedUp, ResolveMatches
from malmoi_pipelines.dedupe.steps import Partitions
from malmoi_pipelines.dedupe.work_files import ShingleWriter
from malmoi_pipelines.engine.job import Send

from tests.pipelines.dedupe.conftest import UNGUARDED
from tests.pipelines.dedupe.corpus import chain, plain_jaccard, split_files

Edge = tuple[int, int]
Sets = list[set[int]]  # the shingles of document 0, 1, ... in the total order
FILES = 2
SIZE = 100


def window(first: int) -> set[int]:
    """Two windows are similar (0.8 and more) if they are at most eleven apart."""
    return set(range(first, first + SIZE))


def jaccard(document: set[int], partner: set[int]) -> float:
    return len(document & partner) / len(document | partner)


def containment(document: set[int], partner: set[int]) -> float:
    return len(document & partner) / len(document)


Measure = Callable[[set[int], set[int]], float]
MEASURES: dict[str, Measure] = {"jaccard": jaccard, "containment": containment}


def locator(document: int) -> int:
    """Documents are dealt into files in turn, so that neighbours lie in different ones."""
    return int(locators(document % FILES, document // FILES, 1)[0])


def number(at: np.ndarray) -> list[int]:
    return (row_of(at) * FILES + file_of(at)).tolist()


def write_sets(work: str, sets: Sets) -> None:
    for file in range(FILES):
        # Shingle hashes fill 64 bits.
        chosen = [np.sort(np.array(list(values), np.uint64) * np.uint64(GOLDEN)) for values in sets[file::FILES]]
        with ShingleWriter(work, file) as writer:
            writer.add(np.arange(len(chosen)), chosen)


def matches(sets: Sets, edges: list[Edge], measure: Measure) -> list[pa.RecordBatch]:
    """Verified edges as chunks of one row."""
    chunks = []
    for document, partner in edges:
        similarity = measure(sets[document], sets[partner])
        values = (locator(document), locator(partner), document, 0, partner, 0, similarity)
        columns = {name: np.array([value]) for name, value in zip(MATCH.names, values, strict=True)}
        chunks.append(to_batch(MATCH, columns))
    return chunks


def resolved(
    work: str, sets: Sets, edges: list[Edge], similarity: str = "jaccard"
) -> tuple[dict[int, tuple[int, float]], int]:
    """Removed document → its partner and their similarity; and the edges that follow-ups added."""
    write_sets(work, sets)
    step = ResolveMatches(work, DedupeConfig(guards=UNGUARDED, similarity=similarity), FILES)
    outputs = list(step(0, matches(sets, edges, MEASURES[similarity])))
    sends = [output for output in outputs if isinstance(output, Send)]
    for send in sends:
        assert set(file_of(send.chunk.column("document").to_numpy()).tolist()) == {send.partition}
    found = from_chunks([send.chunk for send in sends], REMOVAL)
    assert found["near"].all()
    assert found["cluster"].tolist() == found["partner"].tolist()
    pairs = zip(number(found["partner"]), found["similarity"].tolist(), strict=True)
    removed = dict(zip(number(found["document"]), pairs, strict=True))
    assert len(removed) == len(found["document"]), "a document goes once"
    (added,) = (output.edges for output in outputs if isinstance(output, FollowedUp))
    return removed, added


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[Edge]]:
    """The pairs that were verified, call by call."""
    calls: list[list[Edge]] = []
    verified = resolve.verified

    def spy(edges, *args, **kwargs):
        calls.append(list(zip(number(edges["document"]), number(edges["partner"]), strict=True)))
        return verified(edges, *args, **kwargs)

    monkeypatch.setattr(resolve, "verified", spy)
    return calls


def test_a_follow_up_removes_what_is_like_the_survivor(tmp_path):
    sets = [window(0), window(5), window(10)]
    removed, added = resolved(str(tmp_path), sets, [(1, 0), (2, 1)])
    assert removed == {1: (0, pytest.approx(95 / 105)), 2: (0, pytest.approx(90 / 110))}
    assert added == 1


def test_a_follow_up_keeps_what_is_unlike_the_survivor(tmp_path):
    sets = [window(0), window(10), window(20)]
    removed, added = resolved(str(tmp_path), sets, [(1, 0), (2, 1)])
    assert removed == {1: (0, pytest.approx(90 / 110))}
    assert added == 0


def test_a_document_that_loses_its_survivor_to_a_follow_up_is_followed_up_itself(tmp_path, asked):
    sets = [window(0), window(3), window(6), window(9)]
    removed, added = resolved(str(tmp_path), sets, [(1, 0), (2, 1), (3, 2)])
    assert {document: partner for document, (partner, _) in removed.items()} == {1: 0, 2: 0, 3: 0}
    assert removed[3][1] == pytest.approx(91 / 109)
    assert added == 2
    assert [pairs for pairs in asked if pairs] == [[(2, 0)], [(3, 0)]]


def test_the_second_round_may_free_its_document(tmp_path):
    """Document 3 is like 2, but not like 0, which 2 goes into in the end: it stays."""
    sets = [window(0), window(5), window(10), window(15)]
    removed, added = resolved(str(tmp_path), sets, [(1, 0), (2, 1), (3, 2)])
    assert {document: partner for document, (partner, _) in removed.items()} == {1: 0, 2: 0}
    assert added == 1


def test_the_most_similar_of_several_survivors_wins(tmp_path):
    """Documents 2 and 3 go into 0 and 1; 4 matched both, and is nearer to 1."""
    sets = [window(0), window(19), window(4), window(15), window(10)]
    removed, added = resolved(str(tmp_path), sets, [(2, 0), (3, 1), (4, 2), (4, 3)])
    assert removed[4] == (1, pytest.approx(91 / 109))
    assert {document: partner for document, (partner, _) in removed.items()} == {2: 0, 3: 1, 4: 1}
    assert added == 2


def test_a_long_chain_ends_and_asks_for_no_pair_twice(tmp_path, asked):
    sets = [window(2 * n) for n in range(60)]
    removed, _ = resolved(str(tmp_path), sets, list(itertools.pairwise(range(59, -1, -1))))
    pairs = [pair for call in asked for pair in call]
    assert len(pairs) == len(set(pairs))
    check_rules(sets, [(n, n - 1) for n in range(1, 60)], removed)
    assert {n for n in range(60) if n not in removed} == set(plain_survivors(sets))


def plain_survivors(sets: Sets) -> list[int]:
    """Of a chain: each document goes that is like the last one that stayed."""
    stay = [0]
    for n in range(1, len(sets)):
        if jaccard(sets[n], sets[stay[-1]]) < 0.8:
            stay.append(n)
    return stay


def check_rules(
    sets: Sets, edges: list[Edge], removed: dict[int, tuple[int, float]], similarity: Measure = jaccard
) -> None:
    """Partners stay and are similar; of two that match one goes; who stays is unlike the survivors of its partners."""
    for document, (partner, value) in removed.items():
        assert partner not in removed
        assert partner < document
        assert value == pytest.approx(similarity(sets[document], sets[partner]))
        assert value >= 0.8
    for document, partner in edges:
        assert document in removed or partner in removed
        if document not in removed:
            assert similarity(sets[document], sets[removed[partner][0]]) < 0.8


@pytest.mark.parametrize("measure", ["jaccard", "containment"])
@pytest.mark.parametrize("seed", range(10))
def test_on_graphs_of_chance_follow_ups_end_and_the_rules_hold(tmp_path, asked, seed, measure):
    similarity = MEASURES[measure]
    rng = random.Random(seed)
    sets = [window(rng.randint(0, 60)) for _ in range(40)]
    pairs = [(n, m) for n in range(40) for m in range(n) if similarity(sets[n], sets[m]) >= 0.8]
    edges = [pair for pair in pairs if rng.random() < 0.15]
    removed, added = resolved(str(tmp_path), sets, edges, similarity=measure)
    check_rules(sets, edges, removed, similarity)
    pairs = [pair for call in asked for pair in call]
    assert len(pairs) == len(set(pairs)), "a pair is verified once"
    assert 0 <= added <= len(pairs)
    shuffled = rng.sample(edges, len(edges))
    assert resolved(str(tmp_path / "again"), sets, shuffled, similarity=measure) == (removed, added)


def test_without_matches_there_is_nothing_to_follow(tmp_path):
    assert resolved(str(tmp_path), [window(0), window(1)], []) == ({}, 0)


def test_components_need_no_follow_ups(tmp_path):
    work, sets = str(tmp_path), [window(0), window(5), window(10)]
    write_sets(work, sets)
    step = ResolveMatches(work, DedupeConfig(groups="components"), FILES)
    outputs = list(step(0, matches(sets, [(1, 0), (2, 1)], jaccard)))
    assert not any(isinstance(output, FollowedUp) for output in outputs)
    assert sum(output.chunk.num_rows for output in outputs if isinstance(output, Send)) == 2


def test_follow_ups_in_the_whole_chain(dedupe):
    """With few bands and no neighbours many pairs are found by a follow-up only, whatever the partitions."""
    rng = random.Random(7)
    texts = [text for _ in range(6) for text in chain(rng, 20, step=4)]
    documents = [(f"d{n}", "s", text) for n, text in enumerate(texts)]
    text_of = {i: text for i, _, text in documents}
    config = DedupeConfig(guards=UNGUARDED, bands=2, rows=6, neighbours=0)
    outcome = dedupe(split_files(documents, 3), config)
    assert outcome.report.facts["verified follow-up edges"] > 0
    for i, row in outcome.removed.items():
        assert row["partner_id"] in outcome.kept
        assert row["similarity"] == pytest.approx(plain_jaccard(text_of[i], text_of[row["partner_id"]]), abs=1e-6)
        assert row["similarity"] >= 0.8
    again = dedupe(split_files(documents, 3), config, seed=1, partitions=Partitions(5, 3))
    assert again.reasons == outcome.reasons
    assert again.report.facts["verified follow-up edges"] == outcome.report.facts["verified follow-up edges"]
