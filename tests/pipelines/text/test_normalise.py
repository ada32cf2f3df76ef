import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.text.normalise import NormaliseOptions, normalise

KOREAN = "대한민국은 민주공화국이다."


def mojibake(text, encoding="latin-1"):
    return text.encode().decode(encoding)


@pytest.mark.parametrize(
    "text", ["", KOREAN, "a < b", "둘째 줄\n\n\t들여 쓴 줄", "한글 (漢字) 😀 é café", "Ñandú à São"]
)
def test_clean_text_is_left_alone(text):
    assert normalise(text) == (text, ())


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("html", "가 &lt; 나", "가 < 나"),
        ("mojibake", mojibake(KOREAN), KOREAN),
        ("mojibake", f"{KOREAN}\n{mojibake('둘째 줄이다.')}", f"{KOREAN}\n둘째 줄이다."),
        ("line_ends", "가\r\n나\r다\u2028라", "가\n나\n다\n라"),
        ("control", "가\x00\x08나\x7f\t다\ud800", "가나\t다"),
        ("zero_width", "\ufeff가\u200b나\u00ad다\u200d라", "가나다라"),
        ("nfd", unicodedata.normalize("NFD", "한글 맞춤법"), "한글 맞춤법"),
        ("spaces", "가\u00a0나\u3000다\u3164라", "가 나 다 라"),
        ("spaces", "가   나", "가 나"),
        ("spaces", " 가 \t\n나\n", "가\n나"),
        ("blank_lines", "가\n\n\n\n나", "가\n\n나"),
    ],
)
def test_each_rule_names_itself_and_does_its_work(rule, text, expected):
    assert normalise(text) == (expected, (rule,))


def test_changes_come_in_the_fixed_order():
    damaged = "&amp;\r\n\x00\u200b" + unicodedata.normalize("NFD", "각") + "  나\n\n\n다"
    assert normalise(damaged).changes == ("html", "line_ends", "control", "zero_width", "nfd", "spaces", "blank_lines")


def test_a_syllable_split_by_a_zero_width_character_is_composed():
    assert normalise("\u1112\u200b\u1161\u11ab").text == "한"


def test_the_joiner_stays_inside_emoji():
    family = "👩\u200d👧"
    assert normalise(f"{family} ❤\ufe0f\u200d🔥").text == f"{family} ❤\ufe0f\u200d🔥"


def test_what_cannot_be_repaired_is_kept():
    assert normalise("깨진 \ufffd 글자") == ("깨진 \ufffd 글자", ())


def test_literal_masks_are_kept_and_named():
    text = "전화 <|tell|> 계좌 <|acc|>"
    assert normalise(text) == (text, ("literal_mask",))
    assert normalise("&lt;|rrn|&gt;") == ("<|rrn|>", ("html", "literal_mask"))


def test_options_switch_rules_off():
    options = NormaliseOptions(html=False, collapse_spaces=False)
    assert normalise("a  b &lt; <br> \n", options) == ("a  b &lt; <br>", ("spaces",))


FRAGMENTS = [KOREAN, mojibake("한글"), mojibake("한글", "cp1252"), mojibake("é"), "ì", "Â", "\ufffd", "e", "\u0308"]
FRAGMENTS += ["&amp;", "&#38;", "lt;", "&", "amp;", "<", "b>", "<br>", "</p>", "<!--", "-->", "&#x200b;", "&nbsp;"]
FRAGMENTS += ["\u1112", "\u1161", "\u11ab", "\u200b", "\u200d", "😀", "\ufeff", "\x00", "\x85", "\xa0", "<|acc|>"]
FRAGMENTS += ["\r", "\n", "\n\n\n", " ", "  ", "\t"]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join), st.text(max_size=40)))
def test_normalising_twice_changes_nothing_more(text):
    once = normalise(text).text
    again = normalise(once)
    assert again.text == once
    assert set(again.changes) <= {"literal_mask"}
    assert unicodedata.is_normalized("NFC", once)
    once.encode()  # no lone surrogates
