"""The optional kinds, raw text, blocks, literal masks, and time on hostile input."""

import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.text.pii import KINDS, RULES, PiiOptions, Span, find_spans, find_spans_all, mask, may_hold, token

from tests.pipelines.text.pii_numbers import check_digit, grouped

EVERYTHING = PiiOptions(mode="strict", representative=True, email=True, card=True, ip=True, passport=True, spelled=True)
OPTIONS = [PiiOptions(), EVERYTHING]


def masked(text, **options):
    settings = PiiOptions(**options)
    return mask(text, find_spans(text, settings))


def luhn(body):
    """The body with the one digit that the check of Luhn wants, found by trying."""
    for last in "0123456789":
        digits = [int(char) for char in body + last][::-1]
        if sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits)) % 10 == 0:
            return body + last
    raise AssertionError


CARD = luhn("453201511283036")
AMEX = luhn("37828224631000")
OPTIONAL = [
    ("email", "메일은 hong.gil-dong+x@mail.example.co.kr로", "메일은 <|email|>로"),
    ("email", "ｈｏｎｇ＠example.com.", "<|email|>."),
    ("email", "010-1234-5678@naver.com", "<|email|>"),
    ("card", f"카드 {CARD[:4]}-{CARD[4:8]}-{CARD[8:12]}-{CARD[12:]}로", "카드 <|card|>로"),
    ("card", f"{CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:]}", "<|card|>"),
    ("card", f"{AMEX[:4]}-{AMEX[4:10]}-{AMEX[10:]}", "<|card|>"),
    ("card", CARD, "<|card|>"),
    ("card", f"카드번호 {luhn('4' + '21' * 5 + '2')}", "카드번호 <|card|>"),
    ("ip", "접속 IP 8.8.4.4에서", "접속 IP <|ip|>에서"),
    ("ip", "211.234.118.23:8080", "<|ip|>:8080"),
    ("ip", "http://211.234.118.23/a", "http://<|ip|>/a"),
    ("ip", "2001:4860:4860::8888 로", "<|ip|> 로"),
    ("passport", "여권번호 S12345678", "여권번호 <|passport|>"),
    ("passport", "M123A4567입니다", "<|passport|>입니다"),
    ("passport", "Ｍ１２３４５６７８", "<|passport|>"),
    ("spelled", "공일공-일이삼사-오육칠팔로", "<|tell|>로"),
    ("spelled", "번호는 공1공 1이3사 오6칠8이에요", "번호는 <|tell|>이에요"),
    ("spelled", "O1O-1234-5678", "<|tell|>"),
    ("representative", "문의 1588-1234", "문의 <|tell|>"),
    ("representative", "1410-1234", "<|tell|>"),
]


@pytest.mark.parametrize(("option", "text", "expected"), OPTIONAL)
def test_an_optional_kind_is_masked_when_switched_on_and_only_then(option, text, expected):
    assert masked(text, **{option: True}) == expected
    assert any(token(RULES[rule].kind) in expected for rule in RULES if RULES[rule].option == option)
    if "010-" not in text:
        assert find_spans(text, PiiOptions(**{option: False} if option == "spelled" else {})) == []


KEPT = [
    ("email", "@user님, a@b, logo@2x.png, 가격 @ 3.5"),
    ("card", "카드 " + CARD[:-1] + str((int(CARD[-1]) + 1) % 10)),
    ("card", f"주문번호 {CARD}"),
    ("card", "1673745000123"),
    ("ip", "192.168.0.1, 10.1.2.3, 127.0.0.1, 203.0.113.7, 2001:db8::1, fe80::1"),
    ("ip", "버전 211.234.118.23, 제7.2.4.1항, 12:30:45, std::vector, 256.300.1.1"),
    ("passport", "품번 M12345678, X12345678, AM12345678, M1234567, M12345678-1"),
    ("passport", "S12345678"),
    ("spelled", "공일공 하나둘, 내공1000000000단, 공1980. 1. 2. 345"),
    ("spelled", "공일공 일이삼사 그리고 오육칠팔"),
    ("representative", "1800-1899년, 1410-1450년, 2000-2010"),
]


@pytest.mark.parametrize(("option", "text"), KEPT)
def test_what_only_looks_like_an_optional_kind_is_kept(option, text):
    assert find_spans(text, PiiOptions(**{option: True})) == []


