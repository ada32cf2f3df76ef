"""The guards: each stops the stage with an example and the setting, and lets it pass when set higher."""

import random

import pytest
from malmoi_pipelines.contracts.config import parse_config
from malmoi_pipelines.contracts.errors import CheckError, UsageError
from malmoi_pipelines.dedupe.config import DedupeConfig, Guards

from tests.pipelines.dedupe.conftest import UNGUARDED
from tests.pipelines.dedupe.corpus import Document, chain, edit, plain_jaccard, words

SECRET = "박연암의전화번호"  # a word of every text; no message may hold it


def family(rng: random.Random, count: int, source: str = "manuals", edits: int = 2) -> list[Document]:
    base = [SECRET, *words(rng, 200)]
    return [(f"{source}-{n:03d}", source, " ".join([*edit(rng, base, edits), SECRET])) for n in range(count)]


def unlike(rng: random.Random, count: int, source: str = "news") -> list[Document]:
    return [(f"{source}-{n:03d}", source, " ".join([SECRET, *words(rng, 30)])) for n in range(count)]


def short(rng: random.Random, count: int, source: str = "chat") -> list[Document]:
    return [(f"{source}-{n:03d}", source, " ".join([SECRET, *words(rng, 2)])) for n in range(count)]


def stopped(dedupe, documents: list[Document], guards: Guards, **settings) -> CheckError:
    with pytest.raises(CheckError) as caught:
        dedupe([documents[::2], documents[1::2]], DedupeConfig(guards=guards, **settings))
    error = caught.value
    assert error.exit_code == 4
    for text in (error.message, error.hint):
        assert SECRET not in text
        assert not any(word in text for _, _, document in documents for word in document.split(" ") if len(word) > 3)
    return error


def test_near_share_names_its_least_similar_removals(dedupe):
    rng = random.Random(1)
    documents = [*family(rng, 12), *unlike(rng, 12)]
    error = stopped(dedupe, documents, Guards(from_documents=10, near_share=0.9, cluster_share=1.0))
    assert "source 'manuals'" in error.message
    assert "guards.near_share = 0.9" in error.message
    assert "11 of 12 (0.917)" in error.message
    assert "guards.near_share" in error.hint
    more = Guards(from_documents=10, near_share=0.92, cluster_share=1.0)
    outcome = dedupe([documents[::2], documents[1::2]], DedupeConfig(guards=more))
    assert len(outcome.removals) == 11
    (survivor,) = {row["partner_id"] for row in outcome.removals}
    least = sorted(outcome.removals, key=lambda row: (row["similarity"], row["id"]))[:3]
    for row in least:
        assert f"{row['id']} for {survivor} of 'manuals' ({row['similarity']:.3f})" in error.message
    texts = {i: text for i, _, text in documents}
    assert least[0]["similarity"] == pytest.approx(
        min(plain_jaccard(texts[i], texts[survivor]) for i in outcome.removed), abs=1e-6
    )


def test_near_share_counts_each_source_by_itself(dedupe):
    rng = random.Random(2)
    documents = [*family(rng, 20), *((f"x-{i}", "manuals", text) for i, _, text in unlike(rng, 25))]
    guards = Guards(from_documents=10, cluster_share=1.0)
    assert len(dedupe([documents], DedupeConfig(guards=guards)).removals) == 19  # of 45
    as_two = [*documents[:20], *((i, "other", text) for i, _, text in documents[20:])]
    assert "19 of 20" in stopped(dedupe, as_two, guards).message


def test_exact_share_names_removals_too(dedupe):
    rng = random.Random(3)
    copies = [(f"c{n:02d}", "mirror", text) for n, (_, _, text) in enumerate(unlike(rng, 4) * 10)]
    fine = {"from_documents": 10, "near_share": 0.0, "cluster_share": 1.0}
    error = stopped(dedupe, copies, Guards(exact_share=0.89, **fine))
    assert "source 'mirror'" in error.message
    assert "guards.exact_share = 0.89" in error.message
    assert "36 of 40 (0.900)" in error.message
    assert "guards.exact_share" in error.hint
    outcome = dedupe([copies[::2], copies[1::2]], DedupeConfig(guards=Guards(exact_share=0.9, **fine)))
    assert len(outcome.removals) == 36
    told = [row for row in outcome.removals if f"{row['id']} for {row['partner_id']} of 'mirror'" in error.message]
    assert len(told) == 3


def test_near_share_is_a_limit_that_may_be_reached(dedupe):
    rng = random.Random(4)
    documents = [*family(rng, 11), *((f"x-{i}", "manuals", text) for i, _, text in unlike(rng, 9))]
    assert len(dedupe([documents], DedupeConfig(guards=Guards(from_documents=20))).removals) == 10


