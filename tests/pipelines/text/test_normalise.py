import sys
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.text import normalise as module
from malmoi_pipelines.text.normalise import NormaliseOptions, normalise, normalise_all

from tests import strategies

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
        ("mojibake", "안녕하세요. 오늘은 (좋은) 날".encode("euc-kr").decode("latin-1"), "안녕하세요. 오늘은 (좋은) 날"),
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
    options = NormaliseOptions(html=False, collapse_spaces="none")
    assert normalise("a  b &lt; <br> \n", options) == ("a  b &lt; <br>", ("spaces",))


CODE = "예:\n    if a:  # 주석\n\tb  =  1\n\n      끝  말"


@pytest.mark.parametrize(
    ("collapse", "expected"),
    [
        ("none", CODE),
        ("inner", "예:\n    if a: # 주석\n\tb = 1\n\n      끝 말"),
        ("all", "예:\n if a: # 주석\n\tb = 1\n\n 끝 말"),
    ],
)
def test_indentation_stays_unless_all_runs_are_collapsed(collapse, expected):
    assert normalise(CODE, NormaliseOptions(collapse_spaces=collapse)).text == expected


def test_repeats_are_cut_only_on_request():
    assert normalise("정말ㅋㅋㅋㅋㅋ") == ("정말ㅋㅋㅋㅋㅋ", ())
    assert normalise("정말ㅋ\u200bㅋㅋㅋㅋ", NormaliseOptions(repeats=3)) == ("정말ㅋㅋㅋ", ("zero_width", "repeats"))


@pytest.mark.parametrize("options", [{"repeats": 1}, {"collapse_spaces": "some"}, {"collapse_spaces": True}])
def test_values_that_mean_nothing_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        NormaliseOptions.model_validate(options)


@pytest.mark.parametrize(
    "text",
    [
        "ÀÁÂÃÄÅÆÇÈÉ",
        "°±²³´µ¶·¸¹º»¼½¾¿",
        "가······나 ······",
        "TEMPÉRATURE ÉLEVÉE À ÇÀ ET LÀ",
        "ÄÖÜÄÖÜ 30° ±2² µm",
    ],
)
def test_latin_letters_and_signs_are_no_mojibake(text):
    assert normalise(text) == (text, ())


FRAGMENTS = [KOREAN, mojibake("한글"), mojibake("한글", "cp1252"), mojibake("é"), "ì", "Â", "\ufffd", "e", "\u0308"]
FRAGMENTS += ["&amp;", "&#38;", "lt;", "&", "amp;", "<", "b>", "<br>", "</p>", "<!--", "-->", "&#x200b;", "&nbsp;"]
FRAGMENTS += ["\u1112", "\u1161", "\u11ab", "\u200b", "\u200d", "😀", "\ufeff", "\x00", "\x85", "\xa0", "<|acc|>"]
FRAGMENTS += ["\r", "\n", "\n\n\n", " ", "  ", "\t"]


FRAGMENTS += [
    "ㅋㅋㅋㅋ",
    "!!!",
    "~~~~",
    "^^^",
    "a",
    "---",
    "…………",
    "    ",
    "\t ",
    "<!doctype ",
    "<script ",
    "<ſcript>",
    "a=1",
]
FRAGMENTS += ["\u2126", "\U0002f800", "\U0001d15e", "\U00011099\U000110ba", "\ud83d", "\ude00", "が", "か\u3099", "·"]
SCRAPS = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join), st.text(max_size=40), strategies.texts
)
OPTIONS = st.builds(
    NormaliseOptions,
    html=st.sampled_from([None, True, False]),
    collapse_spaces=st.sampled_from(["inner", "all", "none"]),
    repeats=st.sampled_from([None, 2, 3]),
)


@settings(max_examples=500, deadline=None)
@given(SCRAPS, OPTIONS)
def test_normalising_twice_changes_nothing_more(text, options):
    once = normalise(text, options).text
    again = normalise(once, options.model_copy(update={"html": False}))  # an escaped tag is one no more
    assert again.text == once
    assert set(again.changes) <= {"literal_mask"}
    assert unicodedata.is_normalized("NFC", once)
    once.encode()  # no lone surrogates


@pytest.mark.long
@settings(max_examples=500, deadline=None)
@given(st.lists(SCRAPS, max_size=8), OPTIONS, st.sampled_from([1, 30, 1 << 19]))
def test_many_texts_are_normalised_like_each_alone(texts, options, block_chars):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_CHARS", block_chars)
        block = normalise_all(texts, options)
    assert list(zip(block.texts, block.changes, strict=True)) == [normalise(text, options) for text in texts]


@pytest.mark.long
def test_every_character_is_normalised_alike_in_a_block():
    texts = [f"가{chr(code)}e" for code in range(0x30000)]
    block = normalise_all(texts)
    assert list(zip(block.texts, block.changes, strict=True)) == list(map(normalise, texts))


def test_the_table_of_characters_that_compose_is_complete():
    # Every pair that composes to one character, from the database itself: the second one must be in the table.
    table = set(module._not_always_composed())
    for code in (*range(0xAC00), *range(0xD7A4, sys.maxunicode + 1)):
        char = chr(code)
        assert code in table or (unicodedata.is_normalized("NFC", char) and not unicodedata.combining(char))
        parts = unicodedata.normalize("NFD", char)
        if len(parts) > 1 and unicodedata.normalize("NFC", parts) == char:
            assert ord(parts[-1]) in table


@pytest.mark.parametrize(
    "piece",
    [" ", "  a", "a  \n", "\n", "\t ", "ㅋ", "a~", "<!doctype ", "<script ", "<p a=", "&amp;", "Â", "\u1100", "\u0308"],
)
def test_a_megabyte_of_anything_takes_no_more_than_its_share(piece):
    text = piece * (1_000_000 // len(piece))  # a rule that takes quadratic time would run into the time limit
    options = NormaliseOptions(repeats=2)
    assert normalise_all([text], options).texts == [normalise(text, options).text]


@pytest.mark.parametrize(
    "text",
    [
        "같은 뷁 글자와 쨰가 들어간 문장입니다",
        "안녕하세요. 오늘은 (좋은) 날",
        "똠방각하 펲시콜라 쓩쓩",
        "가격은 1,000원 (부가세 별도)입니다",
    ],
)
@pytest.mark.parametrize("around", ["{}", "“{}”라고 했다", "작성자: {} (끝)", "{}\n멀쩡한 줄", "<b>{}</b>"])
def test_cp949_is_read_run_by_run(text, around):
    damaged = text.encode("cp949").decode("sloppy-windows-1252")
    shown = around.replace("<b>", "").replace("</b>", "")
    assert normalise(around.format(damaged)).text == normalise(shown.format(text)).text


def test_what_was_lost_costs_its_own_run_only():
    damaged = "오늘은 날씨가 참 좋습니다".encode("cp949").decode("latin-1").split(" ")
    assert normalise(" ".join([damaged[0], "¤", *damaged[1:]])).text == "오늘은 ¤ 날씨가 참 좋습니다"


@pytest.mark.parametrize("text", ["a" * 200_000 + "¾È³çÇÏ", "¾È³çÇÏ¼¼¿ä " * 20_000, "À" * 100_000])
def test_long_runs_cost_their_length(text):
    start = time.process_time()
    normalise(text)
    assert time.process_time() - start < 3
