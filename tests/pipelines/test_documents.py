"""Foreign documents: what is found, read once, read exactly, or refused with the file and column named."""

import json
import os

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from malmoi_pipelines import documents
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.manifest import Manifest, write_manifest
from malmoi_pipelines.contracts.schemas import DOCUMENTS, REJECTS
from malmoi_pipelines.contracts.tables import write_parquet
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.stage import dedupe
from malmoi_pipelines.documents import find_documents, read_documents
from malmoi_pipelines.engine.options import RunOptions

from tests.conftest import make_documents

SECRET = "비밀문장"
ROW = {"id": "1", "source": "web", "text": "말"}
INVALID = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")])

NOT_GIVEN = {"perplexity": None, "bad_perplexity": None, "cluster_size": None}


def write_jsonl(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return str(path)


def write_table(folder, name, columns):
    """Write columns as Parquet, or as an Arrow file or stream; returns the path."""
    table = pa.table(columns)
    path = str(folder / name.replace(".stream", ""))
    if name.endswith(".parquet"):
        pq.write_table(table, path)
    else:
        new = pa.ipc.new_stream if ".stream" in name else pa.ipc.new_file
        with new(path, table.schema) as writer:
            writer.write_table(table)
    return path


def dataset(folder, *rows, kind="documents"):
    """A complete dataset folder, with a table of rejects beside the documents."""
    infos = [write_parquet(str(folder), DOCUMENTS, "part-00000", [make_documents(rows)])]
    infos.append(write_parquet(str(folder), REJECTS, "part-00000", []))
    described = {"kind": kind, "stage": "clean", "fingerprint": "", "inputs": {}, "config": {}, "code": {"stage": ""}}
    write_manifest(str(folder), Manifest(**described, files=tuple(infos)))
    return str(folder)


def read(path, **columns):
    batches = list(read_documents(str(path), columns))
    assert all(batch.schema == DOCUMENTS.schema for batch in batches)
    for batch in batches:
        batch.validate(full=True)
    return [row for batch in batches for row in batch.to_pylist()]


def refusal(path, **columns):
    """The message of the error, free of data and with no other error behind it that a log would show."""
    with pytest.raises(BadInputError) as caught:
        read(path, **columns)
    assert os.path.basename(str(path)) in caught.value.message
    assert SECRET not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("name", ["x.parquet", "x.arrow", "x.stream.arrow"])
@pytest.mark.parametrize(
    "texts",
    [
        pa.array(["말", "글"]),
        pa.array(["말", "글"], pa.large_string()),
        pa.array(["말".encode(), "글".encode()]),
        pa.array(["말", "글"]).dictionary_encode(),
    ],
    ids=lambda texts: str(texts.type)[:12],
)
def test_formats_and_text_types(tmp_path, name, texts):
    path = write_table(tmp_path, name, {"text": texts, "source": ["a", "b"], "id": [7, 8], "other": [0.5, None]})
    assert read(path) == [
        {"id": "7", "source": "a", "text": "말", "meta": None, **NOT_GIVEN},
        {"id": "8", "source": "b", "text": "글", "meta": None, **NOT_GIVEN},
    ]


def test_jsonl_keeps_what_is_written(tmp_path):
    """Dates stay as spelled, ids may be numbers, and fields come and go."""
    rows = [
        {"id": 1, "source": "a", "text": "2020-01-01T00:00:00"},
        {"id": "2020-01-01", "source": "a", "text": "글", "meta": "그대로", "n": 1},
        {"id": 3, "source": "b", "text": "\n", "meta": {"b": [1, None], "a": "가"}, "n": "x"},
        {"id": 4, "source": "b", "text": "", "meta": None},
    ]
    found = read(write_jsonl(tmp_path / "x.jsonl", *rows))
    assert [row["id"] for row in found] == ["1", "2020-01-01", "3", "4"]
    assert [row["text"] for row in found] == [row["text"] for row in rows]
    assert [row["meta"] for row in found] == [None, "그대로", '{"a":"가","b":[1,null]}', None]


def test_jsonl_is_the_same_in_blocks_of_any_size(tmp_path, monkeypatch):
    rows = [{**ROW, "id": f"{n}", "text": "말" * n} for n in range(20)]
    path = write_jsonl(tmp_path / "x.jsonl", *rows)
    whole = read(path)
    for size in (1, 7, 100):
        monkeypatch.setattr(documents, "BLOCK_BYTES", size)
        assert read(path) == whole


def test_jsonl_with_byte_order_mark_blank_lines_and_no_last_newline(tmp_path):
    line = json.dumps(ROW).encode()
    (tmp_path / "x.jsonl").write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\n \n" + line)
    assert len(read(tmp_path / "x.jsonl")) == 2


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf"])
def test_empty_jsonl_holds_no_documents(tmp_path, content):
    (tmp_path / "x.jsonl").write_bytes(content)
    assert read(tmp_path / "x.jsonl") == []


def test_empty_jsonl_does_not_stop_a_stage(tmp_path):
    (tmp_path / "a.jsonl").touch()
    write_jsonl(tmp_path / "b.jsonl", ROW)
    result = count([str(tmp_path / "*.jsonl")], str(tmp_path / "out"), CountConfig(), RunOptions())
    assert result.manifest.rows() == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([{"b": 1, "a": "가"}, None]), ['{"a":"가","b":1}', None]),
        (pa.array([[1, 2], []]), ["[1,2]", "[]"]),
        (pa.array([1.5, None]), ["1.5", None]),
        (pa.array([[("k", b"\xff")], None], pa.map_(pa.string(), pa.binary())), ['{"k":"ff"}', None]),
        (pa.array(["{}", None], pa.json_()), ["{}", None]),
        (pa.array(["그대로", None]), ["그대로", None]),
        (pa.nulls(2), [None, None]),
    ],
    ids=lambda value: str(value.type)[:10] if isinstance(value, pa.Array) else "",
)
@pytest.mark.parametrize("name", ["x.parquet", "x.arrow"])
def test_meta_that_is_no_string_becomes_json(tmp_path, name, values, expected):
    path = write_table(tmp_path, name, {"id": ["1", "2"], "source": ["a", "a"], "text": ["말", "글"], "meta": values})
    assert [row["meta"] for row in read(path)] == expected


