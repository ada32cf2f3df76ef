"""New documents against earlier corpora, through the stage."""

import itertools
import os
import pathlib
import random
import shutil

import pyarrow.parquet as pq
import pytest
from malmoi_pipelines.contracts import files, tables
from malmoi_pipelines.contracts.errors import BadInputError, CheckError, UsageError
from malmoi_pipelines.contracts.manifest import read_manifest
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.contracts.schemas import DIGESTS, DOCUMENTS, REMOVALS
from malmoi_pipelines.dedupe import pictures
from malmoi_pipelines.dedupe import stage as stage_module
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.stage import dedupe as run_stage
from malmoi_pipelines.dedupe.steps import Partitions
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.engine.run import run_job

from tests.pipelines.dedupe.conftest import UNGUARDED, run_steps, write_files
from tests.pipelines.dedupe.corpus import (
    Document,
    edit,
    plain_dedupe,
    plain_jaccard,
    plain_key,
    planted_corpus,
    split_files,
    words,
)

CONFIG = DedupeConfig(guards=UNGUARDED)


class Stage:
    """Runs the stage on lists of documents, below one folder."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root

    def __call__(self, name: str, documents: list[Document], *against: str, config: DedupeConfig = CONFIG) -> str:
        """Returns the corpus folder."""
        documents_folder = str(self.root / f"for-{name}" / "in")  # whose own name is part of what is read
        write_files(documents_folder, split_files(documents, 2))
        out = str(self.root / name)
        run_stage([documents_folder], out, config, RunOptions(), against=against)
        return out


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """The stage on a runner of little ceremony: many small runs. One test compares it with the real one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage_module, "run_job", lambda job, work, options, progress: run_steps(job.steps))
        patch.setattr(pictures, "draw", lambda axes_of, salt: salt.encode())
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield Stage(tmp_path_factory.mktemp("against"))


def rows(folder: str, table=DOCUMENTS) -> list[dict]:
    return tables.read_table(folder, table).to_pylist()


def kept(folder: str) -> dict[str, str]:
    return {row["id"]: row["text"] for row in rows(folder)}


def removed(folder: str) -> dict[str, dict]:
    return {row["id"]: row for row in rows(folder, REMOVALS)}


def contents(folder: str) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file()}


def renamed(documents: list[Document], prefix: str) -> list[Document]:
    return [(f"{prefix}{i}", source, text) for i, source, text in documents]


RNG = random.Random(41)
BASES = [words(RNG, 60) for _ in range(4)]
OLD: list[Document] = [
    *((f"old{n}", "archive", " ".join(base)) for n, base in enumerate(BASES)),
    ("old-twin", "archive", " ".join(BASES[0]) + " "),  # longer than old0, which goes
    ("old-short", "archive", "네, 알겠습니다."),
    ("old-marks", "archive", "!!!"),
]
NEW: list[Document] = [
    ("exact", "news", " ".join(BASES[0]).replace(" ", "\n")),
    ("longer exact", "news", "\n".join(BASES[1]) + "\n\n"),
    ("near", "news", " ".join(BASES[2][:-3])),
    ("longer near", "news", " ".join([*BASES[3], *words(RNG, 6)])),
    ("copy of longer near", "blog", ""),
    ("short", "news", "네,  알겠습니다.\n"),
    ("marks", "news", "!!!"),
    ("other marks", "news", "!!!!"),
    ("fresh", "news", " ".join(words(RNG, 50))),
    ("half", "news", " ".join([*BASES[0][:30], *words(RNG, 30)])),
]
NEW[4] = ("copy of longer near", "blog", NEW[3][2] + "\n")


@pytest.fixture(scope="module")
def old(stage) -> str:
    return stage("old", OLD)


@pytest.fixture(scope="module")
def new(stage, old) -> str:
    before = contents(old)
    folder = stage("new", NEW, old)
    assert contents(old) == before, "an earlier corpus stays as it is"
    return folder


@pytest.mark.long
def test_what_repeats_an_old_document_goes_even_if_longer(new):
    assert kept(new).keys() == {"other marks", "fresh", "half"}
    found = {i: (row["reason"], row["partner_id"]) for i, row in removed(new).items()}
    assert found == {
        "exact": ("exact", "old-twin"),
        "longer exact": ("exact", "old1"),
        "near": ("near", "old2"),
        "longer near": ("near", "old3"),
        "copy of longer near": ("near", "old3"),
        "short": ("exact", "old-short"),
        "marks": ("exact", "old-marks"),
    }


