import json
import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.clean.meta import mask_metas
from malmoi_pipelines.pii.json_line import mask_line
from malmoi_pipelines.text.pii import PiiOptions, find_spans, mask

OPTIONS = PiiOptions()
PHONE = "010-1234-5678"
STRINGS = st.lists(
    st.sampled_from(
        ["전화 ", PHONE, "900101-1234568", '"', "\\", "/", "\n", "😀", "é", "id", "{", "]", "02/345-6789", "\ud800"]
    )
).map("".join)
RRN = 9001011234568
NUMBERS = st.integers() | st.sampled_from([RRN, -RRN, 20240115, 1012345678])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False, allow_infinity=False) | STRINGS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.dictionaries(st.sampled_from(["id", "source", "text", "meta", "n"]) | STRINGS, VALUES, max_size=5)


def encodable(value):
    """Whether orjson writes it, and so clean's meta can hold it: no lone surrogates, no integers beyond 64 bits."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def masked_value(value, key=""):
    """The reference: decode, mask behind the key, and compare values."""
    if isinstance(value, dict):
        return {name: masked_value(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [masked_value(inner, key) for inner in value]
    if type(value) not in (str, int):
        return value
    label = f"{key.replace('_', ' ')} " if key and len(key) <= 20 and not re.search("[0-9]", key) else ""
    spans = [span for span in find_spans(f"{label}{value}", OPTIONS) if span.start >= len(label)]
    return mask(f"{label}{value}", spans).removeprefix(label) if spans else value


@pytest.mark.long
@given(RECORDS, st.booleans(), st.sampled_from([None, (",", ":"), (" , ", " : ")]))
def test_values_are_those_of_masking_each_string(record, ascii_only, separators):
    line = json.dumps(record, ensure_ascii=ascii_only, separators=separators)
    result = mask_line(line, OPTIONS)
    expected = {key: value if key in ("id", "source") else masked_value(value, key) for key, value in record.items()}
    assert json.loads(result.text) == expected
    assert result.is_json
    if not result.spans:
        assert result.text == line
    assert mask_line(result.text, OPTIONS).spans == []


def test_all_bytes_outside_of_masked_numbers_stay():
    line = (
        r'{ "b":1.50,"a" : 1E3, "a": 2, "big": 123456789012345678901234567890, "t": "\uc804\ud654 \"010\u002d1234'
        r'-5678\" \ud83d\ude00 02\/345-6789 \/"}'
    )
    expected = line.replace(r"010\u002d1234-5678", "<|tell|>").replace(r"02\/345-6789", "<|tell|>")
    assert mask_line(line, OPTIONS).text == expected


def test_a_registration_number_that_is_a_number_is_masked_as_clean_masks_it():
    record = {"id": RRN, "n": RRN, "m": {"a": [RRN, 1.5, {"b": -RRN}]}, "x": f"주민번호 {RRN}", "y": 9001011234568.5}
    line = orjson.dumps(record, option=orjson.OPT_SORT_KEYS).decode()
    result = mask_line(line, OPTIONS, keep=())
    assert json.loads(result.text)["m"] == {"a": ["<|rrn|>", 1.5, {"b": "-<|rrn|>"}]}
    assert mask_metas([line], OPTIONS) == [(result.text, result.spans)]
    assert len(mask_line(line, OPTIONS).left) == 1


@pytest.mark.long
@given(st.dictionaries(STRINGS, VALUES.filter(encodable), max_size=5).filter(encodable))
def test_meta_and_line_are_masked_by_the_same_walker(record):
    line = orjson.dumps(record, option=orjson.OPT_SORT_KEYS).decode()
    assert mask_metas([line], OPTIONS)[0][0] == mask_line(line, OPTIONS, keep=()).text


def test_an_escaped_slash_inside_of_a_number_does_not_hide_it():
    assert mask_line(r'{"t": "031-345-6789\/010-1234-5678"}', OPTIONS).text == r'{"t": "<|tell|>\/<|tell|>"}'


def test_kept_fields_and_keys_stay_and_what_is_in_them_is_told():
    line = json.dumps({"id": PHONE, "source": {"x": [PHONE]}, PHONE: "a", "m": {"id": PHONE, "source": PHONE}})
    result = mask_line(line, OPTIONS)
    assert json.loads(result.text) == {
        "id": PHONE,
        "source": {"x": [PHONE]},
        PHONE: "a",
        "m": {"id": "<|tell|>", "source": "<|tell|>"},
    }
    assert (len(result.left), len(result.spans)) == (3, 2)
    assert mask_line(line, OPTIONS, keep=()).text.count(PHONE) == 1


@pytest.mark.parametrize(
    "line", ["전화 010-1234-5678", '{"text": "010-1234-5678"', "[" * 3000 + '"010-1234-5678"', '{"a": 010-1234-5678}']
)
def test_what_is_no_json_is_masked_as_text(line):
    result = mask_line(line, OPTIONS)
    assert not result.is_json
    assert result.text == line.replace(PHONE, "<|tell|>")


@pytest.mark.parametrize(
    "line",
    [
        '"010-1234-5678"',
        '["010-1234-5678", {"id": "010-1234-5678"}]',
        '\ufeff{"t": "010-1234-5678"}',
        '{"x": NaN, "t": "010-1234-5678"}',
        '{"x": "\\ud800", "t": "010-1234-5678"}',
    ],
)
def test_any_json_is_masked_string_by_string(line):
    result = mask_line(line, OPTIONS)
    assert result.is_json
    assert result.text == line.replace(PHONE, "<|tell|>")


KEYED = [
    ('{"계좌번호": "123456-01-234567"}', '{"계좌번호": "<|acc|>"}'),
    ('{"account_number": "12345678"}', '{"account_number": "<|acc|>"}'),
    ('{"계좌": {"번호": 1, "통장": [12345678, "98765432"]}}', '{"계좌": {"번호": 1, "통장": ["<|acc|>", "<|acc|>"]}}'),
    ('{"전화번호": "345-6789"}', '{"전화번호": "<|tell|>"}'),
    ('{"주민등록번호": 8503121234567}', '{"주민등록번호": "<|rrn|>"}'),
    ('{"주문번호": "123456-01-234567", "은행": "없음"}', None),
    ('{"page": 12345678, "year": 2024}', None),
    ('{"계좌2": "12345678"}', None),
]


@pytest.mark.parametrize(("line", "masked"), KEYED)
def test_a_key_is_a_label_in_lines_and_in_meta_alike(line, masked):
    assert mask_line(line, PiiOptions()).text == (masked or line)
    assert mask_metas([line], PiiOptions())[0][0] == (masked or line)


@given(
    texts=st.lists(
        st.sampled_from(["010-1234-5678", "계좌 123456-01-234567", "국민", "1234567890123", "번호"]), max_size=4
    )
)
def test_a_text_is_masked_in_a_line_as_alone(texts):
    text = " ".join(texts)
    expected = mask(text, find_spans(text))
    assert orjson.loads(mask_line(orjson.dumps({"text": text}).decode(), PiiOptions()).text) == {"text": expected}
