import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.text.pii import RULES, PiiOptions, Span, find_spans, mask

from tests.pipelines.text.pii_numbers import check_digit, corporate, ean, grouped, rrn, wide


def masked(text, **options):
    return mask(text, find_spans(text, PiiOptions(**options)))


RRN, ACC, TELL = "<|rrn|>", "<|acc|>", "<|tell|>"

MUST_MASK = [
    ("900101-1234568", RRN),
    ("211105-3654321", RRN),
    ("850315-5123457", RRN),
    (wide("900101-1234568"), RRN),
    ("900101 - 1234568", RRN),
    ("900101–1234568", RRN),
    ("900101·1234568", RRN),
    ("900101-1******", RRN),
    ("900101-●●●●●●●", RRN),
    ("900101-1○○○○○○", RRN),
    ("900101-12XXXXX", RRN),
    ("주민등록번호: 900101-1", f"주민등록번호: {RRN}"),
    ("주민번호 9001011234568이고", f"주민번호 {RRN}이고"),
    ("생년월일 19900101-1234568", f"생년월일 {RRN}"),
    ("1990. 1. 1. - 1234567", RRN),
    ("전화번호 010-1234-5678 900101-1234568", f"전화번호 {TELL} {RRN}"),
    ("010-1234-5678", TELL),
    ("010.1234.5678", TELL),
    ("010 1234 5678", TELL),
    ("010 - 1234 - 5678", TELL),
    ("010)1234-5678", TELL),
    (wide("010-1234-5678"), TELL),
    ("01012345678", TELL),
    ("010-1234-5678로 연락", f"{TELL}로 연락"),
    ("휴대폰01012345678입니다", f"휴대폰{TELL}입니다"),
    ("011-234-5678", TELL),
    ("+82-10-1234-5678", TELL),
    ("+821012345678", TELL),
    ("+82 (0)10-1234-5678", TELL),
    ("82-2-1234-5678", TELL),
    ("(82-2) 1234-5678", TELL),
    ("0082-10-1234-5678", TELL),
    ("02)345-6789", TELL),
    ("(02) 3456-7890", TELL),
    ("(02-3456-7890)", f"({TELL})"),
    ("TEL.02-345-6789", f"TEL.{TELL}"),
    ("Tel02-345-6789", f"Tel{TELL}"),
    ("전화 023456789", f"전화 {TELL}"),
    ("031-345-6789~8", f"{TELL}~8"),
    ("031-345-6789/010-1234-5678", f"{TELL}/{TELL}"),
    ("031-345-6789,031-345-6790", f"{TELL},{TELL}"),
    ("전화 02-345-6788-9", f"전화 {TELL}-9"),
    ("팩스 031-345-6788-90.", f"팩스 {TELL}-90."),
    ("휴대폰 010  1234  5678", f"휴대폰 {TELL}"),
    ("전화 345-6789", f"전화 {TELL}"),
    ("(☎ 2345-6789)", f"(☎ {TELL})"),
    ("주민번호 900101.1234567", f"주민번호 {RRN}"),
    ("주민등록번호: 900101/1234567", f"주민등록번호: {RRN}"),
    ("070-1234-5678", TELL),
    ("0507-1234-5678", TELL),
    ("080-123-4567", TELL),
    ("전화 (0342) 123-4567", f"전화 {TELL}"),
    ("국민은행 123456-04-567890", f"국민은행 {ACC}"),
    ("국민은행 194527-04-609265", f"국민은행 {ACC}"),  # no date, though it begins like a year
    ("신한 110-123-456789", f"신한 {ACC}"),
    ("우리은행 1002-345-678901", f"우리은행 {ACC}"),
    ("하나은행 123-456789-01207", f"하나은행 {ACC}"),
    ("하나 123-456789-01207", f"하나 {ACC}"),
    ("농협 302-1234-5678-91", f"농협 {ACC}"),
    ("기업은행 123-456789-01-012", f"기업은행 {ACC}"),
    ("카카오뱅크 3333-01-2345678", f"카카오뱅크 {ACC}"),
    ("토스뱅크 1000-1234-5678", f"토스뱅크 {ACC}"),
    ("새마을금고 9002-1234-5678-1", f"새마을금고 {ACC}"),
    ("계좌 110.123.456789", f"계좌 {ACC}"),
    ("계좌번호는 110123456789입니다", f"계좌번호는 {ACC}입니다"),
    ("입금계좌 1002 345 678901", f"입금계좌 {ACC}"),
    ("입금계좌 1002 345 678901 2023년까지", f"입금계좌 {ACC} 2023년까지"),
    ("110-123-456789 (신한) 으로 송금", f"{ACC} (신한) 으로 송금"),
    ("국민은행 123456-04-567890 연락처 010-1234-5678", f"국민은행 {ACC} 연락처 {TELL}"),
    ("계좌번호 010-1234-5678", f"계좌번호 {ACC}"),
    ("입금 문의 010-1234-5678", f"입금 문의 {TELL}"),
]