def test_removals_name_the_old_document(new):
    texts = {i: text for i, _, text in [*OLD, *NEW]}
    for i, row in removed(new).items():
        assert row["partner_old"]
        assert (row["partner_source"], row["cluster_source"]) == ("archive", "archive")
        assert row["cluster_id"] == row["partner_id"]
        if row["reason"] == "near":
            assert row["similarity"] == pytest.approx(plain_jaccard(texts[i], texts[row["partner_id"]]), abs=1e-6)
            assert row["similarity"] >= 0.8


def test_the_books_count_new_documents_only(new):
    report = read_report(new)
    report.ledger.check()
    assert report.ledger.documents("in") == len(NEW)
    assert report.ledger.documents("in", "archive") == 0
    assert report.facts["documents shorter than a shingle"] == 3
    assert all(row["cluster_size"] == 1 for row in rows(new))
    assert read_manifest(new).rows("digests") == 3


def test_the_documents_decide_and_not_the_way_there(stage, old, new):
    """Partners, survivors and reasons are those of plain Python."""
    survivors = [document for document in OLD if document[0] in kept(old)]
    found = {i: (row["reason"], row["partner_id"], row["cluster_id"]) for i, row in removed(new).items()}
    assert found == {i: removal[:3] for i, removal in plain_dedupe(NEW, survivors).items()}


@pytest.fixture(scope="module")
def two(stage) -> tuple[str, str]:
    """Two old corpora that share documents: the same ones under other names, and near duplicates of each other."""
    rng = random.Random(42)
    one = planted_corpus(43, families=6, singles=8)
    other = renamed(one[::2], "copy-") + [
        (f"edited-{i}", source, " ".join(edit(rng, text.split(" "), 1))) for i, source, text in one[1::2]
    ]
    return stage("b-one", one), stage("a-other", other)


def tables_of(folder: str) -> list[tuple[str, str]]:
    return [(info.path, info.xxh3_128) for info in read_manifest(folder).files if info.table]


@pytest.mark.long
def test_the_order_and_the_number_of_mentions_change_nothing(stage, two):
    one, other = two
    rng = random.Random(44)
    fresh = [("fresh", "s", " ".join(words(rng, 40)))]
    again = renamed(planted_corpus(43, families=6, singles=8), "again-")
    forth = stage("forth", [*again, *fresh], one, other)
    back = stage("back", [*again, *fresh], other, one, f"{one}/")
    assert tables_of(forth) == tables_of(back)
    assert read_manifest(forth).inputs == read_manifest(back).inputs
    assert kept(forth).keys() == {"fresh"}
    partners = {row["partner_id"] for row in removed(forth).values()}
    assert partners <= {*kept(one), *kept(other)}


@pytest.mark.long
def test_where_the_old_corpora_lie_changes_nothing(stage, two, tmp_path):
    one, other = two
    again = renamed(planted_corpus(43, families=6, singles=8), "again-")
    here = stage("here", again, one, other)
    moved = [str(tmp_path / "1"), str(tmp_path / "2")]  # the other way round in the order of paths
    for source, target in zip((one, other), moved, strict=True):
        shutil.copytree(source, target)
    there = stage("there", again, *moved)
    assert tables_of(here) == tables_of(there)
    assert read_manifest(here).fingerprint == read_manifest(there).fingerprint


@pytest.mark.long
def test_one_corpus_after_the_other_leaves_no_exact_pair(stage):
    """Survivors of all corpora together are distinct, and similar pairs among them are as few as chance leaves."""
    documents = planted_corpus(45, families=16, singles=10)
    documents += [(f"copy-{i}", source, f"{text} .") for i, source, text in documents[::4]]
    random.Random(1).shuffle(documents)
    thirds = [documents[n::3] for n in range(3)]
    first = stage("first", thirds[0])
    second = stage("second", thirds[1], first)
    third = stage("third", thirds[2], first, second)
    left = {**kept(first), **kept(second), **kept(third)}
    keys = [plain_key(text) for text in left.values()]
    assert len(set(keys)) == len(keys)
    similar = sum(plain_jaccard(x, y) >= 0.8 for x, y in itertools.combinations(left.values(), 2))
    assert similar <= 2
    gone = {*removed(first), *removed(second), *removed(third)}
    assert set(left) == {i for i, _, _ in documents} - gone
    assert {row["partner_id"] for row in removed(third).values() if row["partner_old"]} <= {
        *kept(first),
        *kept(second),
    }
    assert any(row["partner_id"] in kept(second) for row in removed(third).values())


