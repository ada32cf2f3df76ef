"""The whole chain against all pairs by brute force: every option's rules, then recall and precision."""

import random
from collections import defaultdict

import pyarrow.dataset
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from malmoi_pipelines.clean.stage import clean
from malmoi_pipelines.contracts import tables
from malmoi_pipelines.contracts.schemas import DOCUMENTS, REMOVALS
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.stage import dedupe as dedupe_stage
from malmoi_pipelines.dedupe.steps import Partitions
from malmoi_pipelines.engine.options import RunOptions

from benchmarks.all_pairs import similar_pairs
from malmoi.recipe import load_recipe
from tests.end_to_end import ROOT, policies
from tests.pipelines.dedupe.conftest import UNGUARDED
from tests.pipelines.dedupe.corpus import Document, edit, plain_dedupe, planted_corpus, split_files, words

SOURCES = ("web", "books", "court")
PRIORITY = ("court", "books")


def mixed_corpus(rng: random.Random, count: int) -> list[Document]:
    """Edits, parts, copies in other forms and other spacing, short texts and texts without a letter, at random."""
    bases = [words(rng, rng.choice([3, 12, 25, 60, 90])) for _ in range(max(2, count // 5))]
    texts = []
    for _ in range(count):
        base = list(rng.choice(bases))
        kind = rng.randrange(8)
        if kind == 1:
            base = edit(rng, base, rng.randint(1, 3))
        elif kind == 2:
            base = base[: max(1, len(base) * rng.randint(5, 9) // 10)]
        elif kind > 5:  # windows, which make chains: several survivors to choose from
            start = rng.randrange(1 + len(base) // 2)
            base = base[start : start + max(1, len(base) // 2)]
        text = " ".join(base)
        if kind == 3:
            text = rng.choice([f"{text} ", f"\n{text}\n", text.replace(" ", "  ")])
        elif kind == 4:
            text = "".join(c for c in text if c != " " or rng.random() < 0.7)
        elif kind == 5:
            text = rng.choice([text, "", "...", "ㅋㅋ", "네.", "네"])
        texts.append(text)
    return [(f"d{number}", rng.choice(SOURCES), text) for number, text in enumerate(texts)]


@pytest.mark.long
@given(
    st.integers(0, 2**32),
    st.sampled_from(["star", "components"]),
    st.sampled_from(["jaccard", "containment"]),
    st.sampled_from(["eojeol", "syllables"]),
    st.sampled_from([0.5, 0.8, 1.0]),
    st.booleans(),
)
@example(137632, "star", "containment", "syllables", 0.5, False)
# A seed does not shrink, and each try takes half a second.
@settings(
    max_examples=12,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_outcome_is_that_of_all_pairs(dedupe, seed, groups, similarity, unit, threshold, some_old):
    """With so many bands and neighbours no pair is missed, so all is decided: who goes, into whom, why.

    Half of a word may be an eighth of all that it and three words hold: such a pair shares none of 128 bands of one row
    once in 26 million times; of two rows, once in eight.
    """
    rng = random.Random(seed)
    new = mixed_corpus(rng, 24)
    config = DedupeConfig(
        groups=groups,
        similarity=similarity,
        shingle=unit,
        threshold=threshold,
        source_priority=PRIORITY,
        bands=128,
        rows=1,
        neighbours=64,
        guards=UNGUARDED,
    )
    partitions = Partitions(rng.choice([1, 3]), rng.choice([1, 1, 3]))
    earlier, old = [], []
    if some_old:
        new, before = new[:14], new[14:]
        earlier = [dedupe(split_files(before, 2), config, partitions=partitions)]
        texts = {i: (i, source, text) for i, source, text in before}
        old = [texts[i] for i in earlier[0].kept]
    outcome = dedupe(split_files(new, 3), config, seed, partitions, earlier)
    rules = {"groups": groups, "similarity": similarity, "unit": unit, "threshold": threshold, "priority": PRIORITY}
    expected = plain_dedupe(new, old, **rules)
    assert outcome.reasons == expected
    assert outcome.kept.keys() == {i for i, _, _ in new} - expected.keys()
    old_ids = {i for i, _, _ in old}
    assert all(row["partner_old"] == (row["partner_id"] in old_ids) for row in outcome.removals)
    sizes: dict[str, int] = defaultdict(lambda: 1)
    for removal in expected.values():
        sizes[removal.cluster] += 1
    assert outcome.cluster_sizes == {i: sizes[i] for i in outcome.kept}


def check_recall_and_precision(
    documents: list[Document], kept: set[str], removals: list[dict], threshold: float = 0.8
) -> float:
    """Every near duplicate is one, by strings; returns the share of similar pairs of which one went."""
    names = [(source, i) for i, source, _ in documents]
    assert len(set(names)) == len(names)
    similarity = {
        frozenset((names[one], names[other])): value
        for one, other, value in similar_pairs([text for _, _, text in documents], threshold)
    }
    for row in removals:
        pair = (row["source"], row["id"]), (row["partner_source"], row["partner_id"])
        assert pair[0] not in kept
        assert pair[1] in kept
        assert similarity.get(frozenset(pair), 0.0) >= threshold, pair
        assert similarity[frozenset(pair)] == pytest.approx(row["similarity"], abs=1e-6)
    assert len(removals) + len(kept) == len(documents)
    resolved = sum(not pair <= kept for pair in similarity)
    return resolved / max(len(similarity), 1)


@pytest.mark.long
def test_generated_documents_against_all_pairs(dedupe):
    documents = planted_corpus(21, families=140, singles=110)
    assert len(documents) >= 580
    outcome = dedupe(split_files(documents, 3), seed=2)
    names = {i: (source, i) for i, source, _ in documents}
    recall = check_recall_and_precision(documents, {names[i] for i in outcome.kept}, outcome.removals)
    assert recall >= 0.95
    assert len(outcome.removals) > 150


@pytest.mark.slow
def test_real_documents_against_all_pairs(real_text, tmp_path, record_property):
    recipe = load_recipe(str(ROOT / "malmoi" / "recipes" / "korean-real.yaml"), [])
    folders = ("court-decisions", "docs-ko", "government-notices", "treaties", "novels")
    inputs = [str(real_text / name / "part-00000.jsonl.zst") for name in folders]
    docs = clean(inputs, str(tmp_path / "docs"), policies(recipe.clean, ["docs-ko"]), RunOptions(workers=2))
    table = pyarrow.dataset.dataset(f"{docs.folder}/data").to_table(columns=["id", "source", "text"])
    rng = random.Random(1)
    rows = table.take(sorted(rng.sample(range(table.num_rows), min(5000, table.num_rows)))).to_pylist()
    documents = list({(row["source"], row["id"]): (row["id"], row["source"], row["text"]) for row in rows}.values())
    assert len({source for _, source, _ in documents}) >= 4
    sample = pyarrow.Table.from_pylist([dict(zip(("id", "source", "text"), row, strict=True)) for row in documents])
    path = str(tmp_path / "sample" / "part-00000.parquet")
    (tmp_path / "sample").mkdir()
    pyarrow.parquet.write_table(sample, path, row_group_size=1000)
    corpus = dedupe_stage([path], str(tmp_path / "corpus"), recipe.dedupe, RunOptions(workers=2))
    kept = {(row["source"], row["id"]) for row in tables.read_table(corpus.folder, DOCUMENTS).to_pylist()}
    removals = tables.read_table(corpus.folder, REMOVALS).to_pylist()
    recall = check_recall_and_precision(documents, kept, removals)
    record_property("recall", recall)
    assert recall >= 0.95
    assert sum(row["reason"] == "near" for row in removals) > 50