def test_meta_of_structs_passes_through_dedupe(tmp_path):
    path = write_jsonl(tmp_path / "x.jsonl", {**ROW, "meta": {"a": [1]}})
    result = dedupe([path], str(tmp_path / "out"), DedupeConfig(), RunOptions())
    assert result.manifest.rows() == 1


@pytest.mark.parametrize("name", ["x.parquet", "x.arrow", "x.stream.arrow"])
@pytest.mark.parametrize("column", ["id", "source", "text", "meta"])
@pytest.mark.parametrize("invalid", [INVALID, INVALID.view(pa.binary())], ids=["string", "binary"])
def test_invalid_utf8_names_file_and_column(tmp_path, name, column, invalid):
    columns = {"id": ["1"], "source": ["a"], "text": [SECRET], "meta": [SECRET], column: invalid}
    message = refusal(write_table(tmp_path, name, columns))
    assert f"column '{column}' holds no valid text" in message
    assert "malmoi clean" in message


def test_invalid_utf8_inside_a_struct(tmp_path):
    meta = pa.StructArray.from_arrays([INVALID], ["x"])
    path = write_table(tmp_path, "x.arrow", {"id": ["1"], "source": ["a"], "text": ["말"], "meta": meta})
    assert "column 'meta'" in refusal(path)


@pytest.mark.parametrize("bad", [b'"\xff"', b'"\\ud800"', b'"open', b"NaN"])
def test_a_line_that_is_no_json_in_utf8_is_named(tmp_path, bad):
    lines = [json.dumps({**ROW, "text": SECRET}).encode(), b"", b'{"id": "2", "source": "a", "text": ' + bad + b"}"]
    (tmp_path / "x.jsonl").write_bytes(b"\n".join(lines))
    message = refusal(tmp_path / "x.jsonl")
    assert "line 3" in message
    assert "malmoi clean" in message