def test_a_corpus_against_itself_leaves_nothing(stage, old):
    again = stage("again", [(i, "archive", text) for i, text in kept(old).items()], old)
    assert kept(again) == {}
    assert {row["partner_id"] for row in removed(again).values()} == kept(old).keys()
    # And an empty corpus is a corpus, too.
    assert kept(stage("after nothing", NEW[-2:], again)).keys() == {"fresh", "half"}


def test_digests_are_parallel_to_the_documents(stage, new, two):
    """A survivor's digests, made again from its text alone, are those in its row."""
    for number, folder in enumerate([new, two[0]]):
        whole = read_manifest(folder)
        pairs = zip(whole.table_files(), whole.table_files("digests"), strict=True)
        for part, (data, digests) in enumerate(pairs):
            assert data.rows == digests.rows
            documents = pq.read_table(files.join(folder, data.path)).to_pylist()
            stored = pq.read_table(files.join(folder, digests.path)).to_pylist()
            alone = [(row["id"], row["source"], row["text"]) for row in documents]
            again = stage(f"digests-{number}-{part}", alone)
            assert kept(again).keys() == {i for i, _, _ in alone}
            remade = {d["id"]: digest for d, digest in zip(rows(again), rows(again, DIGESTS), strict=True)}
            assert [remade[row["id"]] for row in documents] == stored


@pytest.mark.long
def test_the_partitions_change_no_byte_with_old_corpora_either(dedupe):
    documents = planted_corpus(46, families=10, singles=2)
    for groups in ("star", "components"):
        config = DedupeConfig(groups=groups, guards=UNGUARDED)
        earlier = [dedupe(split_files(documents[:8], 2), config), dedupe([documents[6:14]], config)]
        runs = [
            dedupe(split_files(renamed(documents[10:], "new-"), 3), config, seed, partitions, earlier)
            for seed, partitions in enumerate([Partitions(1, 1), Partitions(3, 5)])
        ]
        assert runs[0].hashes == runs[1].hashes
        assert any(row["partner_old"] for row in runs[0].removals)
        assert any(not row["partner_old"] for row in runs[0].removals)


def test_components_never_remove_old_documents(dedupe):
    """new ~ old ~ new, and new ~ old of two corpora: the first in the order is the cluster's, all old ones stay."""
    rng = random.Random(47)
    a = words(rng, 104)
    b = [*a[:-10], *words(rng, 10)]
    c = [*words(rng, 8), *b[11:]]
    texts = {"A": " ".join(a), "B": " ".join(b), "C": " ".join(c)}
    assert plain_jaccard(texts["A"], texts["C"]) < 0.8 <= plain_jaccard(texts["B"], texts["C"])
    config = DedupeConfig(groups="components", bands=64, rows=4, guards=UNGUARDED)
    ends = [dedupe([[(name, "s", texts[name])]], config) for name in "AC"]
    outcome = dedupe([[("B", "s", texts["B"])], [("B2", "s", texts["B"] + " ")]], config, against=ends)
    assert outcome.kept == {}
    expected = plain_dedupe(
        [("B", "s", texts["B"]), ("B2", "s", texts["B"] + " ")],
        [(name, "s", texts[name]) for name in "AC"],
        groups="components",
    )
    assert outcome.reasons == expected
    one = dedupe([[("C", "s", texts["C"]), ("B", "s", texts["B"])]], config, against=ends[:1])
    new = [(name, "s", texts[name]) for name in "CB"]
    assert one.reasons == plain_dedupe(new, [("A", "s", texts["A"])], groups="components")
    assert {removal.cluster for removal in one.reasons.values()} == {"A"}
    assert {row["id"]: row["partner_old"] for row in one.removals}["C"] is False


@pytest.mark.long
def test_the_real_runner_gives_the_same(stage, old, new, tmp_path, monkeypatch):
    monkeypatch.setattr(stage_module, "run_job", run_job)
    source = str(stage.root / "for-new" / "in")
    run_stage([source], str(tmp_path / "real"), CONFIG, RunOptions(), against=[old])
    assert tables_of(str(tmp_path / "real")) == tables_of(new)


