"""Phone and registration numbers in unusual writing: recall, false hits, and that all ways to mask agree."""

import json
from collections import Counter

import pytest
from malmoi_pipelines.pii.json_line import mask_line
from malmoi_pipelines.text.pii import PiiOptions, find_spans, find_spans_all, mask
from malmoi_pipelines.text.pii.gate import dense
from malmoi_pipelines.text.pii.written import Written, read

from tests.pipelines.text.pii_forms import hard_look_alikes, hard_positives

POSITIVES = list(hard_positives())
LOOK_ALIKES = list(hard_look_alikes())
TEXTS = [example.text for example in (*POSITIVES, *LOOK_ALIKES)]


def covered(positive):
    start = positive.text.index(positive.number)
    end = start + len(positive.number)
    return any(
        span.kind == positive.kind and span.start <= start and end <= span.end for span in find_spans(positive.text)
    )


def test_the_set_is_large_and_always_the_same():
    assert list(hard_positives()) == POSITIVES
    assert min(Counter(positive.kind for positive in POSITIVES).values()) >= 1000
    assert len(LOOK_ALIKES) >= 1000


@pytest.mark.long
def test_ninety_nine_of_a_hundred_numbers_in_unusual_writing_are_covered():
    total, found = Counter(), Counter()
    for positive in POSITIVES:
        total[positive.group] += 1
        found[positive.group] += covered(positive)
    assert {group: found[group] / total[group] for group in total if found[group] < 0.9 * total[group]} == {}
    assert found.total() / total.total() >= 0.99


def test_two_of_a_thousand_look_alikes_at_most_are_masked():
    wrong = [look_alike for look_alike in LOOK_ALIKES if find_spans(look_alike.text)]
    assert len(wrong) / len(LOOK_ALIKES) <= 0.002, wrong


@pytest.mark.long
def test_masked_sentences_have_nothing_left():
    for text in TEXTS:
        assert find_spans(mask(text, find_spans(text))) == []


def test_a_block_of_texts_and_each_of_them_give_the_same():
    """A block is long enough for the arrays of the gate; a single text is not."""
    texts = TEXTS[::7]
    assert [list(spans) for spans in find_spans_all(texts)] == [find_spans(text) for text in texts]


@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_line_of_json_and_its_text_give_the_same(ascii_only):
    for text in TEXTS[::7]:
        line = json.dumps({"id": "1", "text": text}, ensure_ascii=ascii_only)
        assert json.loads(mask_line(line, PiiOptions()).text)["text"] == mask(text, find_spans(text))


def test_slashes_that_are_escaped_in_json_are_seen_through():
    assert mask_line(r'{"text": "850312\/1234567 010\/2345\/6789"}', PiiOptions()).text.endswith('<|tell|>"}')


def test_what_is_spelled_stays_where_that_is_switched_off():
    options = PiiOptions(spelled=False)
    assert find_spans("공일공-이삼사오-육칠팔구, O1O-2345-6789, 팔오공삼일이-일이삼사오육칠", options) == []
    assert mask("010_2345_6789, 850312_1234567", find_spans("010_2345_6789, 850312_1234567", options)) == (
        "<|tell|>, <|rrn|>"
    )


def test_no_number_crosses_from_one_text_to_the_next():
    parts = ["010-2345-", "6789", "850312-", "1234567", "+82", "10-2345-6789"]
    for texts in (parts, ["가" * 5000, *parts]):
        assert sum(map(len, find_spans_all(texts))) == 0 + len(find_spans("10-2345-6789"))


@pytest.mark.parametrize(
    "text", ["전화 053-803-4301)\n  2) 기간", "팩스 (042)481-3109\n  ㅇ 주소", "02-345-6789\n1. 끝"]
)
def test_a_number_at_the_end_of_a_line_takes_nothing_of_the_next_along(text):
    assert "\n" not in "".join(text[span.start : span.end] for span in find_spans(text))
    assert "<|tell|>" in mask(text, find_spans(text))


def test_a_number_is_read_as_it_is_written():
    number = read("공1O - 이삼4\n5")
    assert number == Written("0102345", "공1O이삼45", ("", "", "", "-", "", "", "\n"), (1, 2, 3, 7, 8, 9, 11))
    assert (number.groups(), number.marks(), number.names(), number.breaks()) == ((3, 4), {"-"}, 3, 1)


def test_the_gate_leaves_little_of_a_text_without_numbers():
    text = "이 일은 오늘 마쳤고 2023. 1. 5. 공고한다. Illinois " * 200
    assert [list(stretches) for stretches in dense(text)] == [[], []]
    for number in ("010_2345_6789", "공일공 이삼사오 육칠팔구", "O1O-234S-6789".replace("S", "5"), "850312-●●●●●●●"):
        stretches = [stretch for found in dense(text + number + text) for stretch in found]
        assert any(start <= len(text) and len(text + number) <= end for start, end in stretches)
