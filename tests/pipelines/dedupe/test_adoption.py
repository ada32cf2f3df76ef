"""Foreign files are copied to Parquet in parts that workers can hold, and that changes nothing else."""

import os
import pathlib
import random

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from malmoi_pipelines.contracts import tables
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.schemas import DOCUMENTS, REMOVALS
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.stage import dedupe
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.raw import documents as documents_module

from tests.pipelines.dedupe.conftest import UNGUARDED
from tests.pipelines.dedupe.corpus import Document, plain_dedupe, planted_corpus, words

pytestmark = pytest.mark.usefixtures("plain_runner")
CONFIG = DedupeConfig(guards=UNGUARDED)
DOCUMENTS_HERE = planted_corpus(11, families=20, singles=30)


def write_foreign(path: pathlib.Path, documents: list[Document], group_rows: int, **columns) -> str:
    ids, sources, texts = zip(*documents, strict=True)
    table = pa.table({"text": texts, "id": ids, "source": sources, **columns})
    pq.write_table(table, path, row_group_size=group_rows)
    return str(path)


def write_lines(path: pathlib.Path, documents: list[Document], **fields) -> str:
    rows = [{"id": i, "source": source, "text": text, **fields} for i, source, text in documents]
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return str(path)


def run(inputs: list[str], out: pathlib.Path, config: DedupeConfig = CONFIG) -> str:
    return dedupe(inputs, str(out), config, RunOptions()).folder


def rows(folder: str, table=DOCUMENTS) -> dict[str, dict]:
    return {row["id"]: row for row in tables.read_table(folder, table).to_pylist()}


def data_files(folder: str) -> list[str]:
    return sorted(map(str, (pathlib.Path(folder) / "data").iterdir()))