def test_every_rule_has_a_test_text_and_belongs_to_a_kind():
    texts = [text for _, text, _ in OPTIONAL]
    texts += [
        "주민번호 9001011234568",
        "211105-3654321",
        "1990. 1. 1. - 1234567",
        "900101-1******",
        "생년월일 900101-1",
    ]
    texts += ["9001011" + "23456" + check_digit("900101123456", (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5))]
    texts += ["010-1234-5678", "011-234-5678", "070-1234-5678", "0507-1234-5678", "080-123-4567", "060-700-1234"]
    texts += ["02-345-6789", "전화 (0342) 123-4567", "전화 345-6789", "+82-10-1234-5678", "계좌 12345678"]
    texts += ["850312_1234567", "팔오공삼일이-일이삼사오육칠", "010_2345_6789", "015-234-5678"]
    texts += ["하나 123-456789-01207", "입금 110-123-456789", "110-123-456789"]
    assert {span.rule for text in texts for span in find_spans(text, EVERYTHING)} == set(RULES)
    assert {rule.kind for rule in RULES.values()} == set(KINDS)


def test_switched_off_nothing_is_found():
    assert find_spans("010-1234-5678", PiiOptions(enabled=False)) == []
    assert not may_hold("010-1234-5678", PiiOptions(enabled=False))


INVISIBLE = ["\u200b", "\ufeff", "\u2060", "\u00ad", "\u200e", "\u202c", "\x00", "\u200b\u200b\u200b\u200b\u200b\u200b"]


@pytest.mark.parametrize("char", INVISIBLE, ids=ascii)
@pytest.mark.parametrize("text", ["010-1234-5678", "900101-1234568", "계좌 110-123-456789", "900101-1******"])
def test_what_is_invisible_hides_no_number(char, text):
    number = text.removeprefix("계좌 ")
    lead = text[: len(text) - len(number)]
    assert masked(f"가{char}나 {lead}{char.join(number)}{char}로") == f"가{char}나 {lead}{token_of(text)}{char}로"


def token_of(text):
    (span,) = find_spans(text)
    return token(span.kind)


def test_keycap_emoji_are_digits():
    assert masked("".join(f"{digit}\ufe0f\u20e3" for digit in "01012345678")) == "<|tell|>\ufe0f\u20e3"


def test_decomposed_labels_count_and_stay_decomposed():
    label = unicodedata.normalize("NFD", "전화 ")
    assert masked(f"{label}0212345678, {label}") == f"{label}<|tell|>, {label}"
    decomposed = unicodedata.normalize("NFD", "공일공-일이삼사-오육칠팔")
    assert masked(f"{label}{decomposed}!", spelled=True) == f"{label}<|tell|>!"


@pytest.mark.parametrize("literal", [token(kind) for kind in KINDS])
def test_literal_tokens_stay_and_are_neither_labels_nor_nested(literal):
    text = f"{literal} 0212345678,{literal}{literal}"
    assert find_spans(text, EVERYTHING) == find_spans("<|none|> 0212345678,".ljust(len(text)), EVERYTHING) or (
        literal != "<|tell|>"
    )
    assert masked(f"{literal}010-1234-5678{literal}") == f"{literal}<|tell|>{literal}"
    assert find_spans(f"{literal}1234{literal}5678{literal}", EVERYTHING) == []


def test_a_mask_is_no_label_for_its_neighbours():
    assert masked("전화 <|tell|>, 일련 333-44-55555") == "전화 <|tell|>, 일련 333-44-55555"
    assert find_spans("<|tell|> 0111234567") == []


def test_a_list_of_bare_mobile_numbers_is_masked_whole():
    assert masked("01023456789,01034567890,01045678901") == "<|tell|>,<|tell|>,<|tell|>"


def test_strict_takes_customary_groupings_without_context():
    assert masked("110-123-456789, 3333-01-2345678", mode="strict") == "<|acc|>, <|acc|>"
    for text in ("2005헌바14·16·18·222·333", "555-123-4567", "1,110-123-456789", "제10-2000-1234567호"):
        assert find_spans(text, PiiOptions(mode="strict")) == [], text


def test_a_list_of_corporate_numbers_with_hidden_digits_stays():
    assert find_spans("법인등록번호 : 110111-xxxxxxx, 110211-xxxxxxx, 110311-xxxxxxx") == []


