"""Arrow files and streams, saved datasets, and columns of every type that can hold text."""

import datetime
import decimal
import io

import orjson
import pyarrow as pa
import pyarrow.feather
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.raw.arrow_footer import batch_offsets, batch_rows
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.rows import derived_id

from tests.pipelines.raw.raw_files import blocks, put, read, texts
from tests.strategies import texts as text_strategy

WRITERS = {"file": pa.ipc.new_file, "stream": pa.ipc.new_stream}


def arrow(table, kind="file", rows=100, **options):
    sink = io.BytesIO()
    with WRITERS[kind](sink, table.schema, **options) as writer:
        writer.write_table(table, max_chunksize=rows)
    return sink.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("arrow")


@pytest.mark.parametrize("kind", list(WRITERS))
@settings(max_examples=40)
@given(rows=st.lists(text_strategy, max_size=20), batch=st.integers(1, 9), block_bytes=st.integers(1, 300))
def test_arrow_round_trip(folder, kind, rows, batch, block_bytes):
    table = pa.table({"id": [f"n{n}" for n in range(len(rows))], "text": pa.array(rows, pa.string())})
    path = put(folder, "news/a.arrow", arrow(table, kind, batch))
    expected = [(f"n{n}", "news", text, None, n + 1) for n, text in enumerate(rows)]
    assert read(path, block_bytes=block_bytes) == (expected, [])


def test_feather_is_an_arrow_file(tmp_path):
    pyarrow.feather.write_feather(pa.table({"text": ["가", "나"]}), tmp_path / "a.feather", compression="zstd")
    assert texts(tmp_path / "a.feather") == ["가", "나"]


def test_saved_datasets_are_read_with_all_their_splits(tmp_path):
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_dict({"text": [f"글 {n}" for n in range(9)], "page": list(range(9))})
    splits = datasets.DatasetDict({"train": rows.select(range(6)), "test": rows.select(range(6, 9))})
    splits.save_to_disk(str(tmp_path / "raw/nsmc"), num_shards={"train": 2, "test": 1})
    documents, bad = read(tmp_path / "raw")
    assert sorted(text for _, _, text, _, _ in documents) == [f"글 {n}" for n in range(9)]
    assert ({source for _, source, _, _, _ in documents}, bad) == ({"nsmc"}, [])


TEXT_TYPES = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.binary(),
    pa.large_binary(),
    pa.binary_view(),
    pa.dictionary(pa.int8(), pa.string()),
]


@pytest.mark.parametrize("kind", list(WRITERS))
@pytest.mark.parametrize("type_", TEXT_TYPES, ids=str)
def test_text_may_be_of_any_type_that_holds_it(tmp_path, kind, type_):
    values = pa.array(["가", None, "나"]).cast(type_)
    table = pa.table({"text": values, "id": pa.array(["x", "y", None]).cast(type_)})
    documents, bad = read(put(tmp_path, "news/a.arrow", arrow(table, kind)))
    assert [(i, text, line) for i, _, text, _, line in documents] == [
        ("x", "가", 1),
        (derived_id("news", "나"), "나", 3),
    ]
    assert [(line, reason) for line, reason, _ in bad] == [(2, "missing_text")]


@pytest.mark.parametrize("type_", [pa.string(), pa.binary(), pa.large_binary()], ids=str)
def test_text_that_is_not_utf8_is_rejected(tmp_path, type_):
    column = pa.array([b"good", b"bad \xff", b"fine"], pa.binary())
    column = column.view(type_) if type_ == pa.string() else column.cast(type_)
    documents, bad = read(put(tmp_path, "a.arrow", arrow(pa.table({"text": column}))))
    assert ([text for _, _, text, _, _ in documents], bad) == (["good", "fine"], [(2, "invalid_utf8", 0)])


def test_columns_of_any_type_go_to_meta(tmp_path):
    table = pa.table(
        {
            "id": [1, 2],
            "text": ["가", "나"],
            "when": [datetime.datetime(2024, 1, 2, 3, tzinfo=datetime.UTC)] * 2,
            "price": [decimal.Decimal("1.50")] * 2,
            "hash": [b"\x01\xff"] * 2,
            "took": [datetime.timedelta(seconds=90)] * 2,
        }
    )
    path = put(tmp_path, "shop/a.arrow", arrow(table))
    meta = '{"hash":"01ff","price":"1.50","took":"0:01:30","when":"2024-01-02T03:00:00+00:00"}'
    assert [row[:4] for row in read(path)[0]] == [("1", "shop", "가", meta), ("2", "shop", "나", meta)]
    wanted = ReadOptions(columns={"meta": {"원": "price"}})
    assert [orjson.loads(row[3]) for row in read(path, wanted)[0]] == [{"원": "1.50"}] * 2