@pytest.fixture
def cut(tmp_path, monkeypatch) -> str:
    """The corpus of a file of many row groups that was cut into parts."""
    path = write_foreign(tmp_path / "foreign.parquet", DOCUMENTS_HERE, 5)
    with monkeypatch.context() as patch:
        patch.setattr(documents_module, "TASK_BYTES", os.path.getsize(path) // 9)
        return run([path], tmp_path / "cut")


@pytest.fixture
def whole(tmp_path) -> str:
    """The corpus of the same file in one part."""
    return run([write_foreign(tmp_path / "foreign.parquet", DOCUMENTS_HERE, 5)], tmp_path / "whole")


@pytest.mark.long
def test_parts_are_cut_at_row_groups(cut, whole, tmp_path):
    groups = pq.ParquetFile(tmp_path / "foreign.parquet").num_row_groups
    assert len(data_files(whole)) == 1
    assert len(data_files(cut)) == 10 < groups


@pytest.mark.long
def test_the_cut_changes_no_survivor(cut, whole):
    assert rows(cut) == rows(whole)
    assert rows(cut, REMOVALS) == rows(whole, REMOVALS)
    assert rows(cut).keys() == {i for i, _, _ in DOCUMENTS_HERE} - plain_dedupe(DOCUMENTS_HERE).keys()


@pytest.mark.long
def test_no_row_group_is_left_out_or_read_twice(cut):
    kept = [row["id"] for row in tables.read_table(cut, DOCUMENTS).to_pylist()]
    gone = [row["id"] for row in tables.read_table(cut, REMOVALS).to_pylist()]
    assert sorted(kept + gone) == sorted(i for i, _, _ in DOCUMENTS_HERE)


@pytest.mark.long
def test_a_huge_row_group_becomes_several(tmp_path):
    rng = random.Random(2)
    filling = " ".join(words(rng, 100))
    documents = [(f"d{n}", "s", f"{chr(0xAC00 + n // 100)}{chr(0xB000 + n % 100)} {filling}") for n in range(30_000)]
    path = write_foreign(tmp_path / "huge.parquet", documents, len(documents))
    assert pq.ParquetFile(path).num_row_groups == 1
    folder = run([path], tmp_path / "out", DedupeConfig(guards=UNGUARDED, near=False, digests=False))
    (data,) = data_files(folder)
    with pq.ParquetFile(data) as parquet:
        assert parquet.metadata.num_rows == len(documents)
        sizes = [parquet.read_row_group(group).nbytes for group in range(parquet.num_row_groups)]
    assert max(sizes) <= 1.1 * tables.ROW_GROUP_BYTES
    assert sum(sizes) > 2 * tables.ROW_GROUP_BYTES
    assert len(sizes) <= sum(sizes) / tables.ROW_GROUP_BYTES + 2, "nor are they cut into crumbs"


@pytest.mark.long
def test_an_own_folder_and_foreign_files_together(tmp_path):
    """Whatever the mix, the result is that of all documents; what an earlier dedupe counted is not taken over."""
    half, quarter = len(DOCUMENTS_HERE) // 2, 3 * len(DOCUMENTS_HERE) // 4
    own = run([write_foreign(tmp_path / "first.parquet", DOCUMENTS_HERE[:half], 9)], tmp_path / "own")
    assert any(row["cluster_size"] > 1 for row in rows(own).values())
    ours = [document for document in DOCUMENTS_HERE[:half] if document[0] in rows(own)]
    parquet = write_foreign(tmp_path / "second.parquet", DOCUMENTS_HERE[half:quarter], 9)
    lines = write_lines(tmp_path / "third.jsonl", DOCUMENTS_HERE[quarter:])
    folder = run([own, parquet, lines], tmp_path / "mixed")
    documents = [*ours, *DOCUMENTS_HERE[half:]]
    expected = plain_dedupe(documents)
    assert expected
    assert rows(folder).keys() == {i for i, _, _ in documents} - expected.keys()
    found = {i: (row["reason"], row["partner_id"]) for i, row in rows(folder, REMOVALS).items()}
    assert found == {i: (removal.reason, removal.partner) for i, removal in expected.items()}
    assert sum(row["cluster_size"] for row in rows(folder).values()) == len(documents)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
@pytest.mark.parametrize("value", ["large", "3"])
def test_a_foreign_column_called_cluster_size_is_something_else(tmp_path, kind, value):
    documents = DOCUMENTS_HERE[:20]
    if kind == "parquet":
        path = write_foreign(tmp_path / "in.parquet", documents, 6, cluster_size=[value] * len(documents))
    else:
        path = write_lines(tmp_path / "in.jsonl", documents, cluster_size=value)
    kept = rows(run([path], tmp_path / "out"))
    assert all(type(row["cluster_size"]) is int for row in kept.values())
    assert sum(row["cluster_size"] for row in kept.values()) == len(documents)


@pytest.mark.long
def test_formats_do_not_matter(tmp_path):
    parquet = write_foreign(tmp_path / "in.parquet", DOCUMENTS_HERE, 8)
    lines = write_lines(tmp_path / "in.jsonl", DOCUMENTS_HERE)
    first, second = run([parquet], tmp_path / "a"), run([lines], tmp_path / "b")
    assert rows(first) == rows(second)
    assert rows(first, REMOVALS) == rows(second, REMOVALS)


@pytest.mark.long
def test_files_without_rows_are_adopted_too(tmp_path):
    full = write_foreign(tmp_path / "full.parquet", DOCUMENTS_HERE[:5], 5)
    empty = str(tmp_path / "empty.parquet")
    pq.write_table(pq.read_table(full).slice(0, 0), empty)
    (tmp_path / "empty.jsonl").write_bytes(b"")
    folder = run([full, empty, str(tmp_path / "empty.jsonl")], tmp_path / "out")
    assert sum(row["cluster_size"] for row in rows(folder).values()) == 5
    with pytest.raises(BadInputError, match="no document in the input"):
        run([empty], tmp_path / "nothing")
