"""The whole chain, against plain Python."""

import itertools
import random
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.ledger import IN, KEPT, MERGED
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.steps import Partitions

from tests.pipelines.dedupe.conftest import UNGUARDED, Deduper, Outcome
from tests.pipelines.dedupe.corpus import (
    Document,
    edit,
    plain_jaccard,
    plain_normalise,
    plain_shingles,
    planted_corpus,
    split_files,
    words,
)


def check_promises(documents: list[Document], outcome: Outcome, threshold: float = 0.8) -> None:
    """What must hold for every outcome: nothing lost, every removal explained by a survivor that is similar enough."""
    texts = {i: (source, text) for i, source, text in documents}
    removed = outcome.removed
    assert len(removed) == len(outcome.removals)
    assert removed.keys() | outcome.kept.keys() == texts.keys()
    assert not removed.keys() & outcome.kept.keys()
    assert all(text == texts[i][1] for i, text in outcome.kept.items())
    for i, row in removed.items():
        source, text = texts[i]
        partner_source, partner = texts[row["partner_id"]]
        assert row["partner_id"] in outcome.kept
        assert (row["source"], row["partner_source"]) == (source, partner_source)
        assert row["bytes"] == len(text.encode())
        if row["reason"] == "exact":
            assert row["similarity"] == 1
            assert plain_normalise(text) == plain_normalise(partner)
            assert plain_normalise(text) or text == partner
        else:
            assert plain_jaccard(text, partner) >= threshold
            assert row["similarity"] == pytest.approx(plain_jaccard(text, partner), abs=1e-6)
    check_ledger(documents, outcome)


