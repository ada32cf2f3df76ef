"""What each option does, on documents made for it."""

import itertools
import random
from collections import Counter

import numpy as np
import pytest
from malmoi_pipelines.contracts import files
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.near.verify import possible

from tests.pipelines.dedupe.conftest import UNGUARDED, Outcome
from tests.pipelines.dedupe.corpus import (
    Document,
    chain,
    edit,
    plain_containment,
    plain_dedupe,
    plain_jaccard,
    planted_corpus,
    split_files,
    words,
)

SURE = {"bands": 128, "rows": 4, "neighbours": 64}
"""Settings with which no similar pair is missed."""


def config(**values) -> DedupeConfig:
    return DedupeConfig.model_validate({"guards": UNGUARDED, **values})


def check_cluster_sizes(outcome: Outcome) -> None:
    """A survivor stands for itself and for all removals that name it."""
    named = Counter(row["cluster_id"] for row in outcome.removals)
    assert outcome.cluster_sizes == {i: 1 + named[i] for i in outcome.kept}
    assert sum(outcome.cluster_sizes.values()) == len(outcome.kept) + len(outcome.removals)


@pytest.mark.parametrize(
    ("priority", "exact", "near"),
    [(("news", "blog"), "news", "news"), (("wiki", "blog"), "blog", "blog"), (("blog",), "blog", "blog")],
)
def test_priority_chooses_among_equally_long_documents(dedupe, priority, exact, near):
    rng = random.Random(1)
    copy, base = " ".join(words(rng, 30)), words(rng, 60)
    swapped = [*base[:-2], base[-1], base[-2]]
    documents = [
        *((f"exact {source}", source, copy) for source in ("news", "blog", "shop")),
        ("near blog", "blog", " ".join(base)),
        ("near news", "news", " ".join(swapped)),
    ]
    outcome = dedupe(split_files(documents, 2), config(source_priority=priority, **SURE))
    assert outcome.kept.keys() == {f"exact {exact}", f"near {near}"}
    assert outcome.reasons == plain_dedupe(documents, priority=priority)


def test_priority_does_not_beat_length(dedupe):
    text = " ".join(words(random.Random(2), 30))
    documents = [("short", "first", text), ("long", "last", text + " ")]
    assert dedupe([documents], config(source_priority=("first",))).kept.keys() == {"long"}


def containment_corpus(rng: random.Random) -> list[Document]:
    documents: list[Document] = []
    for n in range(6):
        whole = words(rng, 100)
        documents.append((f"whole{n}", "s", " ".join(whole)))
        documents.append((f"part{n}", "s", " ".join(whole[: 50 + 5 * n])))
        documents.append((f"mixed{n}", "s", " ".join([*whole[:40], *words(rng, 20)])))
    return documents


def test_containment_removes_parts_and_jaccard_does_not(dedupe):
    documents = containment_corpus(random.Random(3))
    texts = {i: text for i, _, text in documents}
    files_ = split_files(documents, 2)
    outcome = dedupe(files_, config(similarity="containment", threshold=0.95, **SURE))
    assert outcome.removed.keys() == {f"part{n}" for n in range(6)}
    for i, row in outcome.removed.items():
        assert row["partner_id"] == i.replace("part", "whole")
        contained = plain_containment(texts[i], texts[row["partner_id"]])
        assert row["similarity"] == pytest.approx(contained, abs=1e-6)
        assert contained >= 0.95 > plain_jaccard(texts[i], texts[row["partner_id"]])
    assert dedupe(files_, config(threshold=0.95, **SURE)).removals == []


def test_containment_is_of_the_removed_document(dedupe):
    """Much of the long one is not in the short one: the long one stays."""
    rng = random.Random(4)
    part = words(rng, 60)
    documents = [("long", "s", " ".join([*part, *words(rng, 60)])), ("part", "s", " ".join(part))]
    outcome = dedupe([documents], config(similarity="containment", threshold=0.9, **SURE))
    assert outcome.reasons == plain_dedupe(documents, similarity="containment", threshold=0.9)
    assert outcome.kept.keys() == {"long"}


def spaced(rng: random.Random, text: str) -> str:
    """The text with wrong spaces: some left out, some put in."""
    kept = "".join(c for c in text if c != " " or rng.random() < 0.7)
    return "".join(c + " " * (rng.random() < 0.1) for c in kept).strip()


