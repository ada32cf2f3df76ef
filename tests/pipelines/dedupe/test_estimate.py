"""What `malmoi dedupe plan` says, against what a real run does."""

import itertools
import pathlib
import random
import tempfile
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from malmoi_pipelines.contracts.errors import BadInputError, CheckError
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.contracts.schemas import DOCUMENTS
from malmoi_pipelines.dedupe.config import DedupeConfig, Guards, RepeatedLines
from malmoi_pipelines.dedupe.estimate import Estimate, estimate
from malmoi_pipelines.dedupe.stage import dedupe
from malmoi_pipelines.dedupe.steps import Partitions
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.raw.config import InputConfig
from malmoi_pipelines.raw.documents import find_documents

from tests.conftest import STANDARD_ERROR
from tests.pipelines.dedupe.conftest import UNGUARDED
from tests.pipelines.dedupe.corpus import Document, edit, planted_corpus, words

CONFIG = DedupeConfig(guards=UNGUARDED)
PLANTED = planted_corpus(21, families=30, singles=50)
WHOLE = 64 << 20  # bytes of a sample that holds all of any input here
pytestmark = pytest.mark.usefixtures("plain_runner")
SHARES = {kind: f"{kind} duplicates, share of documents" for kind in ("exact", "near")}


def table(documents: list[Document]) -> pa.Table:
    rows = [{"id": i, "source": source, "text": text} for i, source, text in documents]
    return pa.Table.from_pylist(rows, DOCUMENTS.schema)


