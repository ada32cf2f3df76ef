"""A path leads where a plain reading of it leads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.raw.config import Columns, ReadOptions
from malmoi_pipelines.raw.field_paths import parse_path, values_at, without
from malmoi_pipelines.raw.fields import Fields
from pydantic import ValidationError

NAMES = ["a", "b", "A", "a.b", "b.a", "글"]
leaves = st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["", "가", "나"]))
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
)
paths = st.lists(st.sampled_from(["a", "b", "글", "[*]"]), min_size=1, max_size=5).map(
    lambda steps: "".join(s if s == "[*]" or n == 0 else f".{s}" for n, s in enumerate(steps))
)


def plainly(text, value):
    """What a path leads to, one character of its rule after the other."""
    if text == "":
        return [value]
    if text.startswith("[*]"):
        items = value if isinstance(value, list) else []
        return [found for item in items for found in plainly(text[3:].removeprefix("."), item)]
    if not isinstance(value, dict):
        return []
    if text in value:
        return [value[text]]
    end = min((i for i in (text.find("."), text.find("[")) if i >= 0), default=len(text))
    name, rest = text[:end], text[end:].removeprefix(".")
    return plainly(rest, value[name]) if name in value else []


@given(text=paths, tree=trees)
def test_it_leads_where_a_plain_reading_leads(text, tree):
    assert values_at(parse_path(text), tree) == plainly(text, tree)


@given(text=paths, tree=st.dictionaries(st.sampled_from(NAMES), trees, max_size=3))
def test_a_record_without_it_leads_nowhere_and_keeps_the_rest(text, tree):
    left = without(tree, parse_path(text))
    if not text.startswith("[*]"):
        first = text.partition("[")[0].partition(".")[0]
        assert {k: v for k, v in left.items() if k not in (first, text)} == {
            k: v for k, v in tree.items() if k not in (first, text)
        }
    if "[*]" not in text:
        assert text in tree or values_at(parse_path(text), left) == []


@pytest.mark.parametrize("name", ["본문[1]", "a..b", "x^2", ".a", "a.", "[0]", "글 [원문]", "a[*]b", ""])
def test_what_is_no_path_is_a_name(name):
    assert values_at(parse_path(name), {name: 1}) == [1]


def test_a_path_climbs_to_the_objects_around():
    around = ({"title": "가까운"}, {"title": "먼"})
    assert values_at(parse_path("^.title"), {"title": "자기"}, around) == ["가까운"]
    assert values_at(parse_path("^.^.title"), {}, around) == ["먼"]
    assert values_at(parse_path("^.^.^.title"), {}, around) == []


def test_names_in_any_case_only_where_asked():
    record = {"Data": {"TEXT": "글"}}
    assert values_at(parse_path("data.text"), record) == []
    assert values_at(parse_path("data.text"), record, any_case=True) == ["글"]
    assert values_at(parse_path("data.text"), {"data": {"text": "이것"}, **record}, any_case=True) == ["이것"]


def take(record, **columns):
    return Fields(ReadOptions(columns=columns)).take(record)


@pytest.mark.parametrize(
    ("record", "text", "expected"),
    [
        ({"t": "가", "b": "나"}, ["t", "b"], "가\n나"),
        ({"t": "", "b": "나"}, ["t", "b"], "나"),
        ({"b": "나"}, ["t", "b"], "나"),
        ({"t": ["가", None, "나"]}, "t", "가\n나"),
        ({"t": [{"f": "가"}, {"g": 1}, {"f": "나"}]}, "t[*].f", "가\n나"),
        ({"u": [{"f": "가"}]}, {"first": ["t[*].f", "u[*].f"]}, "가"),
        ({"t": [], "u": [{"f": "가"}]}, {"first": ["t[*].f", "u[*].f"]}, "가"),
        ({"t": ""}, "t", ""),
        ({"t": None}, "t", None),
        ({}, "t", None),
        ({"t": 3}, "t", 3),
        ({"t": ["가", 3]}, "t", 3),
        ({"t": [["가"]]}, "t[*]", "가"),
    ],
)
def test_parts_of_a_text_are_joined_and_what_is_no_text_is_told(record, text, expected):
    assert take(record, text=text).text == expected


def test_what_a_column_takes_does_not_go_to_meta():
    record = {"m": {"id": "1", "day": 2}, "p": [{"f": "가"}], "x": 3}
    assert take(record, text="p[*].f", id="m.id").meta == {"m": {"day": 2}, "x": 3}
    assert take(record, text="p[*].f", id="m.id", meta={"d": "m.day", "f": "p[*].f", "n": "no"}).meta == {
        "d": 2,
        "f": ["가"],
    }
    assert record == {"m": {"id": "1", "day": 2}, "p": [{"f": "가"}], "x": 3}


@pytest.mark.parametrize("text", [[], {"first": []}, {"frist": ["a"]}, ["a", "a"], 3])
def test_columns_that_mean_nothing_are_refused(text):
    with pytest.raises(ValidationError):
        Columns(text=text)
