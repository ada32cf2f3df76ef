import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts.errors import CheckError, UsageError
from malmoi_pipelines.contracts.manifest import verify_file
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.contracts.schemas import SOURCES, WORDS
from malmoi_pipelines.contracts.tables import read_table
from malmoi_pipelines.count import steps
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.stage import check_counted, count, lay_out
from malmoi_pipelines.count.steps import TableLayout
from malmoi_pipelines.count.written import SourceRow
from malmoi_pipelines.engine.options import RunOptions

from tests.pipelines.count.oracle import (
    counted,
    letters_of,
    read_counts,
    read_letters,
    read_statistics,
    statistics,
    table_files,
)
from tests.strategies import texts

DOCUMENTS = [
    ("a", "web", "나라의 말이 나라의 글과 달라"),
    ("b", "web", "나라의 말\n말이 달라!"),
    ("c", "reviews", "재밌어요 ㅋㅋ good good\n"),
    ("d", "notes", "나라의 말 (2024년)\n\n끝"),
]
RULES = ("metaspace", "byte-level")


def drawn(number, seed=1):
    """Documents of four sources, some words common and many rare."""
    random.seed(seed)
    words = [chr(random.randint(0xAC00, 0xAC40)) + chr(random.randint(0xAC00, 0xAC20)) for _ in range(500)]
    return [
        (str(n), f"s{n % 7 % 4}", " ".join(random.choices(words, weights=range(500), k=30)) + "." * (n % 3))
        for n in range(number)
    ]


@pytest.mark.long
@pytest.mark.parametrize("rule", RULES)
def test_every_table_is_that_of_a_counter(tmp_path, write_documents, rule):
    corpus = write_documents(tmp_path / "in", DOCUMENTS[:2], DOCUMENTS[2:])
    result = count([corpus], str(tmp_path / "out"), CountConfig(units=rule), RunOptions())
    assert read_counts(result.folder) == counted(DOCUMENTS, rule)
    assert read_statistics(result.folder) == statistics(DOCUMENTS, rule)
    expected = letters_of(DOCUMENTS)
    assert read_letters(result.folder) == sorted(expected.items(), key=lambda item: (-item[1], item[0]))
    assert result.manifest.config["units"] == rule


@pytest.mark.long
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    contents=st.lists(st.tuples(st.sampled_from(["", "b", "a", "한", "z\n"]), texts), min_size=1, max_size=8),
    partition_bytes=st.integers(30, 400),
    rule=st.sampled_from(RULES),
    share=st.sampled_from([0, 0.5]),
)
def test_any_text_and_partition_size(tmp_path_factory, write_documents, contents, partition_bytes, rule, share):
    folder = tmp_path_factory.mktemp("count")
    rows = [(str(number), source, text) for number, (source, text) in enumerate(contents)]
    corpus = write_documents(folder / "in", rows)
    rows = [(id_, source or "data", text) for id_, source, text in rows]  # a source without a name is the folder's
    config = CountConfig(partition_bytes=partition_bytes, units=rule, held_out_share=share)
    result = count([corpus], str(folder / "out"), config, RunOptions())
    for info in result.manifest.files:
        verify_file(result.folder, result.manifest, info)
    held = read_statistics(result.folder, held_out=True)
    documents = [row["documents"] for part in (read_statistics(result.folder), held) for row in part.values()]
    filled = [text for _, _, text in rows if text]
    assert sum(documents) == len(filled)
    assert read_report(result.folder).ledger.documents("dropped:empty") == len(rows) - len(filled)
    if not share:
        assert read_counts(result.folder) == counted(rows, rule)
        assert read_statistics(result.folder) == statistics(rows, rule)


@pytest.mark.long
def test_rows_are_ordered_by_count_then_bytes(tmp_path, write_documents):
    corpus = write_documents(tmp_path / "in", drawn(200))
    result = count([corpus], str(tmp_path / "out"), CountConfig(), RunOptions())
    rows = read_table(result.folder, WORDS).to_pylist()
    assert rows == sorted(rows, key=lambda row: (-row["count"], row["unit"].encode()))
    assert len({row["count"] for row in rows}) > 10


@pytest.mark.long
def test_sources_are_numbered_by_name(tmp_path, write_documents):
    corpus = write_documents(tmp_path / "in", DOCUMENTS)
    result = count([corpus], str(tmp_path / "out"), CountConfig(), RunOptions())
    rows = read_table(result.folder, SOURCES).to_pylist()
    assert [(row["number"], row["source"], row["held_out"]) for row in rows] == [
        (0, "notes", False),
        (1, "reviews", False),
        (2, "web", False),
    ]


@pytest.mark.long
def test_processes_and_memory_give_the_same_bytes(tmp_path, write_corpus):
    rows = drawn(300)
    corpus = write_corpus(tmp_path / "in", rows[:100], rows[100:])
    config = CountConfig(partition_bytes=16_000, held_out_share=0.2)
    results = [
        count([corpus], str(tmp_path / f"{n}"), config, RunOptions(workers=n)).manifest.files for n in (None, 1, 2)
    ]
    assert results[0] == results[1] == results[2]
    assert sum(info.table == "data" for info in results[0]) == 4
    assert sum(info.table == "held_out" for info in results[0]) == 1


@pytest.mark.slow
def test_four_processes_give_the_same_bytes(tmp_path, write_corpus):
    rows = drawn(300)
    corpus = write_corpus(tmp_path / "in", rows[:100], rows[100:200], rows[200:])
    config = CountConfig(partition_bytes=9000, units="byte-level", held_out_share=0.2)
    memory, four = (count([corpus], str(tmp_path / f"{n}"), config, RunOptions(workers=n)) for n in (None, 4))
    assert memory.manifest.files == four.manifest.files