TABLE = pa.table({"text": [f"글 {n} " + "가나다" * 20 for n in range(1000)]})


@pytest.mark.parametrize("kind", list(WRITERS))
@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_a_cut_file_keeps_its_whole_batches_and_says_so(tmp_path, kind, compression, share):
    data = arrow(TABLE, kind, options=pa.ipc.IpcWriteOptions(compression=compression))
    path = put(tmp_path, "a.arrow", data[: int(len(data) * share)])
    documents, bad = read(path)
    assert [reason for _, reason, _ in bad] == ["truncated_file"]
    assert bad[0][0] == len(documents) + 1
    assert len(documents) % 100 == 0
    assert share * 1000 - 200 < len(documents) <= 1000
    with pytest.raises(BadInputError, match=r"a\.arrow is damaged"):
        read(path, ReadOptions(on_bad_file="fail"))


@pytest.mark.fault("broken input")
def test_a_damaged_batch_of_a_file_costs_its_own_rows(tmp_path):
    data = bytearray(arrow(TABLE, options=pa.ipc.IpcWriteOptions(compression="zstd")))
    offsets = batch_offsets(io.BytesIO(bytes(data)))
    data[offsets[4] + 300 : offsets[4] + 500] = b"\xff" * 200
    data[offsets[7] : offsets[7] + 100] = b"\xff" * 100  # its message, too, which says how many rows it has
    path = put(tmp_path, "a.arrow", bytes(data))
    lost = [(offsets[4], line, "corrupt_file") for line in range(1, 101)] + [(offsets[7], 1, "corrupt_file")]
    for of in (1, 3, 10):
        found = blocks(path, of=of)
        assert [text for b in found for text in b.texts] == [
            text for n, text in enumerate(TABLE["text"].to_pylist()) if n // 100 not in (4, 7)
        ]
        assert [(b.start, bad.line, bad.reason) for b in found for bad in b.bad] == lost
    behind = [(b.start, line) for b in blocks(path) for line in b.lines][400:500]
    assert behind == [(offsets[5], line) for line in range(1, 101)]
    with pytest.raises(BadInputError, match=r"a\.arrow is damaged"):
        read(path, ReadOptions(on_bad_file="fail"))


@settings(max_examples=40)
@given(counts=st.lists(st.integers(1, 300), min_size=1, max_size=5), cut=st.integers(0, 200), byte=st.integers(0, 255))
def test_the_rows_of_a_batch_are_known_from_its_message_or_not_at_all(counts, cut, byte):
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, pa.schema({"n": pa.int64(), "text": pa.string()})) as writer:
        for count in counts:
            writer.write_batch(pa.record_batch([pa.array(range(count)), ["글"] * count], names=["n", "text"]))
    offsets = batch_offsets(sink)
    assert [batch_rows(sink, offset) for offset in offsets] == counts
    sink.seek(offsets[-1] + cut)
    sink.write(bytes([byte]) * 9)
    found = batch_rows(sink, offsets[-1])
    # Both places that say it cannot have been hit by nine equal bytes and still agree on another number.
    assert found in (None, counts[-1])


@pytest.mark.fault("broken input")
def test_a_damaged_batch_of_a_stream_keeps_those_before_it(tmp_path):
    data = bytearray(arrow(TABLE, "stream", options=pa.ipc.IpcWriteOptions(compression="zstd")))
    middle = len(data) // 2
    data[middle : middle + 300] = b"\xff" * 300
    documents, bad = read(put(tmp_path, "a.arrow", bytes(data)))
    assert 300 <= len(documents) <= 500
    assert [(line, reason) for line, reason, _ in bad] == [(len(documents) + 1, "corrupt_file")]


@pytest.mark.parametrize("data", [b"rubbish" * 100, b"FEA1" + bytes(100), b"ARROW1"])
def test_what_is_no_arrow_is_one_failure(tmp_path, data):
    documents, bad = read(put(tmp_path, "a.arrow", data))
    assert (documents, len(bad)) == ([], 1)


@pytest.mark.parametrize("kind", list(WRITERS))
def test_a_missing_text_column_names_those_there_are(tmp_path, kind):
    path = put(tmp_path, "a.arrow", arrow(pa.table({"body": ["x"]}), kind))
    with pytest.raises(BadInputError, match=r"no column 'text'.*body"):
        read(path)
    assert read(put(tmp_path, "b.arrow", b"")) == ([], [])


def test_a_large_batch_is_given_in_blocks(tmp_path):
    path = put(tmp_path, "a.arrow", arrow(TABLE, rows=1000))
    sizes = [sum(len(text.encode()) for text in block.texts) for block in blocks(path, block_bytes=10_000)]
    assert len(sizes) > 10
    assert max(sizes) <= 10_000