@pytest.mark.parametrize(("text", "expected"), MUST_MASK)
def test_written_forms_are_masked(text, expected):
    assert masked(text) == expected


MUST_KEEP = [
    "2023-01-15",
    "2023. 1. 15. ~ 2023. 12. 31.",
    "20230115103000",
    "2023-01-15-1030",
    "사업자등록번호 123-45-67891",
    "법인등록번호 110111-1234569",
    "2019가합123456",
    "ISBN 978-89-1234-567-8",
    "8801234567893",
    "주문번호 20230115-1234567",
    "20230115-1234567",
    "주문번호 900101-1234567",
    "운송장번호 123456789012",
    "1,234,567,890원",
    "192.168.100.200",
    "은행 서버 192.168.100.200",
    "37.566535, 126.977969",
    "4111-1111-1111-1111",
    "운전면허 11-12-123456-78",
    "64e890ee-b688-4487-938d-3928761234ab",
    "a1b2-010-1234-5678-c3",
    "https://example.org/a/010-1234-5678/",
    "3.14159265358979",
    "7732-18-5",
    "1592-1598년",
    "1588-1234",
    "112",
    "119에 신고, 1339로 문의",
    "1673745000123",
    "은행 20230115103000",
    'admRulSeq: "2100000207782"',
    "갱신한 2010-123-456789",
    "우리 가게는 2010-123-456789",
    "110-123-456789",
    "TotalMilliseconds=82999999.9999",
    "일련번호 010123456789",
    "법인등록번호: 900101-1******",
    "900101.1234568",
    "02-345-6788-9",
    "전화 02-345-6788-901",
    "전화 2010-2012년",
    "2345-6789",
    "900230-1234567",  # no such day
    "900101-123456",
    "900101-12345678",
    "통장 2023-01-15",
    "제12-345-678901호",
    "-" * 60,
    "",
]


@pytest.mark.parametrize("text", MUST_KEEP)
def test_look_alikes_are_kept(text):
    assert find_spans(text) == []


def test_invented_look_alikes_with_right_check_digits_are_kept():
    rng = random.Random(7)
    for seed in range(300):
        birth, serial = corporate(seed)
        rrn_right = check_digit(birth + serial[:6], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) == serial[-1]
        foreign_right = (int(serial[-1]) - 2) % 10 == int(
            check_digit(birth + serial[:6], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5))
        )
        texts = [f"법인등록번호: {birth}-{serial}", ean("880", seed), f"ISBN {ean('978', seed)}"]
        texts += [] if rrn_right or foreign_right else [f"{birth}-{serial}"]
        texts += [f"주문번호 {grouped((8, 6), '-', seed, '20230115')}", f"송장 {grouped((4, 4, 4), '-', seed)}"]
        texts += [f"{rng.randint(10**12, 17 * 10**11)}ms", f"{rng.random():.15f}", f"{rng.randint(10**9, 10**10):,}원"]
        for text in texts:
            assert [span.rule for span in find_spans(text) if span.rule != "rrn_checksum"] == [], seed


PARTICLES = ["", "이고", "입니다", "로", "을", " 입니다", ".", ",", ")", "(본인)"]
LEADS = ["", "제 ", "(", ": ", "의 "]


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize(
    "form",
    ["{0}-{1}", "{0} - {1}", "{0}–{1}", "{0}－{1}", "주민등록번호 {0}{1}", "주민번호: {0} {1}", "{0}-{2}******"],
)
def test_every_invented_registration_number_is_found(form, checked):
    for seed in range(100):
        birth, serial = rrn(seed, checked)
        rng = random.Random(seed)
        number = form.format(birth, serial, serial[0])
        text = rng.choice(LEADS) + number + rng.choice(PARTICLES)
        if "주민" not in form and "*" not in form and corporate_check_only(birth + serial):
            continue  # one in ten unchecked numbers is also a right corporate number
        assert masked(text).count(RRN) == 1, seed
        assert not any(char.isdigit() for char in masked(text)), seed
    assert masked(wide("-".join(rrn(1)))) == RRN


def corporate_check_only(digits):
    return check_digit(digits[:12], (1, 2) * 6, base=10) == digits[12]


PHONE_PREFIXES = {"010": (4,), "011": (3, 4), "019": (3, 4), "070": (4,), "0507": (4,), "080": (3, 4), "02": (3, 4)}
PHONE_PREFIXES |= dict.fromkeys(("031", "033", "044", "051", "064"), (3, 4))