@pytest.mark.long
@pytest.mark.parametrize("rule", RULES)
def test_permuted_files_and_documents_give_the_same_bytes(tmp_path, write_corpus, rule):
    rows = drawn(300)
    shuffled = random.sample(rows, len(rows))
    config = CountConfig(partition_bytes=9000, units=rule, held_out_share=0.1)
    first = write_corpus(tmp_path / "a", rows[:100], rows[100:])
    second = write_corpus(tmp_path / "b", shuffled[:10], shuffled[10:200], shuffled[200:])
    results = [count([path], f"{path}-out", config, RunOptions()) for path in (first, second)]
    assert table_files(results[0]) == table_files(results[1])
    assert read_report(results[0].folder).to_json() == read_report(results[1].folder).to_json()


@pytest.mark.long
def test_flushing_and_merging_in_between_changes_nothing(tmp_path, write_corpus, monkeypatch):
    rows = drawn(300)
    parts = [rows[start : start + 50] for start in range(0, 300, 50)]
    corpus = write_corpus(tmp_path / "in", *parts)
    config = CountConfig(partition_bytes=9000, held_out_share=0.2)
    whole = count([corpus], str(tmp_path / "whole"), config, RunOptions())
    merges = []
    merge = steps.merge_counts
    monkeypatch.setattr(steps, "FLUSH_BYTES", 1000)
    monkeypatch.setattr(steps, "MERGE_BYTES", 1000)
    monkeypatch.setattr(steps, "ROW_GROUP_ROWS", 50)
    monkeypatch.setattr(steps, "merge_counts", lambda chunks: merges.append(len(chunks)) or merge(chunks))
    again = count([corpus], str(tmp_path / "again"), config, RunOptions())
    assert len(merges) > sum(info.table in ("data", "held_out") for info in again.manifest.files)
    for table in (WORDS, SOURCES):
        assert read_table(again.folder, table).equals(read_table(whole.folder, table))
    assert read_letters(again.folder) == read_letters(whole.folder)


@pytest.mark.long
def test_runs_on_the_memory_filesystem(memory_root, write_documents):
    corpus = write_documents(f"{memory_root}/in", DOCUMENTS)
    result = count([corpus], f"{memory_root}/out", CountConfig(), RunOptions())
    assert read_counts(result.folder) == counted(DOCUMENTS)
    again = count([], f"{memory_root}/sum", CountConfig(), RunOptions(), add=[result.folder])
    assert table_files(again) == table_files(result)


def test_partitions_are_planned_by_bytes():
    assert lay_out(1001, CountConfig(partition_bytes=500)) == TableLayout(3, 0)
    assert lay_out(1000, CountConfig(partition_bytes=100, held_out_share=0.25)) == TableLayout(8, 3)
    assert lay_out(0, CountConfig(held_out_share=0.25)) == TableLayout(1, 1)


@pytest.mark.fault("lost by us")
def test_a_table_that_lost_a_byte_fails():
    texts = [SourceRow(0, "web", False, documents=2, bytes=10, characters=0, lines=0, eojeol=0, units=0, letters=0)]
    check_counted(texts, 12, dummy_space=True)
    check_counted(texts, 10, dummy_space=False)
    with pytest.raises(CheckError, match=r"must hold 12 bytes of text\. Got 11"):
        check_counted(texts, 11, dummy_space=True)


@pytest.mark.long
def test_report_shows_documents_sources_and_top_units(tmp_path, write_documents):
    corpus = write_documents(tmp_path / "in", DOCUMENTS)
    result = count([corpus], str(tmp_path / "out"), CountConfig(), RunOptions())
    report = read_report(result.folder)
    assert (report.ledger.documents("in", "web"), report.ledger.documents("kept", "reviews")) == (2, 1)
    assert report.ledger.bytes("in") == sum(len(text.encode()) for _, _, text in DOCUMENTS)
    assert report.facts["documents"] == 4
    assert report.facts["distinct units"] == len({unit for unit, _ in counted(DOCUMENTS)})
    assert report.facts["units"] == counted(DOCUMENTS).total()
    assert [row["source"] for row in report.tables["Sources"]] == ["notes", "reviews", "web"]
    totals = Counter()
    for (unit, _), number in counted(DOCUMENTS).items():
        totals[unit] += number
    top = sorted(totals.items(), key=lambda item: (-item[1], item[0].encode()))
    assert report.tables["Most frequent units"] == [{"unit": repr(unit), "count": n} for unit, n in top[:20]]


@pytest.mark.long
def test_other_formats_and_column_names(tmp_path):
    (tmp_path / "x.jsonl").write_text(
        '{"key": "1", "source": "web", "body": "말 말"}\n{"key": "2", "source": "web", "body": "글"}\n'
    )
    config = CountConfig(read={"columns": {"id": "key", "text": "body"}})
    result = count([str(tmp_path / "x.jsonl")], str(tmp_path / "out"), config, RunOptions())
    assert read_counts(result.folder) == {(" 말", "web"): 2, (" 글", "web"): 1}


def test_nothing_found_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="there is nothing at"):
        count([str(tmp_path / "*.parquet")], str(tmp_path / "out"), CountConfig(), RunOptions())
    with pytest.raises(UsageError, match="nothing to count"):
        count([], str(tmp_path / "out"), CountConfig(), RunOptions())