def test_syllables_see_through_noisy_spacing(dedupe):
    rng = random.Random(5)
    bases = [" ".join(words(rng, 40)) for _ in range(5)]
    documents = [(f"clean{n}", "s", text + " " + "끝" * 20) for n, text in enumerate(bases)]
    documents += [(f"noisy{n}-{k}", "s", spaced(rng, text)) for n, text in enumerate(bases) for k in range(2)]
    outcome = dedupe(split_files(documents, 2), config(shingle="syllables"))
    assert outcome.kept.keys() == {f"clean{n}" for n in range(5)}
    assert outcome.reasons == plain_dedupe(documents, unit="syllables")
    assert dedupe(split_files(documents, 2), config(shingle="eojeol")).removals == []


def test_short_documents_that_differ_in_spaces_only(dedupe):
    """Shorter than a shingle, a document goes only as an exact duplicate."""
    documents = [("a", "s", "재미있게 봤어요!!"), ("b", "s", "재미 있게 봤어요!!"), ("c", "s", "재미있게 봤어요")]
    assert dedupe([documents], config(shingle="syllables")).removals == []
    assert dedupe([documents], config()).removals == []
    long = [(i, source, f"{text} 아주 많이 웃었고 또 울었다") for i, source, text in documents[:2]]
    outcome = dedupe([long], config(shingle="syllables"))
    assert {i: (r.reason, r.partner, r.similarity) for i, r in outcome.reasons.items()} == {"a": ("near", "b", 1.0)}


@pytest.mark.parametrize("nearest", ["long", "longer"])
def test_of_two_survivors_the_most_similar_is_the_partner(dedupe, nearest):
    text = words(random.Random(12), 200)
    shifts = {"long": 10, "longer": -14} if nearest == "long" else {"long": 14, "longer": -10}
    texts = {name: text[20 + shift : 180 + shift] for name, shift in shifts.items()}
    documents = [("middle", "s", " ".join(text[20:180]))]
    documents += [(name, "s", " ".join(part) + " " * (300 if name == "long" else 600)) for name, part in texts.items()]
    outcome = dedupe([documents], config(**SURE))
    assert outcome.kept.keys() == {"long", "longer"}
    assert outcome.reasons == plain_dedupe(documents)
    assert outcome.removed["middle"]["partner_id"] == nearest


@pytest.mark.parametrize("count", [3, 30])
def test_components_make_one_of_a_chain(dedupe, count):
    texts = chain(random.Random(6), count)
    documents = [(f"link{n:02d}", "s", text) for n, text in enumerate(texts)]
    similarity = {(a, b): plain_jaccard(texts[a], texts[b]) for a, b in itertools.combinations(range(count), 2)}
    assert {pair for pair, value in similarity.items() if value >= 0.8} == set(itertools.pairwise(range(count)))
    outcome = dedupe(split_files(documents, 3), config(groups="components", **SURE))
    (survivor,) = outcome.kept
    assert outcome.cluster_sizes == {survivor: count}
    assert len(outcome.kept[survivor].encode()) == max(len(text.encode()) for text in texts)
    for n in range(count):
        if f"link{n:02d}" == survivor:
            continue
        row = outcome.removed[f"link{n:02d}"]
        partner = int(row["partner_id"][4:])
        best = max(similarity[min(n, m), max(n, m)] for m in (n - 1, n + 1) if 0 <= m < count)
        assert abs(partner - n) == 1
        assert row["similarity"] == pytest.approx(best, abs=1e-6)
        assert (row["cluster_id"], row["reason"]) == (survivor, "near")
    assert outcome.reasons == plain_dedupe(documents, groups="components")
    assert outcome.report.facts["largest cluster"] == count
    check_cluster_sizes(outcome)


def test_an_exact_copy_inside_a_component(dedupe):
    """It shares its partner and its cluster with the document that it equals."""
    texts = chain(random.Random(7), 3)
    documents = [(f"link{n}", "s", text) for n, text in enumerate(texts)]
    documents += [(f"copy{n}", "t", text.replace(" ", "\n")) for n, text in enumerate(texts)]
    outcome = dedupe(split_files(documents, 2), config(groups="components", **SURE))
    assert outcome.reasons == plain_dedupe(documents, groups="components")
    assert Counter(row["reason"] for row in outcome.removals) == {"near": 4, "exact": 1}
    check_cluster_sizes(outcome)


@pytest.mark.parametrize("groups", ["star", "components"])
def test_cluster_sizes_count_the_removals(dedupe, groups):
    outcome = dedupe(split_files(planted_corpus(51, families=12, singles=8), 3), config(groups=groups))
    check_cluster_sizes(outcome)
    assert max(outcome.cluster_sizes.values()) > 2
    assert outcome.report.facts["largest cluster"] == max(outcome.cluster_sizes.values())
    if groups == "star":
        assert all(row["cluster_id"] == row["partner_id"] for row in outcome.removals)