def write_parquet(path: pathlib.Path, documents: list[Document], group_rows: int | None = None) -> str:
    pq.write_table(
        table(documents), path, row_group_size=group_rows or max(20, len(documents) // 50), compression="zstd"
    )
    return str(path)


def write_lines(path: pathlib.Path, documents: list[Document]) -> str:
    rows = [{"id": i, "source": source, "text": text} for i, source, text in documents]
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return str(path)


def write_own(path: pathlib.Path, documents: list[Document]) -> str:
    """A dataset folder with all the documents, equal ones too."""
    kept = write_parquet(path.with_suffix(".plain.parquet"), documents)
    config = DedupeConfig(guards=UNGUARDED, near=False)
    return dedupe([kept], str(path), config, RunOptions()).folder


KINDS = {"parquet": write_parquet, "jsonl": write_lines, "own": write_own}


def real(inputs: list[str], out: pathlib.Path, config: DedupeConfig = CONFIG, **settings: Any) -> dict[str, Any]:
    return read_report(dedupe(inputs, str(out), config, RunOptions(), **settings).folder).facts


def shares(facts: dict[str, Any]) -> dict[str, str]:
    """What an estimate should say if it saw all that the real run saw."""
    return {name: f"{facts[f'{kind} duplicates removed'] / facts['documents in']:.2%}" for kind, name in SHARES.items()}


def timeless(found: Estimate) -> tuple[dict[str, Any], dict[str, Any]]:
    """All that may not change from call to call."""
    rows = {
        name: [{key: value for key, value in row.items() if "seconds" not in key} for row in part]
        for name, part in found.tables.items()
    }
    return {name: value for name, value in found.facts.items() if "seconds" not in name}, rows


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_of_everything_tells_what_the_real_run_finds(tmp_path, kind):
    path = KINDS[kind](tmp_path / f"in.{kind}", PLANTED)
    facts = real([path], tmp_path / "out")
    assert facts["near duplicates removed"] > 0
    found = estimate([path], CONFIG, workers=2, sample_bytes=WHOLE).facts
    assert {name: found[name] for name in SHARES.values()} == shares(facts)
    assert found["documents, about"] == facts["documents in"]


def test_exact_copies_are_found_too(tmp_path):
    documents = [*PLANTED, *((f"{i} again", source, text) for i, source, text in PLANTED[::3])]
    path = write_parquet(tmp_path / "in.parquet", documents)
    facts = real([path], tmp_path / "out")
    assert facts["exact duplicates removed"] > 0
    found = estimate([path], CONFIG, workers=2, sample_bytes=WHOLE).facts
    assert {name: found[name] for name in SHARES.values()} == shares(facts)


def test_a_sample_of_just_its_size_is_all_of_a_small_input(tmp_path):
    path = write_own(tmp_path / "in", PLANTED)
    size = find_documents([path], InputConfig()).text_bytes
    found = estimate([path], CONFIG, workers=2, sample_bytes=size).facts
    assert found["documents, about"] == real([path], tmp_path / "out")["documents in"]


def test_several_inputs_of_several_kinds(tmp_path):
    parquet = write_parquet(tmp_path / "a.parquet", PLANTED[:60])
    lines = write_lines(tmp_path / "b.jsonl", PLANTED[60:])
    found = estimate([lines, parquet], CONFIG, workers=2, sample_bytes=WHOLE).facts
    facts = real([parquet, lines], tmp_path / "out")
    assert found["input files"] == 2
    assert {name: found[name] for name in SHARES.values()} == shares(facts)
    assert found["documents, about"] == facts["documents in"]


def guarded() -> dict[str, list[Document]]:
    """For each guard documents that it stops."""
    rng = random.Random(4)
    base = words(rng, 200)
    copies = [" ".join(words(rng, 30)) for _ in range(30)]
    heads = itertools.combinations([" ".join(words(rng, 5)) for _ in range(12)], 3)
    texts = {
        "exact": copies * 5,
        "near": [" ".join(edit(rng, base, 2)) for _ in range(150)],
        "short": [" ".join(words(rng, 2)) for _ in range(150)],
        "removed": ["\n".join(lines) for lines in itertools.islice(heads, 150)],
    }
    return {name: [(f"d{n}", "s", text) for n, text in enumerate(part)] for name, part in texts.items()}


@pytest.mark.parametrize("guard", ["exact", "near", "short", "removed", "cluster"])
def test_guards_never_stop_an_estimate(tmp_path, guard):
    documents = guarded()["near" if guard == "cluster" else guard]
    path = write_parquet(tmp_path / "in.parquet", documents)
    shares = {name: 1.0 for name in Guards.model_fields if name.endswith("_share")} | {f"{guard}_share": 0.0}
    if guard == "removed":  # it never forbids what the guards of either kind of duplicates allow
        shares |= {"exact_share": 0.0, "near_share": 0.0}
    strict = DedupeConfig(
        near=guard != "removed",
        guards=Guards(**shares, from_documents=10),
        repeated_lines=RepeatedLines(min_documents=3),
    )
    with pytest.raises(CheckError, match=f"guards.{guard}_share"):
        real([path], tmp_path / "out", strict)
    assert estimate([path], strict, workers=2, sample_bytes=WHOLE).facts["documents, about"] == len(documents)


def test_the_default_guards_do_not_stop_it_when_most_of_a_source_are_copies(tmp_path):
    path = write_parquet(tmp_path / "in.parquet", guarded()["exact"])
    found = estimate([path], DedupeConfig(), workers=2, sample_bytes=WHOLE).facts
    assert found[SHARES["exact"]] == "80.00%"


def compressible(count: int) -> list[Document]:
    """Unlike documents of some 2.5 KB in few words: zstd makes a fifth of them."""
    rng = random.Random(5)
    vocabulary = words(rng, 60)
    return [(f"d{n:05d}", "s", " ".join(rng.choices(vocabulary, k=250))) for n in range(count)]


def test_compressed_files_are_scaled_by_their_uncompressed_bytes(tmp_path):
    documents = compressible(2_000)
    path = write_parquet(tmp_path / "in.parquet", documents, group_rows=100)
    size = sum(len(text.encode()) for _, _, text in documents)
    assert pathlib.Path(path).stat().st_size < size / 3
    found = estimate([path], CONFIG, workers=2, sample_bytes=1 << 20).facts
    assert found["sampled MB"] < size / 1e6 / 2, "a part of it is enough"
    assert found["documents, about"] == pytest.approx(len(documents), rel=0.3)


@pytest.mark.parametrize(("kind", "tolerance"), [("parquet", 0.3), ("jsonl", 0.5)])
def test_short_documents_are_scaled_right_too(tmp_path, kind, tolerance):
    """Of reviews and chats the names take as much as the texts: what was read must be measured as the whole is."""
    rng = random.Random(6)
    documents = [(f"review-{n:06d}", "reviews", " ".join(words(rng, 3))) for n in range(40_000)]
    path = KINDS[kind](tmp_path / f"in.{kind}", documents)
    found = estimate([path], DedupeConfig(near=False), workers=2, sample_bytes=200_000).facts
    assert found["sampled MB"] < 0.7 * sum(len(text.encode()) for _, _, text in documents) / 1e6
    assert found["documents, about"] == pytest.approx(len(documents), rel=tolerance)


def test_partitions_are_planned_for_the_uncompressed_bytes(tmp_path, monkeypatch):
    """As the stage does, so that the plan names the partitions of the run."""
    documents = compressible(600)
    path = write_parquet(tmp_path / "in.parquet", documents, group_rows=50)
    monkeypatch.setattr("malmoi_pipelines.dedupe.steps.PARTITION_BYTES", 200_000)
    expected = Partitions.of(find_documents([path], InputConfig()).text_bytes).digests
    assert expected > 3
    found = estimate([path], CONFIG, workers=2, sample_bytes=1 << 20).facts
    assert found["hash partitions"] == expected


def test_a_share_of_a_part_is_a_range(tmp_path):
    """Pairs far apart: the sample sees few of them, the range reaches to what it would be if all were so."""
    singles = compressible(1_000)
    documents = [*singles, *((f"{i} again", source, text) for i, source, text in singles)]
    path = write_parquet(tmp_path / "in.parquet", documents, group_rows=50)
    found = estimate([path], CONFIG, workers=2, sample_bytes=1 << 20).facts
    low, high = (float(share.rstrip("%")) for share in found[SHARES["exact"]].split(" to "))
    assert low < 50.0
    assert low <= high <= 100.0


def test_two_calls_differ_in_times_alone(tmp_path):
    path = write_parquet(tmp_path / "in.parquet", [*compressible(800), *PLANTED], group_rows=50)
    first, second = (estimate([path], CONFIG, workers=2, sample_bytes=1 << 20) for _ in range(2))
    assert timeless(first) == timeless(second)
    assert any("seconds" in name for name in first.facts)


def test_the_numbers_of_workers_to_plan_for_changes_no_count(tmp_path):
    path = write_parquet(tmp_path / "in.parquet", PLANTED)
    one, many = (estimate([path], CONFIG, workers=workers, sample_bytes=WHOLE).facts for workers in (1, 16))
    assert (one["worker processes"], many["worker processes"]) == (1, 16)
    for name in ("documents, about", "hash partitions", *SHARES.values()):
        assert one[name] == many[name]


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("lines", [None, RepeatedLines()])
def test_nothing_is_written_beside_the_input_and_nothing_is_left(tmp_path, monkeypatch, lines):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.chdir(scratch)
    place = tmp_path / "place"
    place.mkdir()
    inputs = [write_own(place / "own", PLANTED[:50]), write_parquet(place / "in.parquet", PLANTED[50:])]
    before = contents(place)
    estimate(inputs, CONFIG.model_copy(update={"repeated_lines": lines}), workers=2, sample_bytes=WHOLE)
    assert contents(place) == before
    assert list(scratch.iterdir()) == []


def test_repeated_lines_are_estimated_too(tmp_path):
    path = write_parquet(tmp_path / "in.parquet", guarded()["removed"])
    config = DedupeConfig(guards=UNGUARDED, repeated_lines=RepeatedLines(min_documents=3))
    steps = [row["step"] for row in estimate([path], config, workers=2, sample_bytes=WHOLE).tables["Steps"]]
    assert {"send lines", "meet lines", "name keepers"} <= set(steps)
    assert steps.index("send lines") < steps.index("apply removals")


@pytest.mark.long
def test_against_an_earlier_corpus(tmp_path):
    archive = write_parquet(tmp_path / "archive.parquet", PLANTED[:80])
    old = dedupe([archive], str(tmp_path / "old"), CONFIG, RunOptions()).folder
    news = [*PLANTED[80:], *((f"{i} again", source, text) for i, source, text in PLANTED[:30])]
    path = write_parquet(tmp_path / "news.parquet", news)
    before = contents(tmp_path / "old")
    found = estimate([path], CONFIG, against=[old], workers=2, sample_bytes=WHOLE).facts
    assert contents(tmp_path / "old") == before
    facts = real([path], tmp_path / "out", against=[old])
    alone = real([path], tmp_path / "alone")
    assert facts["near duplicates removed"] + facts["exact duplicates removed"] > alone["exact duplicates removed"] + 29
    assert {name: found[name] for name in SHARES.values()} == shares(facts)
    assert found["documents, about"] == len(news)
    assert any("earlier corpora" in name for name in found)
    without = estimate([path], CONFIG, workers=2, sample_bytes=WHOLE).facts
    assert not any("earlier corpora" in name for name in without)


def test_tables_name_the_sources_and_the_steps(tmp_path):
    path = write_parquet(tmp_path / "in.parquet", PLANTED)
    found = estimate([path], CONFIG, workers=2, sample_bytes=WHOLE)
    by_source = {row["source"]: row["documents"] for row in found.tables["In the sample, by source"]}
    assert by_source == {f"source-{n}": sum(s == f"source-{n}" for _, s, _ in PLANTED) for n in range(3)}
    assert [row["step"] for row in found.tables["Steps"]][:3] == ["digest", "group exact", "send bands"]
    chances = {row["Jaccard similarity"]: row["probability"] for row in found.tables["Chance to find a pair"]}
    assert (chances[0.5], chances[0.8], chances[0.85]) == (0.118, 0.977, 0.998)


def test_without_near_dedupe(tmp_path):
    path = write_parquet(tmp_path / "in.parquet", guarded()["exact"])
    found = estimate([path], DedupeConfig(near=False), workers=2, sample_bytes=WHOLE).facts
    assert (found[SHARES["exact"]], found[SHARES["near"]]) == ("80.00%", "0.00%")


def test_no_text_is_an_error(tmp_path):
    path = write_parquet(tmp_path / "in.parquet", PLANTED[:3])
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    with pytest.raises(BadInputError, match="no text to plan for"):
        estimate([path], CONFIG, workers=2)


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_every_text_read_once_tells_how_many_documents_are_distinct(tmp_path, kind):
    """A sample of a thousandth sees no copy: all texts, 16 KB of registers, do."""
    singles = compressible(1_500)
    documents = [*singles, *((f"{i} again", source, text + " ") for i, source, text in singles[::3])]
    path = KINDS[kind](tmp_path / f"in.{kind}", documents)
    facts = real([path], tmp_path / "out", DedupeConfig(guards=UNGUARDED, near=False))
    unlike = facts["documents in"] - facts["exact duplicates removed"]
    assert unlike < facts["documents in"]
    found = estimate([path], CONFIG, workers=2, sample_bytes=1 << 20, read_all=True).facts
    assert found["documents"] == facts["documents in"]
    assert abs(found["distinct documents, about"] - unlike) <= 3 * STANDARD_ERROR * unlike
    share = float(found["exact duplicates, share of all documents, about"].rstrip("%"))
    assert share == pytest.approx(25, abs=3)
    assert "distinct documents, about" not in estimate([path], CONFIG, workers=2, sample_bytes=1 << 20).facts
