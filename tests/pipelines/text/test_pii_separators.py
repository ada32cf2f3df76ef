"""What people put between the groups of a number: dots, dashes and boxes of many scripts, doubled, beside brackets."""

import itertools

import pytest
from malmoi_pipelines.text.pii import PiiOptions, find_spans, mask

# Unicode's look-alikes of a dot in the middle and of a dash, as they stand in numbers of public bug reports.
DOTS = "·․‧∙•⋅ㆍ・･"
DASHES = "-‐‑‒–—―−─ーㅡ﹣－"
NUMBERS = {
    "tell": [("010", "2345", "6789"), ("02", "345", "6789"), ("051", "234", "5678"), ("070", "2345", "6789")],
    "rrn": [("850312", "1234567"), ("010203", "4123456")],
    "acc": [("110", "123", "456789"), ("123456", "01", "234567")],
}
LABELS = {"tell": "연락처", "rrn": "주민등록번호", "acc": "신한은행 계좌번호"}
CASES = [(kind, groups) for kind, all_groups in NUMBERS.items() for groups in all_groups]


def masked(text):
    return mask(text, find_spans(text, PiiOptions()))


@pytest.mark.parametrize("separator", DOTS + DASHES)
@pytest.mark.parametrize(("kind", "groups"), CASES, ids=["-".join(groups) for _, groups in CASES])
def test_look_alikes_of_dots_and_dashes_join_groups(separator, kind, groups):
    assert masked(f"{LABELS[kind]} {separator.join(groups)}") == f"{LABELS[kind]} <|{kind}|>"


@pytest.mark.parametrize("groups", NUMBERS["tell"], ids="-".join)
@pytest.mark.parametrize("separator", ["--", " - ", "- ", ". "])
def test_doubled_and_spaced_hyphens_join_groups_of_a_phone_number(separator, groups):
    assert masked(f"전화 {separator.join(groups)}") == "전화 <|tell|>"


@pytest.mark.parametrize("text", ["051 ) 234 - 5678", "(051) 234-5678", "( 02 ) 345-6789", "02 ) 345 6789"])
def test_brackets_around_a_prefix_may_stand_apart(text):
    assert masked(f"전화 : {text}").replace("( ", "(").rstrip() in ("전화 : <|tell|>", "전화 : (<|tell|>")


@pytest.mark.parametrize("label", ["HP", "hp", "TEL", "Fax", "tel"])
def test_a_label_may_touch_the_number(label):
    assert masked(f"{label}010-2345-6789") == f"{label}<|tell|>"
    assert masked(f"S{label}010-2345-6789") != "S<|tell|>"


def test_a_personal_number_may_be_grouped_after_its_first_three_digits():
    assert masked("050-7123-4567로") == "<|tell|>로"


def test_bullets_that_hide_digits_still_hide_them():
    for bullets, separator in itertools.product(("••••••", "●●●●●●"), "-–"):
        assert masked(f"홍길동 850312{separator}1{bullets}") == "홍길동 <|rrn|>"


@pytest.mark.parametrize("text", ["3․14159265", "•2345• 6789", "가─나ー다", "2024․05․01 10․20", "1•2•3•4•5•6"])
def test_no_number_is_made_of_what_is_none(text):
    assert masked(text) == text