@pytest.mark.parametrize("groups", ["star", "components"])
def test_near_off_leaves_exact_duplicates(dedupe, groups):
    documents = planted_corpus(52, families=8, singles=8)
    documents += [(f"copy-{i}", source, f"{text}\n") for i, source, text in documents[::3]]
    outcome = dedupe(split_files(documents, 2), config(near=False, groups=groups))
    assert {row["reason"] for row in outcome.removals} == {"exact"}
    texts = [text for _, _, text in documents]
    assert len(outcome.kept) == len({" ".join(text.split()) for text in texts})
    assert outcome.report.facts["candidate edges"] == 0
    assert outcome.report.facts["documents with bands"] == 0
    check_cluster_sizes(outcome)


def test_digests_off_writes_none_and_changes_nothing_else(dedupe):
    documents = split_files(planted_corpus(53, families=5, singles=5), 2)
    with_, without = dedupe(documents, config()), dedupe(documents, config(digests=False))
    assert {path: value for path, value in with_.hashes.items() if not path.startswith("digests/")} == without.hashes
    assert len(with_.hashes) == len(without.hashes) + 2
    assert not files.exists(files.join(without.out, "digests"))


def family(rng: random.Random, count: int) -> list[Document]:
    base = words(rng, 120)
    return [(f"v{n:03d}", "s", " ".join(edit(rng, base, 1))) for n in range(count)]


@pytest.mark.parametrize("cap", [1, 5])
def test_the_cap_is_counted_and_the_star_still_removes(dedupe, cap):
    documents = family(random.Random(8), 40)
    free = dedupe(split_files(documents, 2), config())
    capped = dedupe(split_files(documents, 2), config(bucket_cap=cap))
    assert free.report.facts["hot buckets"] == 0
    assert free.report.facts["members beyond their cap"] == 0
    assert capped.report.facts["hot buckets"] > 0
    assert capped.report.facts["members beyond their cap"] > 0
    assert capped.report.facts["largest bucket"] == free.report.facts["largest bucket"] > cap
    assert capped.report.facts["candidate edges"] < free.report.facts["candidate edges"]
    assert len(free.kept) == len(capped.kept) == 1


def test_without_neighbours_the_star_removes_copies(dedupe):
    documents = family(random.Random(9), 20)
    star, more = (dedupe(split_files(documents, 2), config(neighbours=count)) for count in (0, 8))
    assert star.report.facts["candidate edges"] < more.report.facts["candidate edges"]
    assert len(star.kept) == len(more.kept) == 1


def test_neighbours_find_families_whose_bucket_has_another_first(dedupe):
    """Forms with a common head: each bucket's first document is like none of the copies of the others."""
    rng = random.Random(10)
    head = words(rng, 60)
    documents: list[Document] = []
    for n in range(12):
        body = words(rng, 40 + n)
        documents += [(f"form{n}-{k}", "s", " ".join([*head, *edit(rng, body, k)])) for k in range(2)]
    few, many = (dedupe([documents], config(neighbours=count, bands=4, rows=1)).removed.keys() for count in (0, 32))
    assert few < many
    assert many == plain_dedupe(documents).keys()


@pytest.mark.parametrize("similarity", ["jaccard", "containment"])
def test_sizes_never_rule_out_what_reaches_the_threshold(similarity):
    """The best that two sets can do is that one holds the other: all sizes up to 300, all thresholds in hundredths."""
    first, second = np.mgrid[1:301, 1:301].reshape(2, -1)
    best = np.minimum(first, second) / (first if similarity == "containment" else np.maximum(first, second))
    wrong = [n for n in range(1, 101) if (possible(first, second, similarity, n / 100) != (best >= n / 100)).any()]
    assert wrong == []


@pytest.mark.parametrize(("part", "whole", "threshold"), [(14, 25, 0.56), (243, 300, 0.81), (240, 300, 0.8)])
def test_a_similarity_of_just_the_threshold_is_enough(dedupe, part, whole, threshold):
    text = words(random.Random(11), whole + 4)
    documents = [("whole", "s", " ".join(text)), ("part", "s", " ".join(text[: part + 4]))]
    assert plain_jaccard(documents[0][2], documents[1][2]) == threshold
    outcome = dedupe([documents], config(threshold=threshold, **SURE))
    assert outcome.reasons == plain_dedupe(documents, threshold=threshold)
    assert outcome.removed.keys() == {"part"}
