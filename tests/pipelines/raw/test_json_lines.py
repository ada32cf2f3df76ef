"""Parsing many lines at once gives what parsing each alone gives."""

import json

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.fields import Fields
from malmoi_pipelines.raw.json_lines import SEPARATOR, _add, _add_line, parse_line, parse_together
from malmoi_pipelines.raw.rows import RawBlock

from tests.strategies import texts

values = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False, allow_infinity=False), texts, st.just([1])
)
names = st.sampled_from(["id", "source", "text", "page", "제목"])
regular = st.fixed_dictionaries({"text": texts}, optional={"id": texts, "source": texts, "page": values})
records = st.one_of(regular, st.fixed_dictionaries({"text": texts, "id": st.integers(0, 9)}))
FRAGMENTS = [b"", b" ", b"{", b"[1", b"2]", b"1,2", b'"a', b'b"', b"null", b'{"text": "\xff"}', b'{"text": "a"}\r']
TOGETHER_ONLY = [b'{"text":"a"},{"text":"b"}', b'{"x":[{}', b"{}]}", b"%d" % SEPARATOR, b"7.43519028461e11"]
fragments = st.sampled_from([*FRAGMENTS, *TOGETHER_ONLY])
good_lines = st.lists(records.map(orjson.dumps), max_size=12)
any_lines = st.lists(
    st.one_of(records.map(orjson.dumps), st.dictionaries(names, values).map(orjson.dumps), fragments), max_size=12
)


def fields_of(**columns):
    return Fields(ReadOptions(columns=columns))


FIELDS = [fields_of(), fields_of(text="제목", id=None), fields_of(source=None, meta={"p": "page", "t": "text"})]


def one_by_one(lines, fields):
    block = RawBlock("a.jsonl", "news")
    for number, line in enumerate(lines, 5):
        _add_line(block, number, line, fields) if line else None
    return block


def together(lines, fields):
    block = RawBlock("a.jsonl", "news")
    _add(block, 5, lines, fields)
    return block


@pytest.mark.long
@settings(max_examples=500)
@given(lines=st.one_of(good_lines, any_lines), fields=st.sampled_from(FIELDS))
# Three lines that are three records only together: two in the first, one in the others.
@example(lines=[b'{"text":"a"},{"text":"b"}', b'{"x":[{}', b"{}]}"], fields=FIELDS[0])
@example(lines=[b'{"text":"a"},7.43519028461e11,{"text":"b"}', b'{"x":[{}', b"{}]}"], fields=FIELDS[0])
@example(lines=[b'{"text":"a"},%d,{"text":"b"}' % SEPARATOR, b'{"x":[{}', b"{}]}"], fields=FIELDS[0])
def test_lines_together_are_the_same_documents_as_one_by_one(lines, fields):
    assert together(lines, fields) == one_by_one(lines, fields)


@given(lines=good_lines)
def test_regular_lines_are_parsed_together(lines):
    assert lines == [] or parse_together(lines) == [orjson.loads(line) for line in lines]


@pytest.mark.parametrize("fields", FIELDS)
def test_many_lines_with_a_bad_one_lose_that_one_only(fields):
    lines = [orjson.dumps({"text": f"글 {n}", "제목": f"{n}", "page": n}) for n in range(1000)]
    lines[500] = b"{"
    block = together(lines, fields)
    assert len(block.texts) == 999
    assert [(bad.line, bad.reason) for bad in block.bad] == [(505, "broken_json")]


@pytest.mark.parametrize("fields", FIELDS)
@pytest.mark.parametrize("depth", [253, 254, 300, 900])
@pytest.mark.fault("broken input")
def test_a_line_nested_too_deep_for_its_meta_is_lost_alone(fields, depth):
    deep = b"[" * depth + b"]" * depth
    lines = [b'{"id": %d, "text": "a", "%s": "b", "page": %d}' % (n, "제목".encode(), n) for n in range(9)]
    lines[4] = b'{"id": 4, "text": "a", "%s": "b", "page": %s}' % ("제목".encode(), deep)
    block = together(lines, fields)
    lost = [(9, "unstorable_meta", lines[4])] if depth > 253 else []
    assert [(bad.line, bad.reason, bad.raw) for bad in block.bad] == lost
    assert block.lines == [n for n in range(5, 14) if n != 9 or not lost]
    assert block == one_by_one(lines, fields)


def test_integers_keep_their_digits_up_to_64_bits():
    block = together([b'{"text": "a", "n": %d}' % n for n in (2**64 - 1, -(2**63), 2**64)], fields_of())
    assert block.metas == ['{"n":18446744073709551615}', '{"n":-9223372036854775808}', '{"n":1.8446744073709552e+19}']


def test_only_the_wanted_fields_go_to_meta():
    fields = fields_of(id="key", meta={"쪽": "page", "key": "key", "none": "absent"})
    block = together([b'{"text": "a", "key": 7, "page": [2], "rest": 1}', b'{"text": "b"}'], fields)
    assert block.metas == ['{"key":7,"쪽":[2]}', None]
    assert (block.ids[0], block.given) == ("7", [True, False])


# What Python and pandas write, and the values that it stands for.
LENIENT = {
    '{"text": "글", "score": NaN}': {"text": "글", "score": None},
    '{"text": "글", "scores": [Infinity, -Infinity, 1.5]}': {"text": "글", "scores": [None, None, 1.5]},
    r'{"text": "글 \ud83d"}': {"text": "글 "},
    r'{"text": "\udc00글", "a\ud800": {"b": ["\udfff"]}}': {"text": "글", "a": {"b": [""]}},
    r'{"text": "\ud83d\ude00"}': {"text": "😀"},
}


@pytest.mark.parametrize(("line", "value"), LENIENT.items())
def test_json_as_python_writes_it_is_read(line, value):
    assert parse_line(line.encode()) == value
    block = together([b'{"text": "a"}', line.encode(), b'{"text": "b"}'], fields_of())
    assert block.texts == ["a", value["text"], "b"]
    assert block.bad == []
    "".join(block.texts).encode()  # no halves of pairs


@given(values)
def test_what_pythons_json_writes_is_read_back(value):
    text = json.dumps(value)
    assert json.dumps(parse_line(text.encode())) == text


def test_ids_may_be_floats_as_pandas_makes_them():
    block = together([b'{"id": 1.0, "text": "a"}', b'{"id": 2, "text": "b"}', b'{"id": NaN, "text": "c"}'], fields_of())
    assert block.ids[:2] == ["1.0", "2"]
    assert block.given == [True, True, False]


def test_a_line_nested_too_deep_is_no_json():
    with pytest.raises(ValueError, match="deep"):
        parse_line(b"[" * 100_000 + b"]" * 100_000)
