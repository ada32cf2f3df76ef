"""JSON of any shape is read as Python reads it whole, in pieces of any size; a fault costs what follows it."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.raw.compression import CORRUPT, DamagedFileError
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.json_lines import whole
from malmoi_pipelines.raw.json_text import JsonFaultError, JsonText, ValueTooLongError
from malmoi_pipelines.raw.tasks import plan_tasks

from tests.pipelines.raw.raw_files import COMPRESS, blocks, find, put, read, rows

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), words)
values = st.recursive(leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(words, v, max_size=4), max_leaves=12)
layouts = st.sampled_from([{}, {"indent": 1}, {"ensure_ascii": False}, {"separators": (",", ":")}])
sizes = st.integers(1, 40)


def pieces(data, size):
    return iter([data[start : start + size] for start in range(0, len(data), size)])


def text_of(data, size=7, limit=1 << 20):
    return JsonText(pieces(data, size), limit)


def items(text):
    """The items of a list, and the fault that ends it."""
    found = []
    try:
        text.take("[")
        found.append(text.value())
        while text.take(",]") == ",":
            found.append(text.value())
    except JsonFaultError as fault:
        return found, fault
    return found, None


@settings(max_examples=300)
@given(value=st.lists(values, min_size=1, max_size=5), layout=layouts, size=sizes, mark=st.booleans())
@example(value=[-0.5e-7, 1e300, 12345678901234567890123], layout={}, size=1, mark=True)
@example(value=["\\", '"', "\\u", "\ud7a3", "\U0001f600"], layout={}, size=1, mark=False)
def test_it_is_read_as_python_reads_it_whole(value, layout, size, mark):
    data = (b"\xef\xbb\xbf" if mark else b"") + json.dumps(value, **layout).encode() + b"\n"
    text = text_of(data, size)
    assert items(text) == (value, None)
    assert text.peek() == ""


@settings(max_examples=300)
@given(value=st.lists(values, min_size=1, max_size=5), layout=layouts, size=sizes, at=st.integers(0, 10**6))
def test_what_stands_before_a_cut_is_kept(value, layout, size, at):
    data = json.dumps(value, **layout).encode()
    cut = data[: at % len(data)]
    found, fault = items(text_of(cut, size))
    assert fault is not None
    assert fault.reason in ("truncated_file", "invalid_utf8", "broken_json")  # the last: a literal cut short
    assert fault.byte <= len(cut)
    numbers = [n for n in found if isinstance(n, (int, float))]  # a number may be cut short and still be one
    assert found == value[: len(found)] or (numbers and found[:-1] == value[: len(found) - 1])


@pytest.mark.parametrize("size", [1, 3, 50, 1000])
@pytest.mark.parametrize(
    ("bad", "reason", "at"),
    [
        (b'{"a": (x)}', "broken_json", 6),
        (b"{'a': 1}", "broken_json", 1),
        (b'{"a" 1}', "broken_json", 5),
        (b"tru", "broken_json", 0),
        (b'"\xff"', "invalid_utf8", 1),
        (b'"\\x"', "broken_json", 1),
    ],
)
def test_a_fault_is_told_with_its_byte(bad, reason, at, size):
    before = '[{"글": "가나다"}, '.encode()
    found, fault = items(text_of(before + bad + b', {"t": "' + b"x" * 100 + b'"}]', size))
    assert found == [{"글": "가나다"}]
    assert (fault.reason, fault.byte) == (reason, len(before) + at)


@given(value=values, size=sizes, quote=words)
def test_a_value_that_is_too_long_is_passed_over(value, size, quote):
    long = {"x": ["가" * 50, {"]": '"}\\', "q": quote}], "y": value}
    text = text_of(json.dumps([1, long, 2], ensure_ascii=False).encode(), size, limit=100)
    text.take("[")
    assert text.value() == 1
    text.take(",")
    with pytest.raises(ValueTooLongError):
        text.value()
    text.take(",")
    assert text.value() == 2


def test_json_as_python_and_pandas_write_it(tmp_path):
    path = put(tmp_path, "news/a.json", b'[{"text": "\xed\x95\x9c\\ud83d", "n": NaN}, {"text": "a\nb", "id": 1.0}]')
    documents, bad = read(path)
    assert bad == []
    assert [(text, meta) for _, _, text, meta, _ in documents] == [("한", '{"n":null}'), ("a\nb", None)]
    assert whole(json.loads('"\\ud83d"')) == ""


NIKL = {
    "id": "N1",
    "document": [
        {"id": "N1.1", "metadata": {"date": "2018"}, "paragraph": [{"form": "첫째"}, {"form": "둘째"}]},
        {"id": "N1.2", "metadata": {"date": "2019"}, "utterance": [{"form": "말", "speaker": "1"}]},
    ],
    "metadata": {"title": "말뭉치"},
}
NIKL_TEXT = {"first": ["paragraph[*].form", "utterance[*].form"]}
SQUAD = {
    "version": "1",
    "data": [{"title": "ㄱ", "paragraphs": [{"context": "가"}, {"context": "나"}]}, {"title": "ㄴ"}],
}


def documents_of(path, block_bytes=1 << 20, **options):
    found, bad = rows(blocks(path, ReadOptions(**options), block_bytes))
    return [(text, meta) for _, _, text, meta, _ in found], bad


@pytest.mark.parametrize("suffix", list(COMPRESS))
@pytest.mark.parametrize("layout", [{}, {"indent": 4}, {"ensure_ascii": False}])
def test_records_are_found_in_a_tree_with_what_is_around_them(tmp_path, suffix, layout):
    columns = {"text": NIKL_TEXT, "meta": {"date": "metadata.date", "file": "^.metadata.title"}}
    path = put(tmp_path, f"nikl/a.json{suffix}", COMPRESS[suffix](json.dumps(NIKL, **layout).encode()))
    found = documents_of(path, records="document[*]", columns=columns)
    assert found == (
        [("첫째\n둘째", '{"date":"2018","file":"말뭉치"}'), ("말", '{"date":"2019","file":"말뭉치"}')],
        [],
    )


@pytest.mark.parametrize("block_bytes", [1, 1 << 20])
def test_records_inside_of_items_and_a_place_that_is_not_there(tmp_path, block_bytes):
    path = put(tmp_path, "squad/a.json", json.dumps(SQUAD).encode())
    columns = {"text": "context", "meta": {"title": "^.title", "version": "^.^.version"}}
    found = documents_of(path, block_bytes, records="data[*].paragraphs[*]", columns=columns)
    assert found[0] == [("가", '{"title":"ㄱ","version":"1"}'), ("나", '{"title":"ㄱ","version":"1"}')]
    assert [(line, reason) for line, reason, _ in found[1]] == [(3, "missing_records")]


@pytest.mark.parametrize("records", ["docs", "docs[*]", "a.b", "data[*].docs"])
def test_records_that_are_nowhere_are_a_failure_and_none_that_are_empty(tmp_path, records):
    path = put(tmp_path, "squad/a.json", json.dumps(SQUAD).encode())
    reasons = [reason for _, reason, _ in documents_of(path, records=records)[1]]
    assert set(reasons) == {"missing_records"}
    empty = put(tmp_path, "squad/b.json", b'{"docs": [], "a": {"b": []}, "data": [{"docs": []}]}')
    assert documents_of(empty, records=records) == ([], [])


def test_a_list_of_texts_and_values_behind_each_other(tmp_path):
    path = put(tmp_path, "a/texts.json", '["가", "나"]'.encode())
    assert documents_of(path, columns={"text": "."}) == ([("가", None), ("나", None)], [])
    assert [reason for _, reason, _ in documents_of(path)[1]] == ["not_an_object"] * 2
    path = put(tmp_path, "b/pretty.json", '{\n "text": "가"\n}\n{\n "text": "나"\n}\n'.encode())
    assert documents_of(path) == ([("가", None), ("나", None)], [])


def test_json_lines_called_json_are_cut_between_workers_and_lose_bad_lines_only(tmp_path):
    lines = b'{"text": "1"}\nbroken\n' + b'{"text": "22222"}\n' * 500
    path = put(tmp_path, "a/lines.json", lines)
    assert len(plan_tasks(find(path), 1000, lambda _: ReadOptions())) > 5
    found, bad = rows(blocks(path, ReadOptions(), of=4))
    assert (len(found), [reason for _, reason, _ in bad]) == (501, ["broken_json"])
    array = put(tmp_path, "b/array.json", b'[\n{"text": "1"},\n' + b'{"text": "2"},\n' * 500 + b'{"text": "3"}]')
    assert len(plan_tasks(find(array), 1000, lambda _: ReadOptions())) == 1
    assert len(documents_of(array)[0]) == 502


def test_records_in_each_line_of_json_lines(tmp_path):
    path = put(tmp_path, "a/trees.jsonl", b'{"d": [{"text": "1"}, {"text": "2"}]}\n{"d": [{"text": "3"}]}\n')
    assert documents_of(path, records="d[*]") == ([("1", None), ("2", None), ("3", None)], [])
    assert len(plan_tasks(find(path, ReadOptions(records="d")), 1, lambda _: ReadOptions(records="d"))) == 1


@pytest.mark.parametrize("records", [None, "d[*]"])
def test_a_fault_keeps_what_is_before_it_and_is_one_failure_at_its_byte(tmp_path, records):
    head = b'{"d": [' if records else b"["
    data = head + b'{"text": "1"},\n{"text": (x)},\n{"text": "3"}]'
    path = put(tmp_path, "a/b.json", data)
    found = blocks(path, ReadOptions(records=records))
    assert [text for block in found for text in block.texts] == ["1"]
    [(start, bad)] = [(block.start, bad) for block in found for bad in block.bad]
    assert (start, bad.reason, bad.raw) == (data.index(b"(x)"), "broken_json", data[data.index(b'{"text": (x)') :])
    with pytest.raises(BadInputError, match="broken_json"):
        blocks(path, ReadOptions(records=records, on_bad_file="fail"))


def test_a_damaged_stream_keeps_what_could_be_unfolded(tmp_path):
    def chunks():
        yield b'[{"a": 1}, {"a":'
        raise DamagedFileError(CORRUPT)

    found, fault = items(JsonText(chunks(), 100))
    assert (found, fault.reason, fault.byte) == ([{"a": 1}], CORRUPT, 16)


def test_memory_is_that_of_one_record(tmp_path):
    record = json.dumps({"text": "가나다라" * 50}).encode()
    text = JsonText((b"[" + record if n == 0 else b"," + record for n in range(20_000)), 1 << 20)
    text.take("[")
    longest = 0
    for _ in range(19_999):
        text.value()
        text.take(",")
        longest = max(longest, len(text._window))
    assert longest < 8 * len(record)
