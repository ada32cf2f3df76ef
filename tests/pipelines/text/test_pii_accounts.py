"""Accounts as people write them, and what stands near banks and is none: layouts times banks, numbers invented."""

import random

import pytest
from malmoi_pipelines.text.pii import find_spans_all

SHORT = {
    "국민": (6, 2, 6),
    "우리": (4, 3, 6),
    "하나": (3, 6, 5),
    "기업": (3, 6, 2, 3),
    "카카오": (4, 2, 7),
    "토스": (4, 4, 4),
    "KB": (6, 2, 6),
    "NH": (3, 4, 4, 2),
    "IBK": (3, 6, 2, 3),
    "SC": (3, 2, 6),
    "신한": (3, 3, 6),
    "농협": (3, 4, 4, 2),
    "카뱅": (4, 2, 7),
    "우체국": (6, 2, 6),
    "새마을금고": (4, 4, 4, 1),
}
# {b}: a bank, {n}: its number in groups, {d}: the digits alone.
GROUPED = [
    "{b} {n}",
    "{b}: {n} 나예금",
    "{b}) {n}",
    "{n} {b}",
    "{n} {b} 하람찬",
    "{n}({b})",
    "{n} / {b} / 한결",
    "회비는 {b} {n} 로 부탁드려요",
    "나 : 어디로 보낼까?\n너 : {b} {n}\n나 : ㅇㅋ",
    "| 참가비 | {b} | {n} |",
    "{b} (예금주: 사단법인 느루) {n}",
    "은행명: {b}, 번호: {n}, 예금주: 마루",
    "{b} A/C {n}",
    "모임 총무 {b} {n} 까지만요~",
]
BARE = [
    "{b} {d}",
    "{b} {d} 하람찬",
    "{b}: {d}",
    "{d} {b}",
    "{d} {b} 윤슬",
    "{d}({b})",
    "회비 {b} {d} 보내줘",
    "{b}은행 {d}",
]
LABELLED = [
    "A/C {n}",
    "A/C no. {n}",
    "Account number: {n}",
    "acct {n}",
    "우체국예금 {n} 으로 보내 주세요",
    "예금 {n} (느루)",
    "가온증권 {n}",
    "통장 {d}",
]


def number(rng, groups):
    return "-".join("".join(rng.choice("0123456789") for _ in range(size)) for size in groups)


def sentences(layouts, seed=1, per=4):
    rng = random.Random(seed)
    for layout in layouts:
        for bank, groups in SHORT.items():
            for _ in range(per):
                found = number(rng, groups)
                if found[:2] in ("19", "20", "01"):  # a year, or a phone number: another kind has it
                    continue
                digits = found.replace("-", "")
                yield layout.format(b=bank, n=found, d=digits), digits if "{d}" in layout else found


def recall(layouts):
    pairs = list(sentences(layouts))
    found = find_spans_all([text for text, _ in pairs])
    hits = [
        any(text[s.start : s.end] == value for s in spans) for (text, value), spans in zip(pairs, found, strict=True)
    ]
    return sum(hits) / len(hits)


@pytest.mark.parametrize("layout", GROUPED)
def test_grouped_numbers_beside_a_bank_are_accounts(layout):
    assert recall([layout]) >= 0.98


@pytest.mark.parametrize("layout", BARE)
def test_digits_beside_a_bank_are_accounts(layout):
    assert recall([layout]) >= 0.97


@pytest.mark.parametrize("layout", LABELLED)
def test_numbers_behind_their_label_are_accounts(layout):
    assert recall([layout]) >= 0.98


def ean(rng, prefix="880"):
    body = prefix + "".join(rng.choice("0123456789") for _ in range(12 - len(prefix)))
    return body + str((10 - sum(int(d) * w for d, w in zip(body, (1, 3) * 6, strict=True)) % 10) % 10)


def others(seed=2):
    """Sentences about banks without an account in them."""
    rng = random.Random(seed)
    draw = lambda size: "".join(rng.choice("123456789") for _ in range(size))  # noqa: E731
    for _ in range(60):
        yield f"농협쌀 10kg {ean(rng)} 입고"
        yield f"하나로마트 행사 상품 {ean(rng)}"
        yield f"우리밀 {ean(rng)}"
        yield f"카카오뱅크 앱 버전 2.{draw(2)}.{draw(3)}.{draw(6)}"
        yield f"토스뱅크 앱 빌드 {draw(1)}.{draw(2)}.{draw(8)}"
        yield f"은행 수신 2019 {draw(9)}"
        yield f"예금 2021 {draw(8)} 원"
        yield f"20{rng.randint(10, 24)}0{rng.randint(1, 9)}1{rng.randint(0, 9)} {draw(6)} 이체"
        yield f"우리 회사 사업자등록번호 {draw(3)}-{draw(2)}-{draw(5)}"
        yield f"국민은행 주문번호 {draw(3)}-{draw(4)}-{draw(6)}"
        yield f"기업 등록번호 {draw(6)}-{draw(2)}-{draw(6)}"
        yield f"증권 거래소 공시번호 {draw(4)}-{draw(2)}-{draw(7)}"
        yield f"신한카드 승인번호 {draw(8)}"
        yield f"은행 앱 {draw(4)}-{draw(6)}"


def test_what_stands_near_banks_and_is_no_account_stays():
    texts = list(others())
    found = find_spans_all(texts)
    wrong = [text for text, spans in zip(texts, found, strict=True) if any(span.kind == "acc" for span in spans)]
    assert len(wrong) <= 0.005 * len(texts), wrong[:10]