def test_sources_below_from_documents_are_not_guarded(dedupe):
    rng = random.Random(5)
    documents = [*family(rng, 9), *short(rng, 9)]
    assert dedupe([documents], DedupeConfig(guards=Guards(from_documents=10))).removals
    with pytest.raises(CheckError):
        dedupe([documents], DedupeConfig(guards=Guards(from_documents=9)))


def test_cluster_share_names_the_survivor(dedupe):
    rng = random.Random(6)
    documents = [*family(rng, 12), *unlike(rng, 108)]
    strict = {"near_share": 1.0, "from_documents": 10}
    error = stopped(dedupe, documents, Guards(cluster_share=0.09, **strict))
    outcome = dedupe([documents], DedupeConfig(guards=Guards(cluster_share=0.1, **strict)))
    (survivor,) = {row["cluster_id"] for row in outcome.removals}
    assert outcome.report.facts["largest cluster"] == 12
    assert f"Got 12, into {survivor} of source 'manuals'" in error.message
    assert "guards.cluster_share = 0.09" in error.message
    assert "guards.cluster_share" in error.hint
    assert "repeated_lines.before_near=true" in error.hint


def test_cluster_share_counts_exact_copies_too(dedupe):
    rng = random.Random(7)
    documents = [(f"same{n}", "web", f"{SECRET} 같은 글 하나 둘 셋" + " " * n) for n in range(12)]
    documents += unlike(rng, 40)
    error = stopped(dedupe, documents, Guards(from_documents=10, exact_share=1.0, cluster_share=0.2), near=False)
    assert "Got 12, into same11 of source 'web'" in error.message
    more = Guards(from_documents=12, exact_share=1.0, cluster_share=0.2)
    assert dedupe([documents], DedupeConfig(near=False, guards=more)).removals


def test_cluster_share_sees_components_that_run_together(dedupe):
    texts = chain(random.Random(8), 30)
    links = [(f"link{n:02d}", "chain", f"{SECRET} {text}") for n, text in enumerate(texts)]
    guards = Guards(from_documents=15, cluster_share=0.1, near_share=1.0)
    assert dedupe([links], DedupeConfig(guards=guards)).removals
    assert "guards.cluster_share" in stopped(dedupe, links, guards, groups="components").message


def test_short_share_names_the_source(dedupe):
    rng = random.Random(9)
    documents = [*short(rng, 8), *((f"long-{i}", "chat", text) for i, _, text in unlike(rng, 4)), *unlike(rng, 20)]
    error = stopped(dedupe, documents, Guards(from_documents=10, short_share=0.6))
    assert "source 'chat'" in error.message
    assert "guards.short_share = 0.6" in error.message
    assert "8 of 12" in error.message
    assert "guards.short_share" in error.hint
    assert not dedupe([documents], DedupeConfig(guards=Guards(from_documents=10, short_share=0.67))).removals


def test_short_share_counts_what_the_setting_calls_short(dedupe):
    rng = random.Random(10)
    documents = short(rng, 20)  # three eojeol, but more than twelve syllables with the long one
    assert all(len(text.replace(" ", "")) >= 10 for _, _, text in documents)
    guards = Guards(from_documents=10, cluster_share=1.0)
    stopped(dedupe, documents, guards)
    assert dedupe([documents], DedupeConfig(shingle="syllables", shingle_size=8, guards=guards)).kept
    assert dedupe([documents], DedupeConfig(shingle_size=3, guards=guards)).kept


def test_short_documents_do_not_stop_a_run_without_near_dedupe(dedupe):
    """The guard says what near dedupe cannot judge; where that is off, there is nothing to warn of."""
    documents = short(random.Random(11), 20)
    assert len(dedupe([documents], DedupeConfig(near=False, guards=Guards(from_documents=10))).kept) == 20


def test_without_guards_the_report_still_tells(dedupe):
    rng = random.Random(12)
    documents = [*family(rng, 6), *short(rng, 5)]
    outcome = dedupe([documents], DedupeConfig(guards=UNGUARDED))
    by_source = {row["source"]: row for row in outcome.report.tables["Removed by source"]}
    assert by_source["manuals"]["near"] == 5
    assert by_source["chat"]["shorter than a shingle"] == 5
    (largest, *_) = outcome.report.tables["Largest clusters"]
    assert (largest["documents"], largest["source"]) == (6, "manuals")
    assert largest["id"] in outcome.kept


@pytest.mark.parametrize("name", ["near_share", "cluster_share", "short_share"])
def test_guards_are_shares(name):
    with pytest.raises(UsageError, match=name):
        parse_config(DedupeConfig, {"guards": {name: 1.5}}, "config.yaml")
