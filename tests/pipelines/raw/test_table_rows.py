"""Values of Parquet and Arrow that Python cannot hold cost no more than their row."""

import orjson
import pyarrow as pa
import pytest
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.fields import Fields
from malmoi_pipelines.raw.rows import RawBlock

from tests.pipelines.raw.raw_files import arrow, blocks, parquet, put, read, texts

FILES = {"a.parquet": parquet, "a.arrow": arrow}
OUT_OF_RANGE = [
    ([0, 10**18], pa.timestamp("us"), "1970-01-01T00:00:00", "<value out of range: 1000000000000000000>"),
    ([0, 10**7], pa.date32(), "1970-01-01", "29349-01-26"),
    ([0, 10**18], pa.duration("s"), "0:00:00", "1000000000000000000"),
    ([None, 10**6], pa.timestamp("us", "Foo/Bar"), None, "1970-01-01 00:00:01.000000Z"),
]


@pytest.mark.parametrize("name", list(FILES))
@pytest.mark.parametrize(("values", "type_", "good", "far"), OUT_OF_RANGE, ids=str)
def test_what_python_has_no_value_for_goes_to_meta_as_its_text(tmp_path, name, values, type_, good, far):
    column = pa.array([values[0], values[0], values[1], values[0]], type_)
    table = pa.table({"text": ["가", "나", "다", "라"], "when": column})
    documents, bad = read(put(tmp_path, name, FILES[name](table)))
    assert ([row[2] for row in documents], bad) == (["가", "나", "다", "라"], [])
    assert [orjson.loads(row[3])["when"] for row in documents] == [good, good, far, good]


@pytest.mark.parametrize("name", list(FILES))
def test_a_nested_value_that_python_cannot_hold_costs_its_row_if_it_is_wanted(tmp_path, name):
    dates = pa.array([[0], [0, 10**18], None], pa.list_(pa.timestamp("us")))
    path = put(tmp_path, name, FILES[name](pa.table({"text": ["가", "나", "다"], "dates": dates, "page": [1, 2, 3]})))
    documents, bad = read(path)
    assert ([row[2] for row in documents], bad) == (["가", "다"], [(2, "unstorable_meta", 0)])
    assert texts(path, ReadOptions(columns={"meta": {"d": "dates"}})) == ["가", "다"]
    assert [row[3] for row in read(path, ReadOptions(columns={"meta": {"p": "page"}}))[0]] == [
        '{"p":1}', '{"p":2}', '{"p":3}'
    ]  # fmt: skip


@pytest.mark.parametrize("field", ["text", "id", "source"])
def test_a_date_out_of_range_becomes_no_text_id_or_source(tmp_path, field):
    columns = {"text": ["가", "나"], field: pa.array([None, 10**18], pa.timestamp("us"))}
    _, bad = read(put(tmp_path, "a.parquet", parquet(pa.table(columns))))
    assert (2, "unstorable_meta", 0) in bad


def test_rows_nested_too_deep_for_json_are_rejected_alone():
    deep = orjson.loads("[" * 300 + "]" * 300)
    for texts_ in (["가", "나", "다"], ["가", "나", None]):
        block = RawBlock("a.parquet", "news")
        block.add_records(
            [1, 2, 3],
            [{"text": t, "v": v} for t, v in zip(texts_, [1, deep, deep], strict=True)],
            [None] * 3,
            Fields(ReadOptions()),
        )
        assert (block.texts, block.metas) == (["가"], ['{"v":1}'])
        reasons = ["unstorable_meta", "unstorable_meta" if texts_[2] else "missing_text"]
        assert [(bad.reason, bad.raw) for bad in block.bad] == [(reason, None) for reason in reasons]


@pytest.mark.parametrize("name", list(FILES))
@pytest.mark.parametrize("twice", ["text", "page"])
def test_two_columns_of_the_same_name_are_an_error_that_names_them(tmp_path, name, twice):
    table = pa.table([["a"], ["b"], ["c"]], names=["text", "page", twice])
    with pytest.raises(BadInputError, match=rf"{name} has two columns '{twice}'"):
        read(put(tmp_path, name, FILES[name](table)))


TYPES = [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int8(), pa.string())]


@pytest.mark.parametrize("type_", TYPES, ids=str)
def test_a_text_longer_than_a_row_may_be_is_rejected_with_its_beginning(tmp_path, type_):
    table = pa.table({"text": pa.array(["가" * 10, "가" * 11, "x" * 31, "나", None]).cast(type_)})
    path = put(tmp_path, "a.arrow", arrow(table))
    [block] = blocks(path, ReadOptions(max_line_bytes=30))
    assert (block.texts, block.lines) == (["가" * 10, "나"], [1, 4])
    assert [(bad.line, bad.reason, bad.raw, bad.num_bytes) for bad in block.bad][:2] == [
        (2, "line_too_long", "가".encode() * 10, 33),
        (3, "line_too_long", b"x" * 30, 31),
    ]
    assert [(bad.line, bad.reason) for bad in block.bad][2:] == [(5, "missing_text")]
    for one in range(4):  # however few bytes of its batch are the row's own
        assert len(texts(put(tmp_path, "b.arrow", arrow(table.slice(one, 1))), ReadOptions(max_line_bytes=30))) == (
            one in (0, 3)
        )
