"""Documents and rejects that `clean` has written are input again."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from malmoi_pipelines.contracts.manifest import FileInfo, Manifest, write_manifest
from malmoi_pipelines.contracts.schemas import DOCUMENTS, REJECTS
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.inputs import find_inputs
from malmoi_pipelines.raw.readers import read_blocks
from malmoi_pipelines.raw.rows import derived_id
from malmoi_pipelines.raw.tasks import FilePart

from tests.conftest import make_documents
from tests.pipelines.raw.raw_files import blocks, find, parquet, put, read


def reject(source, reason, **fields):
    empty = {"id": None, "text": None, "meta": None, "raw": None, "file": "a.jsonl", "start": 0, "line": 1}
    return {**empty, "source": source, "reason": reason, **fields}


ROWS = [
    reject("web", "too_short", id="a", text="짧다", meta='{"page":1}'),
    reject("talk", "missing_text", raw='{"id": "b", "body": "본문", "page": 2}'.encode()),
    reject("web", "broken_json", raw=b'{"text": "cut'),
    reject("talk", "invalid_utf8", raw=b"\xed\x95"),
    reject("web", "corrupt_file"),
    reject("web", "bad_id", raw=b'{"id": [1], "text": "x"}'),
    reject("talk", "too_little_hangul", id="c", text="", meta=None),
    reject("web", "missing_text", raw=b'{"source": "named", "body": "y"}'),
    reject("web", "wrong_fields", raw=b"123"),
]


def rejects_table(rows):
    return pa.Table.from_pylist(rows, schema=REJECTS.schema)


def write(root, name, rows, **options):
    return put(root, name, parquet(rejects_table(rows), **options))


def test_texts_are_documents_again_and_lines_are_parsed_again(tmp_path):
    path = write(tmp_path, "rejects/part-00000.parquet", ROWS)
    found = blocks(path, ReadOptions(columns={"text": "body"}))
    documents = sorted(
        row for b in found for row in zip(b.lines, b.ids, b.sources, b.texts, b.metas, b.given, strict=True)
    )
    derived = documents[3][1]
    assert documents == [
        (1, "a", "web", "짧다", '{"page":1}', True),
        (2, "b", "talk", "본문", '{"page":2}', True),
        (7, "c", "talk", "", None, True),
        (8, derived, "named", "y", None, False),
    ]
    assert len(derived) == 32
    bad = sorted((bad.line, block.source, bad.reason, bad.raw) for block in found for bad in block.bad)
    assert bad == [
        (3, "web", "broken_json", ROWS[2]["raw"]),
        (4, "talk", "invalid_utf8", ROWS[3]["raw"]),
        (5, "web", "corrupt_file", None),
        (6, "web", "missing_text", ROWS[5]["raw"]),  # has no `body`
        (9, "web", "wrong_fields", ROWS[8]["raw"]),
    ]


@pytest.mark.parametrize("of", [1, 3])
@pytest.mark.parametrize("block_bytes", [1, 200, 1 << 20])
def test_no_row_is_lost(tmp_path, of, block_bytes):
    path = write(tmp_path, "rejects/part-00000.parquet", ROWS * 5, row_group_size=7)
    found = blocks(path, None, block_bytes, of)
    lines = [line for block in found for line in [*block.lines, *(bad.line for bad in block.bad)]]
    assert sorted(lines) == list(range(1, len(ROWS) * 5 + 1))


def test_the_reason_is_the_one_that_holds_now(tmp_path):
    path = write(tmp_path, "rejects/a.parquet", [ROWS[5]])
    assert read(path)[1] == [(1, "bad_id", len(ROWS[5]["raw"]))]
    assert read(path, ReadOptions(columns={"id": None}))[0][0][2] == "x"


def test_a_rejects_folder_a_glob_and_a_file_are_read_and_a_dataset_folder_gives_its_documents(tmp_path):
    documents = parquet(pa.Table.from_batches([make_documents([("x", "web", "가")])]))
    infos = []
    for name, data in {"data/p.parquet": documents, "rejects/p.parquet": parquet(rejects_table(ROWS[:1]))}.items():
        put(tmp_path, f"docs/{name}", data)
        infos.append(FileInfo(path=name, table=name.split("/")[0], rows=1, bytes=len(data), xxh3_128=""))
    manifest = {
        "kind": "documents",
        "stage": "clean",
        "fingerprint": "",
        "inputs": {},
        "config": {},
        "code": {"stage": ""},
    }
    write_manifest(str(tmp_path / "docs"), Manifest(**manifest, files=tuple(infos)))
    for given in ("docs/rejects", "docs/rejects/*.parquet", "docs/rejects/p.parquet"):
        assert read(tmp_path / given)[0] == [("a", "web", "짧다", '{"page":1}', 1)]
    assert [row[:3] for row in read(tmp_path / "docs")[0]] == [("x", "web", "가")]


def test_documents_keep_their_ids_as_given_and_their_meta(tmp_path):
    batch = make_documents([("x", "web", "가")]).set_column(3, DOCUMENTS.schema.field("meta"), pa.array(['{"a":1}']))
    path = put(tmp_path, "data/a.parquet", parquet(pa.Table.from_batches([batch])))
    [block] = blocks(path, ReadOptions(columns={"text": "body", "id": "key", "source": "site"}))
    assert (block.ids, block.sources, block.texts, block.metas, block.given) == (
        ["x"], ["web"], ["가"], ['{"a":1}'], [True]
    )  # fmt: skip


def own(meta):
    """One row as a documents table and as a rejects table."""
    batch = make_documents([("x", "web", "가")]).set_column(
        3, DOCUMENTS.schema.field("meta"), pa.array([meta], pa.string())
    )
    return {
        "data": pa.Table.from_batches([batch]),
        "rejects": rejects_table([reject("web", "too_short", id="x", text="가", meta=meta)]),
    }


@pytest.mark.parametrize("table", ["data", "rejects"])
@pytest.mark.parametrize(
    ("wanted", "meta"),
    [
        ({}, None),
        ({"b": "a"}, '{"b":1}'),
        ({"a": "a", "none": "absent"}, '{"a":1}'),
        ({"c": "old"}, '{"c":[2]}'),  # an earlier run with the same options has renamed it
        (None, '{"a":1,"c":[2]}'),
    ],
)
def test_the_wanted_fields_are_chosen_from_the_meta_of_our_own_tables(tmp_path, table, wanted, meta):
    path = put(tmp_path, f"{table}/a.parquet", parquet(own('{"a":1,"c":[2]}')[table]))
    assert [row[3] for row in read(path, ReadOptions(columns={"meta": wanted}))[0]] == [meta]


@pytest.mark.parametrize("table", ["data", "rejects"])
@pytest.mark.parametrize("meta", ["no json", "[1]", '{"a":' + "[" * 300 + "]" * 300 + "}"])
def test_a_meta_that_is_none_costs_its_row_if_it_is_chosen_from(tmp_path, table, meta):
    path = put(tmp_path, f"{table}/a.parquet", parquet(own(meta)[table]))
    assert [row[3] for row in read(path)[0]] == [meta]
    assert read(path, ReadOptions(columns={"meta": {"a": "a"}})) == ([], [(1, "unstorable_meta", 0)])


def test_no_id_and_no_source_hold_for_our_own_tables(tmp_path):
    tables = own(None)
    path = put(tmp_path, "corpus/a.parquet", parquet(tables["data"]))
    [block] = blocks(path, ReadOptions(columns={"id": None, "source": None}))
    assert (block.ids, block.sources, block.given) == ([derived_id("corpus", "가")], ["corpus"], [False])
    path = put(tmp_path, "rejects/a.parquet", parquet(tables["rejects"]))
    [block] = blocks(path, ReadOptions(columns={"id": None, "source": None}))
    # The folder of a reject was another one; its source is all that is known of it.
    assert (block.ids, block.sources, block.given) == ([derived_id("web", "가")], ["web"], [False])


def test_a_line_is_parsed_again_with_the_options_of_its_own_source(tmp_path):
    rows = [reject(source, "missing_text", raw=b'{"body": "b", "main": "m"}') for source in ("web", "talk", "news")]
    columns = {"web": "body", "talk": "main"}
    asked = []

    def options_for(source):
        asked.append(source)
        return ReadOptions(columns={"text": columns.get(source, "text")})

    [file] = find(write(tmp_path, "rejects/a.parquet", rows))
    found = list(read_blocks(FilePart(file), ReadOptions(), options_for=options_for))
    assert [(s, t) for b in found for s, t in zip(b.sources, b.texts, strict=True)] == [("web", "b"), ("talk", "m")]
    assert [(b.source, bad.reason) for b in found for bad in b.bad] == [("news", "missing_text")]
    assert set(asked) == {"web", "talk", "news"}


@pytest.mark.parametrize("table", ["data", "rejects"])
def test_the_longest_text_holds_for_our_own_tables(tmp_path, table):
    path = put(tmp_path, f"{table}/a.parquet", parquet(own(None)[table]))
    assert len(read(path, ReadOptions(max_line_bytes=3))[0]) == 1
    [block] = blocks(path, ReadOptions(max_line_bytes=2))[-1:]
    assert [(bad.reason, bad.raw, bad.num_bytes) for bad in block.bad] == [("line_too_long", b"\xea\xb0", 3)]
    assert (block.texts, block.source) == ([], "data" if table == "data" else "web")


def test_other_tables_with_a_text_are_no_rejects(tmp_path):
    table = rejects_table(ROWS[:1]).drop_columns(["start"])
    sink = io.BytesIO()
    pq.write_table(table, sink)
    [file] = find_inputs([put(tmp_path, "a.parquet", sink.getvalue())], lambda _: ReadOptions()).files
    [block] = blocks(file.path)
    assert '"reason":"too_short"' in block.metas[0]