def test_a_changed_old_corpus_runs_again_and_an_equal_one_does_not(stage, old, new):
    source = str(stage.root / "for-new" / "in")
    again = run_stage([source], new, CONFIG, RunOptions(), against=[old])
    assert again.skipped
    with pytest.raises(UsageError, match="input 'against' changed"):
        run_stage([source], new, CONFIG, RunOptions(), against=[old, stage("other old", OLD[:2])])


@pytest.mark.parametrize(
    ("setting", "value", "there"),
    [
        ("bands", 14, "bands: 16 there, 14 here"),
        ("rows", 8, "rows: 7 there, 8 here"),
        ("fold", ["digits"], "fold: [] there, ['digits'] here"),
        ("seed", 5, "seed: 0 there, 5 here"),
        ("shingle", "syllables", "shingle: 'eojeol' there, 'syllables' here"),
        ("shingle_size", 4, "shingle_size: 5 there, 4 here"),
        ("max_chars", 1000, "max_chars: 500000 there, 1000 here"),
        ("near", False, "near: True there, False here"),
    ],
)
def test_digests_made_in_another_way_are_refused(stage, old, setting, value, there):
    config = DedupeConfig.model_validate({setting: value, "guards": UNGUARDED})
    with pytest.raises(UsageError) as caught:
        stage(f"refused-{setting}", NEW, old, config=config)
    assert there in caught.value.message
    assert old in caught.value.message
    assert caught.value.hint
    assert not (stage.root / f"refused-{setting}").exists()


@pytest.mark.parametrize(
    "values",
    [
        {"threshold": 0.9},
        {"similarity": "containment"},
        {"groups": "components"},
        {"neighbours": 2},
        {"shingle_size": 5},
        {"source_priority": ["news"]},
    ],
    ids=lambda values: next(iter(values)),
)
def test_settings_that_digests_do_not_depend_on_may_differ(stage, old, values):
    config = DedupeConfig.model_validate({**values, "guards": UNGUARDED})
    folder = stage(f"may-{next(iter(values))}", NEW, old, config=config)
    assert {"exact", "longer exact", "short", "marks"} <= removed(folder).keys()


def test_what_is_no_corpus_with_digests_is_refused(stage, write_documents, tmp_path):
    bare = stage("bare", OLD, config=DedupeConfig(digests=False, guards=UNGUARDED))
    assert read_manifest(bare).table_files("digests") == []
    with pytest.raises(UsageError, match="no digests"):
        stage("against bare", NEW, bare)
    manifest = read_manifest(bare).model_copy(update={"kind": "documents"})
    cleaned = tmp_path / "cleaned"
    shutil.copytree(bare, cleaned)
    (cleaned / "manifest.json").write_text(manifest.model_dump_json())
    with pytest.raises(BadInputError, match="of corpus: it holds documents"):
        stage("against cleaned", NEW, str(cleaned))
    plain = write_documents(tmp_path / "plain", OLD)
    with pytest.raises(BadInputError, match="of corpus: it has no manifest"):
        stage("against plain", NEW, plain)


@pytest.mark.fault("lost or damaged result")
def test_a_damaged_corpus_is_refused(stage, old, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(old, broken)
    digests = broken / "digests" / "part-00000.parquet"
    digests.write_bytes(digests.read_bytes()[:-1])
    with pytest.raises(CheckError, match=r"digests/part-00000\.parquet must have"):
        stage("against broken", NEW, str(broken))


@pytest.mark.usefixtures("new")  # whose documents are read
def test_the_output_must_lie_apart_from_the_old_corpora(stage, old):
    source = str(stage.root / "for-new" / "in")
    for out in (old, f"{old}/inside"):
        with pytest.raises(UsageError, match="must lie apart"):
            run_stage([source], out, CONFIG, RunOptions(), against=[old])


def test_digests_of_the_first_version_are_refused_with_the_way_out(stage, old, tmp_path):
    earlier = tmp_path / "earlier"
    shutil.copytree(old, earlier)
    manifest = read_manifest(old)
    config = {**manifest.config, "signature": {**manifest.config["signature"], "signature": 1}}
    (earlier / "manifest.json").write_text(manifest.model_copy(update={"config": config}).model_dump_json())
    with pytest.raises(UsageError, match="are of version 1; this is version 2") as error:
        stage("on the first", NEW, str(earlier))
    assert f"malmoi dedupe {earlier}/data --out" in str(error.value.hint)