def check_ledger(documents: list[Document], outcome: Outcome) -> None:
    outcome.report.ledger.check()
    expected: dict = defaultdict(lambda: [0, 0])
    for i, source, text in documents:
        for name in (IN, KEPT if i in outcome.kept else MERGED):
            expected[source, name][0] += 1
            expected[source, name][1] += len(text.encode())
    ledger = outcome.report.ledger
    assert {(s, o): cell for s, outcomes in ledger.counts.items() for o, cell in outcomes.items()} == expected
    facts = outcome.report.facts
    assert facts["documents in"] == len(documents)
    assert facts["documents kept"] == len(outcome.kept)
    for kind in ("exact", "near"):
        assert facts[f"{kind} duplicates removed"] == sum(row["reason"] == kind for row in outcome.removals)
    assert facts["documents shorter than a shingle"] == sum(
        len(plain_normalise(t).split()) < 5 for _, _, t in documents
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_planted_duplicates_are_found_and_every_removal_holds(dedupe, seed):
    documents = planted_corpus(seed)
    outcome = dedupe(split_files(documents, 4), seed=seed)
    check_promises(documents, outcome)
    # Recall: of the documents with a kept document at Jaccard >= 0.8 beside them, how many went.
    kept = list(outcome.kept.items())
    missed = {b for (_, x), (b, y) in itertools.combinations(kept, 2) if plain_jaccard(x, y) >= 0.8}
    assert len(outcome.removals) / (len(outcome.removals) + len(missed)) >= 0.9
    assert len(outcome.removals) > 40


def test_exact_groups_equal_a_dictionary(dedupe):
    rng = random.Random(3)
    forms = [lambda t: t, str.upper, lambda t: f"  {t}!!", lambda t: t.replace(" ", "\n")]
    bases = [f"{' '.join(words(rng, rng.randint(1, 12)))} abc {rng.randint(0, 9)}" for _ in range(30)]
    texts = [rng.choice(forms)(rng.choice(bases)) for _ in range(150)]
    documents = [(f"d{n}", "web", text) for n, text in enumerate(texts)]
    outcome = dedupe(split_files(documents, 3), DedupeConfig(near=False, guards=UNGUARDED))
    check_promises(documents, outcome)
    groups: dict[str, list[str]] = defaultdict(list)
    for _, _, text in documents:
        groups[plain_normalise(text)].append(text)
    assert sorted(len(text.encode()) for text in outcome.kept.values()) == sorted(
        max(len(text.encode()) for text in group) for group in groups.values()
    )
    assert outcome.report.facts["largest cluster"] == max(map(len, groups.values()))


@pytest.mark.long
def test_the_order_of_files_does_not_choose_the_survivors(dedupe):
    documents = planted_corpus(4, families=15, singles=10)
    documents += [(f"copy-{i}", f"{source}-2", text) for i, source, text in documents[::3]]  # equal texts: id decides
    files = split_files(documents, 3)
    kept = dedupe(files).kept
    assert dedupe(files[::-1]).kept == kept
    shuffled = random.Random(0).sample(documents, len(documents))
    assert dedupe(split_files(shuffled, 5), partitions=Partitions(1, 1)).kept == kept


def test_chunks_may_arrive_in_any_order_and_cut(dedupe):
    parts = split_files(planted_corpus(5, families=8, singles=5), 2)
    expected = dedupe(parts).hashes

    @given(seed=st.integers(1, 2**32))
    @settings(max_examples=5, deadline=None)
    def any_seed(seed):
        assert dedupe(parts, seed=seed).hashes == expected

    any_seed()


def test_the_number_of_partitions_changes_nothing(dedupe):
    files = split_files(planted_corpus(6, families=8, singles=5), 2)
    assert dedupe(files, partitions=Partitions(1, 1)).hashes == dedupe(files, partitions=Partitions(8, 4)).hashes


def test_object_stores_work_too(memory_root, dedupe):
    parts = split_files(planted_corpus(7, families=8, singles=5), 2)
    assert Deduper(memory_root)(parts).hashes == dedupe(parts).hashes


def test_a_chain_keeps_both_ends(dedupe):
    rng = random.Random(8)
    a = words(rng, 104)
    b = [*a[:-10], *words(rng, 8)]  # shorter, so A comes first
    c = [*words(rng, 8), *b[11:]]
    texts = {"A": " ".join(a), "B": " ".join(b), "C": " ".join(c)}
    assert plain_jaccard(texts["A"], texts["B"]) >= 0.8 <= plain_jaccard(texts["B"], texts["C"])
    assert plain_jaccard(texts["A"], texts["C"]) < 0.8
    documents = [(name, "s", text) for name, text in texts.items()]
    outcome = dedupe([documents])
    check_promises(documents, outcome)
    assert set(outcome.kept) == {"A", "C"}


def test_an_exact_copy_of_a_near_duplicate_names_the_survivor(dedupe):
    rng = random.Random(9)
    base = words(rng, 100)
    near = " ".join(base[:-3])
    documents = [("long", "a", " ".join(base)), ("near", "b", near), ("copy", "c", near), ("loud", "d", near + " ")]
    outcome = dedupe([[document] for document in documents])
    check_promises(documents, outcome)
    assert set(outcome.kept) == {"long"}
    assert {(row["reason"], row["partner_id"]) for row in outcome.removals} == {("near", "long")}
    assert outcome.report.facts["largest cluster"] == 4


def test_templates_with_different_content_stay(dedupe):
    rng = random.Random(10)
    head, tail = words(rng, 20), words(rng, 15)
    documents = [(f"t{n}", "forms", " ".join([*head, *words(rng, 40), *tail])) for n in range(60)]
    outcome = dedupe(split_files(documents, 2))
    assert len(outcome.kept) == 60


def test_a_family_of_edited_copies_leaves_no_similar_pair(dedupe):
    rng = random.Random(11)
    base = words(rng, 300)
    documents = [(f"v{n}", "docs", " ".join(edit(rng, base, 1))) for n in range(40)]
    outcome = dedupe(split_files(documents, 3))
    check_promises(documents, outcome)
    assert len(outcome.kept) == 1


def test_short_documents_merge_only_when_equal(dedupe):
    rng = random.Random(12)
    texts = [" ".join(words(rng, n % 5)) for n in range(200)]
    texts += ["재밌어요", "재밌어요!!", "재밌어", "정말 재밌어요", "정말 재밌네요"]
    documents = [(f"r{n}", "reviews", text) for n, text in enumerate(texts)]
    outcome = dedupe(split_files(documents, 2))
    check_promises(documents, outcome)
    assert len(outcome.kept) == len({plain_normalise(text) or text for text in texts})
    assert outcome.report.facts["candidate edges"] == 0


@pytest.mark.long
def test_degenerate_documents(dedupe):
    rng = random.Random(13)
    megabyte = " ".join(words(rng, 100_000))
    texts = {
        "empty": "",
        "empty too": "",
        "space": " \n\t",
        "dots": "...",
        "other dots": "....",
        "dots again": "...",
        "hearts": "♡♡♡",
        "one character": "ㅋ" * 100_000,
        "one word": "가 " * 50_000,
        "one word, shorter": "가 " * 49_000,
        "long": megabyte,
        "long, edited": megabyte[:-2000],
        "long, other": " ".join(words(rng, 100_000)),
        "control": "\x00\x01\ufeff",
        "astral": "𝔸𝔹 😀 \U0010ffff",
    }
    assert len(megabyte.encode()) > 1_000_000
    documents = [(i, "odd", text) for i, text in texts.items()]
    outcome = dedupe([documents[::2], [], documents[1::2]])
    check_promises(documents, outcome)
    partner = {i: row["partner_id"] for i, row in outcome.removed.items()}
    assert len({"one word", "one word, shorter"} & partner.keys()) == 1  # of either all is said before
    assert partner["long, edited"] == "long"
    assert len(partner) == 4
    assert len({"empty", "empty too"} & partner.keys()) == 1
    assert len({"dots", "dots again"} & partner.keys()) == 1


def test_the_cap_limits_the_signature_and_not_the_verification(dedupe):
    rng = random.Random(14)
    head = words(rng, 200)
    documents = [(f"d{n}", "s", " ".join([*head, *words(rng, 400)])) for n in range(3)]
    capped = DedupeConfig(max_chars=len(" ".join(head)) - 10, guards=UNGUARDED)
    outcome = dedupe([documents], capped)
    assert outcome.report.facts["candidate edges"] > 0
    assert len(outcome.kept) == 3


@pytest.mark.parametrize("files", [[], [[]], [[], []]])
def test_nothing_in_nothing_out(dedupe, files):
    outcome = dedupe(files)
    assert (outcome.kept, outcome.removals) == ({}, [])


def test_output_files_keep_the_places_of_their_inputs(dedupe):
    documents = planted_corpus(15, families=5, singles=20)
    parts = split_files(documents, 3)
    outcome = dedupe(parts)
    for number, part in enumerate(parts):
        (info,) = [info for info in outcome.infos if info.path == f"data/part-{number:05d}.parquet"]
        survivors = [text for i, _, text in part if i in outcome.kept]
        assert info.rows == len(survivors)
        assert info.text_bytes == sum(len(text.encode()) for text in survivors)
        assert info.xxh3_128 == files.hash_file(files.join(outcome.out, info.path))


def test_other_shingle_sizes(dedupe):
    documents = planted_corpus(16, families=10, singles=10)
    outcome = dedupe(split_files(documents, 2), DedupeConfig(shingle_size=2, threshold=0.9, guards=UNGUARDED))
    texts = {i: text for i, _, text in documents}
    assert outcome.removals
    for i, row in outcome.removed.items():
        a, b = plain_shingles(texts[i], 2), plain_shingles(texts[row["partner_id"]], 2)
        assert len(a & b) / len(a | b) >= 0.9
