from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.contracts.errors import BadInputError, CheckError, UsageError
from pipelines.contracts.ledger import Ledger
from pipelines.contracts.report import read_report
from pipelines.contracts.schemas import LETTERS, WORDS
from pipelines.contracts.tables import read_table
from pipelines.count.config import CountConfig
from pipelines.count.stage import check_counted, count
from pipelines.engine.options import RunOptions
from pipelines.text.units import split_units
from tests.strategies import texts

DOCUMENTS = [
    ("a", "web", "나라의 말이 나라의 글과 달라"),
    ("b", "web", "나라의 말\n말이 달라!"),
    ("c", "reviews", "재밌어요 ㅋㅋ good good"),
]


def word_table(folder):
    table = read_table(folder, WORDS)
    return dict(zip(table["unit"].to_pylist(), table["count"].to_pylist(), strict=True))


def oracle(rows):
    return Counter(unit for _, _, text in rows for unit in split_units(pa.array([text], pa.large_string())).to_pylist())


def test_counts_are_those_of_a_counter(tmp_path, write_documents):
    corpus = write_documents(tmp_path / "in", DOCUMENTS[:2], DOCUMENTS[2:])
    result = count([corpus], str(tmp_path / "out"), CountConfig(), RunOptions())
    assert word_table(result.folder) == oracle(DOCUMENTS)
    letters = read_table(result.folder, LETTERS)
    expected = Counter(
        char for _, _, text in DOCUMENTS for char in text if "가" <= char <= "힣" or "ㄱ" <= char <= "ㆎ"
    )
    assert letters.to_pylist() == [
        {"letter": letter, "count": n} for letter, n in sorted(expected.items(), key=lambda item: (-item[1], item[0]))
    ]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(texts, min_size=1, max_size=8), st.integers(1, 400))
def test_any_partition_size_gives_the_same_counts(tmp_path_factory, write_documents, contents, partition_bytes):
    folder = tmp_path_factory.mktemp("count")
    rows = [(str(number), "web", text) for number, text in enumerate(contents)]
    corpus = write_documents(folder / "in", rows)
    config = CountConfig(partition_bytes=partition_bytes)
    result = count([corpus], str(folder / "out"), config, RunOptions())
    assert word_table(result.folder) == oracle(rows)


def test_rows_are_ordered_by_count_then_bytes(tmp_path, write_documents):
    corpus = write_documents(tmp_path / "in", DOCUMENTS)
    result = count([corpus], str(tmp_path / "out"), CountConfig(), RunOptions())
    rows = read_table(result.folder, WORDS).to_pylist()
    assert rows == sorted(rows, key=lambda row: (-row["count"], row["unit"].encode()))


def test_one_and_two_processes_and_memory_give_the_same_bytes(tmp_path, write_documents):
    corpus = write_documents(tmp_path / "in", DOCUMENTS[:1], DOCUMENTS[1:])
    folders = [str(tmp_path / name) for name in ("memory", "one", "two")]
    in_memory = count([corpus], folders[0], CountConfig(), RunOptions())
    one, two = (
        count([corpus], folder, CountConfig(), RunOptions(workers=n)) for n, folder in enumerate(folders[1:], 1)
    )
    assert in_memory.manifest.files == one.manifest.files == two.manifest.files


def test_runs_on_the_memory_filesystem(memory_root, write_documents):
    corpus = write_documents(f"{memory_root}/in", DOCUMENTS)
    result = count([corpus], f"{memory_root}/out", CountConfig(), RunOptions())
    assert word_table(result.folder) == oracle(DOCUMENTS)


def test_a_table_that_lost_a_byte_fails():
    ledger = Ledger()
    ledger.add("web", "in", 2, 10)
    check_counted(ledger, 12)
    with pytest.raises(CheckError, match=r"must hold 12 bytes of text\. Got 11"):
        check_counted(ledger, 11)


def test_report_counts_every_document(tmp_path, write_documents):
    corpus = write_documents(tmp_path / "in", DOCUMENTS)
    result = count([corpus], str(tmp_path / "out"), CountConfig(), RunOptions())
    ledger = read_report(result.folder).ledger
    assert (ledger.documents("in", "web"), ledger.documents("kept", "reviews")) == (2, 1)
    assert ledger.bytes("in") == sum(len(text.encode()) for _, _, text in DOCUMENTS)


def test_other_formats_and_column_names(tmp_path):
    (tmp_path / "x.jsonl").write_text(
        '{"key": "1", "source": "web", "body": "말 말"}\n{"key": "2", "source": "web", "body": "글"}\n'
    )
    config = CountConfig(columns={"id": "key", "text": "body"})
    result = count([str(tmp_path / "x.jsonl")], str(tmp_path / "out"), config, RunOptions())
    assert word_table(result.folder) == {" 말": 2, " 글": 1}


def test_a_missing_column_is_named_with_the_remedy(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"id": "1", "source": "web", "body": "말"}\n')
    with pytest.raises(BadInputError, match="no column 'text'") as error:
        count([str(tmp_path / "x.jsonl")], str(tmp_path / "out"), CountConfig(), RunOptions())
    assert "columns.text=NAME" in error.value.hint


def test_columns_must_be_ours(tmp_path):
    with pytest.raises(UsageError, match="txt"):
        count([str(tmp_path)], str(tmp_path / "out"), CountConfig(columns={"txt": "body"}), RunOptions())


def test_nothing_found_is_an_error(tmp_path):
    with pytest.raises(BadInputError, match="no documents found"):
        count([str(tmp_path / "*.parquet")], str(tmp_path / "out"), CountConfig(), RunOptions())