def test_a_line_that_is_no_object_is_named(tmp_path):
    assert "line 2 is no JSON object" in refusal(write_jsonl(tmp_path / "x.jsonl", ROW, [SECRET]))


@pytest.mark.parametrize(("column", "value"), [("text", 1), ("text", {"a": SECRET}), ("id", True), ("source", [1])])
def test_a_column_of_another_type_is_named(tmp_path, column, value):
    row = {**ROW, column: value}
    assert f"column '{column}'" in refusal(write_jsonl(tmp_path / "x.jsonl", ROW, row))
    assert f"column '{column}'" in refusal(
        write_table(tmp_path, "x.parquet", {name: [value] for name, value in row.items()})
    )


@pytest.mark.parametrize("column", ["id", "source", "text"])
def test_nulls_name_their_column(tmp_path, column):
    row = {**ROW, column: None}
    assert f"column '{column}' has nulls" in refusal(write_jsonl(tmp_path / "x.jsonl", ROW, row))
    path = write_table(tmp_path, "x.parquet", {name: [value] for name, value in row.items()})
    assert f"column '{column}' has nulls" in refusal(path)


@pytest.mark.parametrize(("name", "place"), [("x.parquet", 8), ("x.arrow", -100), ("x.stream.arrow", 8)])
@pytest.mark.parametrize("damage", ["truncated", "overwritten", "empty"])
def test_a_damaged_file_is_named(tmp_path, name, place, damage):
    path = write_table(tmp_path, name, {"id": ["1"], "source": ["a"], "text": [SECRET * 50]})
    with open(path, "rb") as file:
        data = file.read()
    overwritten = data[:place] + b"\xff" * 60 + data[place:][60:]
    contents = {"truncated": data[: len(data) // 2], "overwritten": overwritten, "empty": b""}
    with open(path, "wb") as file:
        file.write(contents[damage])
    refusal(path)


def test_columns_are_mapped(tmp_path):
    row = {"key": 1, "site": "web", "body": "말", "extra": {"b": 1, "a": 2}, "text": 0}
    columns = {"id": "key", "source": "site", "text": "body", "meta": "extra"}
    expected = [{"id": "1", "source": "web", "text": "말", "meta": '{"a":2,"b":1}', **NOT_GIVEN}]
    assert read(write_jsonl(tmp_path / "x.jsonl", row), **columns) == expected
    table = {name: [value] for name, value in row.items()}
    assert read(write_table(tmp_path, "x.parquet", table), **columns) == expected
    found = find_documents([str(tmp_path / "x.jsonl")], columns)
    assert [row for batch in found.read(0) for row in batch.to_pylist()] == expected


def test_missing_and_doubled_columns_are_told_with_those_there_are(tmp_path):
    path = write_jsonl(tmp_path / "x.jsonl", {"id": "1", "source": "web", "body": SECRET})
    message = refusal(path)
    assert "no column 'text'; its columns are ['id', 'source', 'body']" in message
    assert "columns.text=NAME" in message
    batch = pa.record_batch([pa.array(["1"])] * 4, names=["id", "source", "text", "text"])
    with pa.ipc.new_file(str(tmp_path / "x.arrow"), batch.schema) as writer:
        writer.write_batch(batch)
    assert "more than one column 'text'" in refusal(tmp_path / "x.arrow")


def test_columns_must_be_ours():
    with pytest.raises(UsageError, match="txt"):
        find_documents([], {"txt": "body"})


def test_overlapping_inputs_are_read_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ours = dataset(tmp_path / "docs", ("1", "web", "말"))
    write_jsonl(tmp_path / "more" / "x.jsonl", ROW)
    write_jsonl(tmp_path / "more" / "deep" / "y.jsonl", ROW)
    os.symlink("more", "link")
    plain = find_documents(["docs", "more"], {})
    names = ["docs", "docs/", "./docs", ours, f"file://{ours}", "docs/data", "docs/data/*.parquet"]
    names += ["more", "more/*.jsonl", "more/deep", f"{tmp_path}/more/../more/x.jsonl", "link", "more/**/*.jsonl"]
    found = find_documents(names[::-1], {})
    assert [os.path.basename(path) for path in found.paths] == ["part-00000.parquet", "y.jsonl", "x.jsonl"]
    assert (found.text_bytes, found.fingerprint) == (plain.text_bytes, plain.fingerprint)
    assert not found.ours


def test_a_dataset_folder_named_twice_is_still_ours(tmp_path):
    folder = dataset(tmp_path / "docs", ("1", "web", "말"))
    found = find_documents([folder, f"{folder}/", f"{folder}/data"], {})
    assert found.ours
    assert found == find_documents([folder], {})
    assert found.text_bytes == 3
    result = count([folder, f"{folder}/"], str(tmp_path / "out"), CountConfig(), RunOptions())
    assert result.manifest.rows() == 1


def test_the_memory_filesystem(memory_root):
    ours = dataset(f"{memory_root}/docs", ("1", "web", "말"))
    line = orjson.dumps({**ROW, "meta": {"a": 1}})
    files.write_bytes(f"{memory_root}/more/x.jsonl", line)
    files.write_bytes(f"{memory_root}/more/README.md", b"")
    names = [ours, f"{ours}/", f"{ours}/data/*.parquet", f"{memory_root}/more", f"{memory_root}/more/*.jsonl"]
    found = find_documents(names, {})
    assert len(found.paths) == 2
    rows = [row for n in range(2) for batch in found.read(n) for row in batch.to_pylist()]
    assert [row["meta"] for row in rows] == [None, '{"a":1}']


@pytest.mark.parametrize("name", ["b.jsonl.gz", "b.jsonl.zst", "b.txt", "b.csv", "b.PARQUET", "noextension"])
@pytest.mark.parametrize("given", ["in", "in/*", "in/**", "in/NAME"])
def test_other_formats_are_refused_not_dropped(tmp_path, name, given):
    write_jsonl(tmp_path / "in" / "a.jsonl", ROW)
    (tmp_path / "in" / name).touch()
    with pytest.raises(BadInputError, match=rf"{name} is in none of the formats .*: \.parquet, \.arrow, \.jsonl"):
        find_documents([str(tmp_path / given.replace("NAME", name))], {})


@pytest.mark.parametrize("given", ["in", "in/*"])
def test_metadata_and_hidden_files_are_passed_over(tmp_path, given):
    write_jsonl(tmp_path / "in" / "a.jsonl", ROW)
    for name in ("README", "README.md", "LICENSE.txt", "report.json", "report.md", "_SUCCESS", ".a.jsonl.tmp"):
        (tmp_path / "in" / name).touch()
    write_jsonl(tmp_path / "in" / ".cache" / "huggingface" / "a.jsonl", ROW)
    found = find_documents([str(tmp_path / given)], {})
    assert [os.path.basename(path) for path in found.paths] == ["a.jsonl"]


def test_a_folder_of_dataset_folders_says_to_name_them(tmp_path):
    dataset(tmp_path / "out" / "docs", ("1", "web", "말"))
    with pytest.raises(BadInputError, match="no dataset folder, but holds 1") as caught:
        find_documents([str(tmp_path / "out")], {})
    assert f"{tmp_path}/out/docs" in caught.value.hint


def test_an_unfinished_dataset_folder_is_refused(tmp_path):
    (tmp_path / "docs" / "_work").mkdir(parents=True)
    write_table(tmp_path / "docs", "x.parquet", {"id": ["1"], "source": ["a"], "text": ["말"]})
    with pytest.raises(BadInputError, match="unfinished"):
        find_documents([str(tmp_path / "docs")], {})


def test_a_dataset_folder_of_another_kind_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="holds words"):
        find_documents([dataset(tmp_path / "words", kind="words")], {})


@pytest.mark.parametrize("given", ["", "absent", "*.parquet"])
def test_nothing_found_is_an_error(tmp_path, given):
    with pytest.raises(BadInputError, match="no documents found"):
        find_documents([f"{tmp_path}/{given}"], {})


def test_many_row_groups(tmp_path):
    number = 1000
    table = pa.table({"id": np.arange(number), "source": ["a"] * number, "text": ["말"] * number})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=64)
    assert [row["id"] for row in read(tmp_path / "x.parquet")] == [str(n) for n in range(number)]
