"""Repeated lines in the whole chain: after the removal of duplicates, before the digests of what is written."""

import random
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
import xxhash
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.schemas import DIGESTS, REPEATED_LINES
from malmoi_pipelines.dedupe import order
from malmoi_pipelines.dedupe.config import DedupeConfig, Guards, RepeatedLines

from tests.pipelines.dedupe.conftest import UNGUARDED, Outcome, read_rows
from tests.pipelines.dedupe.corpus import Document, Removal, edit, plain_dedupe, plain_normalise, split_files, words
from tests.pipelines.dedupe.lines.test_repeated_lines import plain_outcome

SURE = {"bands": 64, "rows": 3, "neighbours": 64}
"""Settings with which no similar pair is missed."""
FILES = 3
SEEDS = range(3)


def config(unit: str = "line", lines: bool = True, **values) -> DedupeConfig:
    repeated = RepeatedLines(unit=unit, min_documents=3) if lines else None
    return DedupeConfig(guards=UNGUARDED, repeated_lines=repeated, **{**SURE, **values})


def pages(seed: int, count: int = 40) -> list[Document]:
    """Pages of a few sites: headers and footers around texts, copies and edited copies of texts, and empty pages."""
    rng = random.Random(seed)
    sites = [([" ".join(words(rng, 4)) for _ in range(2)], [" ".join(words(rng, 5)) for _ in range(2)]) for _ in "abc"]
    bodies = [words(rng, rng.randint(20, 60)) for _ in range(count // 2)]
    result = []
    for number in range(count):
        site = rng.randrange(len(sites))
        header, footer = sites[site]
        kind, body = rng.random(), list(bodies[rng.randrange(len(bodies))])
        if kind < 0.3:
            body = edit(rng, body, 1)
        lines = [] if kind > 0.7 else [" ".join(body[:10]), " ".join(body[10:])]
        lines = [*header[: rng.randint(0, 2)], *lines, *footer[: rng.randint(0, 2)]]
        result.append((f"p{number:02d}", f"site-{site}", "\n\n".join(lines) + "\n" * rng.randint(0, 2)))
    return result


@pytest.fixture(params=SEEDS)
def documents(request) -> list[Document]:
    return pages(request.param)


def digests(outcome: Outcome) -> dict[str, dict]:
    """id → digests of the documents of an output."""
    rows = read_rows(outcome.out, DIGESTS, FILES)
    assert len(rows) == len(outcome.kept)
    return dict(zip(outcome.kept, rows, strict=True))


def plain_key(text: str) -> tuple[int, int]:
    """The exact key, from the form that other modules compute."""
    form = plain_normalise(text)
    key = xxhash.xxh3_128(f"{form} ".encode("utf-32-le")) if form else xxhash.xxh3_128(text.encode(), seed=1)
    return divmod(key.intdigest(), 1 << 64)


@pytest.mark.parametrize("unit", ["line", "paragraph"])
def test_the_outcome_equals_the_rules_in_plain_python(dedupe, documents, unit):
    outcome = dedupe(split_files(documents, FILES), config(unit))
    removed = plain_dedupe(documents)
    survivors = [document for document in documents if document[0] not in removed]
    expected = plain_outcome(survivors, outcome_options(unit))
    needed = {removal.cluster for removal in removed.values()}
    emptied = {i: keeper for i, keeper in expected.emptied.items() if i not in needed}
    spared = expected.emptied.keys() - emptied.keys()
    assert emptied, "the pages must put the rule to the test"
    texts = {i: text for i, text in expected.texts.items() if i not in emptied}
    assert outcome.kept == texts
    gone = {i: Removal("lines", keeper, keeper, 1.0) for i, (keeper, _) in emptied.items()}
    assert outcome.reasons == removed | gone
    lines = [line for line in expected.lines if line[0] not in spared]
    assert sorted(tuple(row.values()) for row in read_rows(outcome.out, REPEATED_LINES, FILES)) == sorted(lines)
    assert outcome.report.facts["documents of repeated lines only"] == len(emptied)
    assert outcome.report.facts["distinct repeated lines"] == expected.repeated


def outcome_options(unit: str) -> RepeatedLines:
    options = config(unit).repeated_lines
    assert options is not None
    return options


def test_the_pages_have_survivors_of_nothing_but_repeated_lines():
    """Or the tests here would prove less than they say."""
    spared = 0
    for seed in SEEDS:
        removed = plain_dedupe(pages(seed))
        survivors = [document for document in pages(seed) if document[0] not in removed]
        emptied = plain_outcome(survivors, outcome_options("line")).emptied
        spared += len(emptied.keys() & {removal.cluster for removal in removed.values()})
    assert spared > 0


def test_a_survivor_of_others_stays_as_it_was(dedupe):
    rng = random.Random(1)
    head, foot = (" ".join(words(rng, 6)) for _ in range(2))
    menu = f"{head}\n{foot}"
    documents = [(f"page{n}", "s", f"{head}\n{' '.join(words(rng, 20))}\n{foot}") for n in range(4)]
    documents += [("menu", "s", menu), ("menu again", "s", menu.replace(" ", "  "))]
    documents += [("head only", "s", head)]
    outcome = dedupe(split_files(documents, FILES), config())
    assert outcome.removed["menu"]["partner_id"] == "menu again"
    assert outcome.kept["menu again"] == documents[5][2]
    assert outcome.cluster_sizes["menu again"] == 2
    assert {i: row["reason"] for i, row in outcome.removed.items()} == {"menu": "exact", "head only": "lines"}
    assert "menu again" not in {row["id"] for row in read_rows(outcome.out, REPEATED_LINES, FILES)}
    assert sum("\n" in text for text in outcome.kept.values()) == 2  # it, and the first page, which keeps its lines


def test_every_duplicate_has_its_survivor_in_the_output(dedupe, documents):
    texts = {i: text for i, _, text in documents}
    outcome = dedupe(split_files(documents, FILES), config())
    emptied = {i for i, row in outcome.removed.items() if row["reason"] == "lines"}
    for i, row in outcome.removed.items():
        assert row["partner_id"] in outcome.kept
        assert row["cluster_id"] in outcome.kept
        if i not in emptied:
            assert plain_normalise(outcome.kept[row["cluster_id"]])
    named = Counter(row["cluster_id"] for row in outcome.removals if row["reason"] != "lines")
    assert outcome.cluster_sizes == {i: 1 + named[i] for i in outcome.kept}
    assert sum(outcome.cluster_sizes.values()) + len(emptied) == len(documents)
    for i in named:
        assert outcome.kept[i] == texts[i] or plain_normalise(outcome.kept[i])


@pytest.mark.parametrize("groups", ["star", "components"])
def test_the_ledgers_of_documents_and_lines_balance(dedupe, documents, groups):
    outcome = dedupe(split_files(documents, FILES), config(groups=groups))
    ledger = outcome.report.ledger
    assert ledger is not None
    ledger.check()
    emptied = outcome.report.facts["documents of repeated lines only"]
    assert sum(outcome.cluster_sizes.values()) + emptied == len(documents)
    lost = Counter(row["source"] for row in read_rows(outcome.out, REPEATED_LINES, FILES))
    for row in outcome.report.tables["Repeated lines by source"]:
        assert row["lines in"] == row["lines kept"] + row["lines removed"]
        assert row["lines removed"] >= lost[row["source"]]  # of emptied documents all lines go, blank ones too


def test_digests_are_of_the_text_that_is_written(dedupe, documents):
    outcome = dedupe(split_files(documents, FILES), config())
    assert outcome.kept.items() - {(i, text) for i, _, text in documents}, "some texts must have lost lines"
    found = digests(outcome)
    for i, text in outcome.kept.items():
        assert (found[i]["key_high"], found[i]["key_low"]) == plain_key(text)
        assert found[i]["rank"] == order.ranks(np.array([len(text.encode())]), np.array([0]))[0]


def test_digests_equal_those_of_a_run_on_the_output(dedupe, documents):
    outcome = dedupe(split_files(documents, FILES), config())
    first = digests(outcome)
    sources = {i: source for i, source, _ in documents}
    again = dedupe(split_files([(i, sources[i], text) for i, text in outcome.kept.items()], FILES), config(lines=False))
    second = digests(again)
    assert len(second) > len(first) / 2
    assert second == {i: first[i] for i in second}


@pytest.mark.parametrize("lines", [False, True])
def test_verbatim_copies_go_against_the_corpus_as_exact(dedupe, documents, lines):
    old = dedupe(split_files(documents, FILES), config())
    copies = [(f"copy of {i}", "news", text) for i, text in old.kept.items()]
    fresh = [("fresh", "news", " ".join(words(random.Random(9), 40)))]
    outcome = dedupe(split_files([*copies, *fresh], FILES), config(lines=lines), against=[old])
    assert outcome.kept == {"fresh": fresh[0][2]}
    for i, row in outcome.removed.items():
        assert (row["reason"], row["partner_old"], row["similarity"]) == ("exact", True, 1.0)
        text = old.kept[i.removeprefix("copy of ")]
        assert plain_normalise(old.kept[row["partner_id"]]) == plain_normalise(text)


def test_what_was_cut_away_is_no_part_of_the_corpus(dedupe):
    """A new document that repeats the text as it came in is compared with the text as it was written."""
    rng = random.Random(3)
    head = " ".join(words(rng, 30))
    documents = [(f"page{n}", "s", f"{head}\n{' '.join(words(rng, 30))}") for n in range(6)]
    old = dedupe(split_files(documents, FILES), config())
    (keeper,) = {i for i, text in old.kept.items() if head in text}
    outcome = dedupe(split_files([(f"new {i}", "s", text) for i, _, text in documents], FILES), config(), against=[old])
    assert outcome.removed[f"new {keeper}"]["reason"] == "exact"
    assert outcome.removed.keys() == {f"new {keeper}"}


def test_digests_keep_the_places_of_their_documents(dedupe, documents):
    outcome = dedupe(split_files(documents, FILES), config())
    for path in files.list_files(files.join(outcome.out, "digests")):
        rows, texts = pq.read_table(path).to_pylist(), pq.read_table(path.replace("/digests/", "/data/")).to_pylist()
        assert [(row["key_high"], row["key_low"]) for row in rows] == [plain_key(row["text"]) for row in texts]


def site(count: int = 150) -> list[Document]:
    """Pages of a site with much around little: 80 lines of menu, and an article of three sentences."""
    rng = random.Random(9)
    menu = [" ".join(words(rng, 7)) for _ in range(80)]
    articles = ["\n".join(" ".join(words(rng, 8)) for _ in range(3)) for _ in range(count)]
    pages = [(f"page{n:03d}", "site", "\n".join([*menu[:30], text, *menu[30:]])) for n, text in enumerate(articles)]
    copied = "\n".join([*menu, articles[0].replace("\n", " ")])  # the first article, laid out in another way
    return [*pages, ("again", "site", copied)]


@pytest.mark.parametrize("shingle", ["eojeol", "syllables"])
def test_pages_that_share_their_headers_only_stay(dedupe, shingle):
    documents = split_files(site(), FILES)
    options = RepeatedLines(min_documents=10)
    values = {"guards": UNGUARDED, "shingle": shingle, "bands": 30, "rows": 4}
    after = dedupe(documents, DedupeConfig(repeated_lines=options, **values))
    assert len(after.kept) < 10
    before = dedupe(documents, DedupeConfig(repeated_lines=options.model_copy(update={"before_near": True}), **values))
    assert len(before.kept) == 150
    assert {row["reason"] for row in before.removals} == {"near"}
    assert len({"again", "page000"} & before.kept.keys()) == 1
    keeps = [i for i, text in before.kept.items() if text.count("\n") > 5]
    assert len(keeps) == 1  # the headers go from all but the first


def test_copies_of_a_document_are_one_holder_of_its_lines(dedupe):
    rng = random.Random(10)
    texts = ["\n".join(" ".join(words(rng, 6)) for _ in range(20)) for _ in range(2)]
    edited = [text.replace("\n", " \n", 1) for text in texts]  # equal but for white space
    documents = [(f"{n}-{k}", "s", text) for k in range(12) for n, text in enumerate([*texts, *edited])]
    documents += [("like the first", "s", f"{texts[0]}\n{' '.join(words(rng, 4))}")]
    options = RepeatedLines(min_documents=10, before_near=True)
    outcome = dedupe(split_files(documents, FILES), DedupeConfig(guards=UNGUARDED, repeated_lines=options, **SURE))
    assert outcome.kept.keys() & {"like the first"}
    assert len(outcome.kept) == 2


def test_the_guard_names_the_way_out(dedupe):
    with pytest.raises(CheckError) as error:
        dedupe(split_files(site(), FILES), DedupeConfig(guards=Guards(cluster_share=1.0)))
    assert "repeated_lines.before_near=true" in str(error.value.hint)
