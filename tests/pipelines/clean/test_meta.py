import json

import pytest
from malmoi_pipelines.clean.meta import mask_metas
from malmoi_pipelines.text.pii import PiiOptions


@pytest.mark.parametrize(
    ("meta", "masked"),
    [
        ({"writer": "김 010-2345-6789"}, {"writer": "김 <|tell|>"}),
        ({"a": [{"b": "주민번호 900101-1234568"}, 3]}, {"a": [{"b": "주민번호 <|rrn|>"}, 3]}),
        ({"date": "2024-01-15", "n": 12345678, "url": "x/2024/0115/1234"}, None),
        ({"rrn": 9001011234568}, {"rrn": "<|rrn|>"}),
        ({"id": "900101-●●●●●●●"}, {"id": "<|rrn|>"}),
        ({"flag": True, "share": 0.12345678}, None),
    ],
)
def test_values_are_masked_and_the_rest_stays(meta, masked):
    text = json.dumps(meta, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    [(result, spans)] = mask_metas([text], PiiOptions())
    assert json.loads(result) == (masked or meta)
    assert bool(spans) == (masked is not None)
    assert masked is not None or result == text
    assert mask_metas([result], PiiOptions()) == [(result, [])]


def test_masking_can_be_off():
    assert mask_metas(['{"a":"010-2345-6789"}'], PiiOptions(enabled=False)) == [('{"a":"010-2345-6789"}', [])]


def test_each_of_many_gets_its_own_masks():
    metas = ['{"a":"010-2345-6789","b":["x",7]}', '{"a":1}', "{}", '{"mail":"kim@example.kr"}']
    (first, some), *rest, (last, mails) = mask_metas(metas, PiiOptions(email=True))
    assert (first, len(some)) == ('{"a":"<|tell|>","b":["x",7]}', 1)
    assert rest == [('{"a":1}', []), ("{}", [])]
    assert (last, len(mails)) == ('{"mail":"<|email|>"}', 1)
