"""Parsing many lines at once gives what parsing each alone gives."""

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from malmoi_pipelines.raw.config import Columns
from malmoi_pipelines.raw.json_lines import SEPARATOR, _add, _add_line, parse_together
from malmoi_pipelines.raw.rows import RawBlock

from tests.strategies import texts

values = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False), texts, st.just([1]))
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
COLUMNS = [Columns(), Columns(text="제목", id=None), Columns(source=None, meta={"p": "page", "t": "text"})]


def one_by_one(lines, columns):
    block = RawBlock("a.jsonl", "news")
    for number, line in enumerate(lines, 5):
        _add_line(block, number, line, columns) if line else None
    return block


def together(lines, columns):
    block = RawBlock("a.jsonl", "news")
    _add(block, 5, lines, columns)
    return block


@pytest.mark.long
@settings(max_examples=500)
@given(lines=st.one_of(good_lines, any_lines), columns=st.sampled_from(COLUMNS))
# Three lines that are three records only together: two in the first, one in the others.
@example(lines=[b'{"text":"a"},{"text":"b"}', b'{"x":[{}', b"{}]}"], columns=COLUMNS[0])
@example(lines=[b'{"text":"a"},7.43519028461e11,{"text":"b"}', b'{"x":[{}', b"{}]}"], columns=COLUMNS[0])
@example(lines=[b'{"text":"a"},%d,{"text":"b"}' % SEPARATOR, b'{"x":[{}', b"{}]}"], columns=COLUMNS[0])
def test_lines_together_are_the_same_documents_as_one_by_one(lines, columns):
    assert together(lines, columns) == one_by_one(lines, columns)


@given(lines=good_lines)
def test_regular_lines_are_parsed_together(lines):
    assert lines == [] or parse_together(lines) == [orjson.loads(line) for line in lines]


@pytest.mark.parametrize("columns", COLUMNS)
def test_many_lines_with_a_bad_one_lose_that_one_only(columns):
    lines = [orjson.dumps({"text": f"글 {n}", "제목": f"{n}", "page": n}) for n in range(1000)]
    lines[500] = b"{"
    block = together(lines, columns)
    assert len(block.texts) == 999
    assert [(bad.line, bad.reason) for bad in block.bad] == [(505, "broken_json")]


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("depth", [253, 254, 300, 900])
@pytest.mark.fault("broken input")
def test_a_line_nested_too_deep_for_its_meta_is_lost_alone(columns, depth):
    deep = b"[" * depth + b"]" * depth
    lines = [b'{"id": %d, "text": "a", "%s": "b", "page": %d}' % (n, "제목".encode(), n) for n in range(9)]
    lines[4] = b'{"id": 4, "text": "a", "%s": "b", "page": %s}' % ("제목".encode(), deep)
    block = together(lines, columns)
    lost = [(9, "unstorable_meta", lines[4])] if depth > 253 else []
    assert [(bad.line, bad.reason, bad.raw) for bad in block.bad] == lost
    assert block.lines == [n for n in range(5, 14) if n != 9 or not lost]
    assert block == one_by_one(lines, columns)


def test_integers_keep_their_digits_up_to_64_bits():
    block = together([b'{"text": "a", "n": %d}' % n for n in (2**64 - 1, -(2**63), 2**64)], Columns())
    assert block.metas == ['{"n":18446744073709551615}', '{"n":-9223372036854775808}', '{"n":1.8446744073709552e+19}']


def test_only_the_wanted_fields_go_to_meta():
    columns = Columns(id="key", meta={"쪽": "page", "key": "key", "none": "absent"})
    block = together([b'{"text": "a", "key": 7, "page": [2], "rest": 1}', b'{"text": "b"}'], columns)
    assert block.metas == ['{"key":7,"쪽":[2]}', None]
    assert (block.ids[0], block.given) == ("7", [True, False])