PIECES = ["계좌", "전화", "은행", "주민", "번호", "카드", "여권", "IP ", "공일공", "공", "일이삼사", "O", "M", "A", "a"]
PIECES += [" ", " ", "-", "-", ".", ":", "\n", "－", ",", "/", "(", ")", "@", "example.com", "<|acc|>", "<|tell|>"]
PIECES += ["+82", "010", "02", "900101", "1234567", "110", "1234", "5678", "12345678", "********", "211.234.118.23"]
PIECES += ["\u200b", "\ufe0f", unicodedata.normalize("NFD", "전화"), "\u1161", CARD, "2001:4860::8888", "１２３"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=20).map("".join)


@pytest.mark.long
@settings(max_examples=500)
@given(st.lists(TEXTS, max_size=6), st.sampled_from(OPTIONS))
def test_a_block_gives_what_its_texts_give(texts, options):
    found = find_spans_all(texts, options)
    assert [list(spans) for spans in found] == [find_spans(text, options) for text in texts]
    assert all(may_hold(text, options) for text, spans in zip(texts, found, strict=True) if spans)


@pytest.mark.long
@settings(max_examples=800)
@given(TEXTS, st.sampled_from(OPTIONS))
def test_masking_everything_touches_spans_alone_and_is_finished_at_once(text, options):
    spans = find_spans(text, options)
    result = mask(text, spans)
    assert find_spans(result, options) == []
    ends, starts = [0, *(span.end for span in spans)], [*(span.start for span in spans), len(text)]
    kept = [re.escape(text[end:start]) for end, start in zip(ends, starts, strict=True)]
    assert re.fullmatch(r"<\|[a-z]+\|>".join(kept), result)
    assert all(span.kind == RULES[span.rule].kind for span in spans)


def test_offsets_of_a_stripped_text_are_those_of_the_original():
    text = "\ufeff" + unicodedata.normalize("NFD", "전화") + " 0\u200b10-1234-5678\u200b"
    (span,) = find_spans(text)
    assert text[span.start : span.end] == "0\u200b10-1234-5678"
    assert span == Span(text.index("0"), len(text) - 1, "tell", "phone_mobile")


HOSTILE = ["1", "0", "1 ", "1-", "1.", "1) ", "+82", "+82-10-", "010-1234-5678-", "010-1234-5678/", "010-1234-5678 "]
HOSTILE += ["01012345678,", "전화 010-1234-5678,", "계좌 110-123-456789/", "계좌 11111 11111 ", "(", "(02)", "*****"]
HOSTILE += ["1*****", "900101-1******", "900101-1234567 ", "0\u200b", "a@", "a@b.", "2001:", "1.1.1.1.", "공일", "M123"]


PLAIN = ("010-1234-5678 ", "everything")


def seconds(text, options):
    """Best of three, of processor time."""
    times = []
    for _ in range(3):
        start = time.process_time()
        find_spans(text, options)
        times.append(time.process_time() - start)
    return min(times)


# One of them in every run, all of them in the slow one.
MEGABYTES = [
    pytest.param(unit, options, id=f"{unit!a}-{name}", marks=() if (unit, name) == PLAIN else pytest.mark.slow)
    for unit in HOSTILE
    for name, options in zip(("default", "everything"), OPTIONS, strict=True)
]


@pytest.mark.long
@pytest.mark.parametrize(("unit", "options"), MEGABYTES)
def test_time_is_linear_on_a_megabyte_of_hostile_text(unit, options):
    small, large = (unit * (size // len(unit)) for size in (250_000, 1_000_000))
    assert seconds(large, options) < 8 * seconds(small, options) + 0.1


@pytest.mark.long
@pytest.mark.parametrize("unit", HOSTILE, ids=ascii)
def test_time_is_bounded_on_hostile_text(unit):
    assert seconds(unit * (20_000 // len(unit)), EVERYTHING) < 2


def test_strict_and_default_differ_in_unlabelled_accounts_alone():
    text = f"{grouped((3, 3, 6), '-', 1, '110')} 010-1234-5678"
    assert {span.rule for span in find_spans(text, PiiOptions(mode="strict"))} - {
        span.rule for span in find_spans(text)
    } == {"account_strict"}