@pytest.mark.parametrize(
    "form",
    ["{0}-{1}-{2}", "{0}.{1}.{2}", "{0} {1} {2}", "{0}){1}-{2}", "({0}) {1}-{2}", "전화 {0}{1}{2}", "+82-{3}-{1}-{2}"],
)
@pytest.mark.parametrize("prefix", PHONE_PREFIXES)
def test_every_invented_phone_number_is_found(prefix, form):
    for seed in range(40):
        rng = random.Random(seed)
        exchange = grouped((rng.choice(PHONE_PREFIXES[prefix]),), "", seed, rng.choice("23456789"))
        text = form.format(prefix, exchange, grouped((4,), "", seed + 1), prefix[1:])
        text = rng.choice(LEADS) + text + rng.choice(PARTICLES)
        assert masked(text).count(TELL) == 1, seed
        assert not any(char.isdigit() for char in masked(text)), seed


ACCOUNT_GROUPS = [(6, 2, 6), (3, 2, 4, 3), (3, 3, 6), (3, 2, 6), (4, 3, 6), (3, 6, 5), (3, 4, 4, 2), (3, 6, 2, 3)]
ACCOUNT_GROUPS += [(4, 2, 7), (4, 4, 4), (5, 2, 5, 1), (1, 6, 3, 2), (3, 8, 3), (3, 2, 2, 6, 1), (3, 2, 6, 1)]


@pytest.mark.parametrize(
    "context", ["계좌번호 {}", "국민은행 {}", "입금은 {}", "예금주 ○○○ {}", "{}로 송금", "{} (하나)"]
)
@pytest.mark.parametrize("lengths", ACCOUNT_GROUPS, ids=str)
def test_every_invented_account_beside_a_label_is_found(lengths, context):
    for seed in range(20):
        for separator in ("-", " - "):
            text = context.format(grouped(lengths, separator, seed, "5"))
            assert masked(text).count(ACC) == 1, seed
            assert not any(char.isdigit() for char in masked(text)), seed


def test_the_nearest_label_decides():
    assert masked("계좌 이체 후 주문번호 123-456-789012") == "계좌 이체 후 주문번호 123-456-789012"
    assert masked("주문 후 계좌번호 123-456-789012") == f"주문 후 계좌번호 {ACC}"


def test_strict_takes_unlabelled_accounts():
    assert masked("110-123-456789", mode="strict") == ACC
    assert masked("주문 110-123-456789", mode="strict") == "주문 110-123-456789"
    assert masked("ISBN 978-89-1234-567-8, 2023-01-15-1030", mode="strict") == "ISBN 978-89-1234-567-8, 2023-01-15-1030"


def test_representative_numbers_are_an_option():
    assert masked("1588-1234", representative=True) == TELL
    assert masked("1800-1899년", representative=True) == "1800-1899년"


def test_spans_are_offsets_into_the_original_text():
    text = f"전화 {wide('010-1234-5678')}, 계좌 110-123-456789"
    assert find_spans(text) == [Span(3, 16, "tell", "phone_mobile"), Span(21, 35, "acc", "account_label")]


def test_literal_masks_are_neither_found_nor_nested():
    text = "전화 <|tell|> 계좌 <|acc|> 주민번호 <|rrn|>"
    assert find_spans(text) == []
    assert masked("<|tell|>010-1234-5678<|acc|>") == "<|tell|><|tell|><|acc|>"


PIECES = ["계좌", "전화", "은행", "주민", "주문", "번호", "신한", "입금", "하나", "연락처", "TEL", "법인", "a", "은"]
PIECES += [" ", " ", "-", "-", ".", "\n", "－", "·", ",", "/", "~", "(", ")", "<|acc|>", "<|tell|>", "●●●●●●", "*"]
PIECES += ["+82", "010", "02", "031", "070", "900101", "1234567", "110", "1234", "5678", "20230115", "1", "１２３"]
PIECES += ["123-456-789012", "010-1234-5678"]


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.booleans(), st.booleans())
def test_masking_touches_spans_alone_and_is_finished_at_once(text, strict, representative):
    options = {"mode": "strict" if strict else "default", "representative": representative}
    spans = find_spans(text, PiiOptions(**options))
    result = mask(text, spans)
    assert find_spans(result, PiiOptions(**options)) == []
    starts, ends = [span.start for span in spans], [span.end for span in spans]
    kept = [text[end:start] for end, start in zip([0, *ends], [*starts, len(text)], strict=True)]
    masks = [f"<|{span.kind}|>" for span in spans]
    assert result == "".join(piece for pair in zip(kept, [*masks, ""], strict=True) for piece in pair)
    assert starts == sorted(starts)
    assert {span.rule for span in spans} <= set(RULES)
