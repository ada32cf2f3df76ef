"""A generated set of personal data and look-alikes in sentences: invented numbers, check digits computed, seeded.

Banks, lengths and customary groupings follow the account number systems of the clearing system's participants (KFTC)
and what people write; phone prefixes the rules on telecommunication numbers. Nothing here knows of the detector.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

from tests.pipelines.text.pii_numbers import check_digit, corporate, ean, grouped, rrn, wide


class Positive(NamedTuple):
    """A sentence with one number in it that must be masked, and nothing else."""

    group: str
    kind: str
    text: str
    number: str


class LookAlike(NamedTuple):
    """A sentence that must stay as it is."""

    group: str
    text: str


# Bank → customary groupings, and the fixed first digits for each of them ("" where there are none).
BANKS: dict[str, list[tuple[tuple[int, ...], str]]] = {
    "국민은행": [((6, 2, 6), ""), ((3, 2, 4, 3), ""), ((4, 2, 8), "")],
    "KB국민은행": [((6, 2, 6), ""), ((3, 2, 4, 3), "0")],
    "신한은행": [((3, 3, 6), "110"), ((3, 2, 6), "100"), ((3, 3, 8), "560")],
    "우리은행": [((4, 3, 6), "1002"), ((4, 3, 6), "1005"), ((3, 2, 6), "")],
    "하나은행": [((3, 6, 5), ""), ((3, 2, 6), ""), ((3, 6, 3), "620")],
    "농협은행": [((3, 4, 4, 2), "302"), ((6, 2, 6), ""), ((3, 2, 6), ""), ((3, 4, 4, 2), "356")],
    "농협": [((3, 4, 4, 2), "352"), ((3, 4, 4, 2), "301")],
    "기업은행": [((3, 6, 2, 3), ""), ((3, 2, 7), "")],
    "카카오뱅크": [((4, 2, 7), "3333"), ((4, 2, 7), "7979")],
    "카뱅": [((4, 2, 7), "3355")],
    "토스뱅크": [((4, 4, 4), "1000"), ((4, 4, 4), "1500")],
    "케이뱅크": [((3, 3, 6), "100"), ((3, 3, 8), "")],
    "SC제일은행": [((3, 2, 6), ""), ((3, 2, 5), "")],
    "씨티은행": [((3, 5, 3, 2), ""), ((1, 6, 3, 2), "")],
    "수협": [((4, 4, 4), "1010"), ((3, 2, 6), "101")],
    "산업은행": [((3, 8, 3), "013"), ((3, 8, 3), "020")],
    "대구은행": [((3, 2, 6, 1), "508"), ((3, 2, 6, 1), "505")],
    "iM뱅크": [((3, 2, 6, 1), "504")],
    "부산은행": [((3, 4, 4, 2), "101"), ((3, 4, 4, 2), "112")],
    "경남은행": [((3, 4, 4, 2), "207"), ((3, 3, 6), "221")],
    "광주은행": [((3, 3, 6), "107"), ((3, 3, 6), "121")],
    "전북은행": [((1, 3, 2, 6, 1), "1"), ((3, 2, 7), "")],
    "제주은행": [((3, 6, 3), "700"), ((2, 2, 6), "")],
    "우체국": [((6, 2, 6), ""), ((6, 2, 6), "01")],
    "새마을금고": [((4, 4, 4, 1), "9002"), ((4, 2, 7), "9003")],
    "신협": [((3, 3, 6), "131"), ((5, 2, 5, 1), "")],
    "저축은행": [((3, 2, 2, 6, 1), ""), ((3, 2, 6, 1), "")],
    "산림조합 계좌": [((3, 2, 6, 1), ""), ((3, 2, 8), "")],
    "키움증권 계좌": [((4, 4, 2), ""), ((8,), "")],
    "한국투자증권 계좌": [((8, 2), ""), ((8, 3), "")],
    "삼성증권 계좌번호": [((10,), ""), ((3, 2, 6), "")],
}
WEAK_NAMES = (
    "우리",
    "하나",
    "국민",
    "기업",
    "카카오",
    "토스",
    "우체국",
    "부산",
    "대구",
    "광주",
    "전북",
    "경남",
    "제주",
)
AREAS = [
    "02",
    "031",
    "032",
    "033",
    "041",
    "042",
    "043",
    "044",
    "051",
    "052",
    "053",
    "054",
    "055",
    "061",
    "062",
    "063",
    "064",
]
MOBILES = ["010", "011", "016", "017", "018", "019"]
OTHERS = ["070", "0502", "0503", "0504", "0505", "0506", "0507", "0508", "080"]

PARTICLES = (
    "",
    "이고",
    "입니다",
    "으로",
    "을",
    " 입니다.",
    ".",
    ", 감사합니다",
    ")",
    "(본인)",
    "에서",
    "번",
    " 앞",
    "~",
)
OPENINGS = (
    "",
    "안녕하세요, ",
    "어제 ",
    "- ",
    "1. ",
    "※ ",
    "2023년 3월 ",
    "고객님께서 남기신 ",
    "세금 3,000원, ",
    "[안내] ",
)
ENDINGS = ("", "\n다음 줄입니다.", " 꼭 확인 바랍니다.", " 3시까지요", " 총 2개", "\n2023-01-15", " 감사합니다 ^^")


def positives() -> Iterator[Positive]:
    """About 4,000 sentences in a fixed order."""
    for makers in (_registration, _phones, _accounts):
        yield from makers()


def _sentence(rng: random.Random, group: str, kind: str, lead: str, number: str, tail: str | None = None) -> Positive:
    particle = rng.choice(PARTICLES) if tail is None else tail
    return Positive(group, kind, f"{rng.choice(OPENINGS)}{lead}{number}{particle}{rng.choice(ENDINGS)}", number)


RRN_FORMS = {
    "rrn hyphen": ("", "{0}-{1}"),
    "rrn hyphen, spaces": ("", "{0} - {1}"),
    "rrn en dash": ("", "{0}–{1}"),
    "rrn minus": ("", "{0}−{1}"),
    "rrn middle dot": ("", "{0}·{1}"),
    "rrn full-width": ("", "wide:{0}-{1}"),
    "rrn label, bare": ("주민등록번호 ", "{0}{1}"),
    "rrn label, space": ("주민번호: ", "{0} {1}"),
    "rrn label, century": ("생년월일 ", "{3}{0}-{1}"),
    "rrn foreigner label": ("외국인등록번호 ", "{0}-{1}"),
    "rrn bare, checked": ("", "{0}{1}"),
    "rrn hidden *": ("", "{0}-{2}******"),
    "rrn hidden ●": ("", "{0}-●●●●●●●"),
    "rrn hidden ○": ("", "{0}-{2}○○○○○○"),
    "rrn hidden X": ("", "{0}-{2}XXXXXX"),
    "rrn hidden #": ("", "{0}-#######"),
    "rrn hidden, space": ("", "{0} *******"),
    "rrn birth and sex": ("주민번호 ", "{0}-{2}"),
}


def _registration() -> Iterator[Positive]:
    for group, (label, form) in RRN_FORMS.items():
        for seed in range(60):
            rng = random.Random(f"{group} {seed}")
            birth, serial = rrn(rng.random(), checked=group == "rrn bare, checked" or seed % 2 == 0)
            if not label and _is_corporate_only(birth + serial):
                continue  # cannot be told from a corporate number: one in ten of those without a check digit
            century = "19" if serial[0] in "1256" else "20"
            number = form.removeprefix("wide:").format(birth, serial, serial[0], century)
            if form.startswith("wide:"):
                number = wide(number)
            lead = label or rng.choice(("", "홍길동 ", "(", "제 주민번호는 ", "성명 김○○ ", "신분: ", "피고인 "))
            yield _sentence(rng, group, "rrn", lead, number)


def _is_corporate_only(digits: str) -> bool:
    return (
        check_digit(digits[:12], (1, 2) * 6, base=10) == digits[12]
        and check_digit(digits[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) != digits[12]
    )


PHONE_FORMS = {
    "hyphens": "{0}-{1}-{2}",
    "dots": "{0}.{1}.{2}",
    "spaces": "{0} {1} {2}",
    "spaced hyphens": "{0} - {1} - {2}",
    "bracket": "{0}){1}-{2}",
    "bracket, space": "{0}) {1}-{2}",
    "brackets": "({0}) {1}-{2}",
    "full-width": "wide:{0}-{1}-{2}",
    "en dashes": "{0}–{1}–{2}",
    "no-break spaces": "{0}\u00a0{1}\u00a0{2}",
    "+82": "+82-{3}-{1}-{2}",
    "+82 spaces": "+82 {3} {1} {2}",
    "+82 (0)": "+82 (0){3}-{1}-{2}",
    "0082": "0082-{3}-{1}-{2}",
    "82": "82-{3}-{1}-{2}",
    "range": "{0}-{1}-{2}",
    "labelled, bare": "{0}{1}{2}",
}
PHONE_LEADS = (
    "",
    "연락처 ",
    "전화: ",
    "Tel ",
    "(",
    "☎ ",
    "담당자(",
    "문의 ",
    "휴대폰",
    "팩스 ",
    "저에게 ",
    "은행 담당 ",
    "번호 ",
)
PHONE_LABELS = ("전화 ", "연락처: ", "휴대폰", "TEL.", "팩스 ")


def _phones() -> Iterator[Positive]:
    for form_name, form in PHONE_FORMS.items():
        for prefix in (*MOBILES, *AREAS, *OTHERS):
            for seed in range(5 if prefix in MOBILES else 3):
                rng = random.Random(f"{form_name} {prefix} {seed}")
                length = 4 if prefix in ("010", "070") else rng.choice((3, 4))
                exchange = grouped((length,), "", rng.random(), rng.choice("23456789"))
                number = form.removeprefix("wide:").format(
                    prefix, exchange, grouped((4,), "", rng.random()), prefix[1:]
                )
                if form.startswith("wide:"):
                    number = wide(number)
                lead = rng.choice(PHONE_LABELS if form_name == "labelled, bare" else PHONE_LEADS)
                group = "phone " + ("mobile" if prefix in MOBILES else "area" if prefix in AREAS else "other")
                tail = rng.choice(("~8", ", 850", "/팩스", "~9번")) if form_name == "range" else None
                yield _sentence(rng, f"{group}, {form_name}", "tell", lead, number, tail)
    for seed in range(60):
        rng = random.Random(f"bare mobile {seed}")
        yield _sentence(rng, "phone mobile, bare", "tell", "", f"010{rng.randint(20000000, 99999999)}")


ACCOUNT_CONTEXTS = {
    "bank before": "{bank} {number}",
    "bank, colon": "{bank}: {number}",
    "bank, holder": "{bank} 홍길동 {number}",
    "bank, word, number": "{bank} 계좌번호 {number}",
    "bank in brackets behind": "{number} ({bank})",
    "bank behind": "{number} {bank}",
    "account word": "계좌번호는 {number}",
    "deposit word": "입금은 {number}",
    "transfer behind": "{number}로 송금",
    "holder before": "예금주 김○○ {number}",
}


def _accounts() -> Iterator[Positive]:
    for bank, forms in BANKS.items():
        for lengths, first in forms:
            for name, context in ACCOUNT_CONTEXTS.items():
                rng = random.Random(f"{bank} {lengths} {name}")
                separator = rng.choice(("-", "-", "-", " - ", "–", " ", "")) if len(lengths) > 1 else ""
                number = grouped(lengths, separator, rng.random(), first or rng.choice("123456789"))
                if sum(lengths) < 10 and name not in ("bank before", "bank, word, number", "account word"):
                    continue  # eight digits are an account directly behind the word only
                if bank == "우체국" and name in ("bank, holder", "bank behind"):
                    continue  # the name of the post office counts beside the number, or in brackets behind it
                text = context.format(bank=bank, number=number)
                lead, tail = text.split(number)
                yield _sentence(
                    rng, f"account, {name}", "acc", lead, number, tail + rng.choice(("", "입니다", ".", " 입니다"))
                )
    for bank in WEAK_NAMES:
        for seed in range(8):
            rng = random.Random(f"{bank} {seed}")
            number = grouped(rng.choice(((3, 6, 5), (4, 3, 6), (6, 2, 6), (3, 3, 6))), "-", rng.random(), "5")
            lead, tail = rng.choice(((f"{bank} ", ""), (f"{bank}: ", ""), (f"{bank}/", ""), ("", f" ({bank})")))
            yield _sentence(
                rng, "account, everyday name beside", "acc", lead, number, tail + rng.choice(("", "입니다", "."))
            )


def look_alikes() -> Iterator[LookAlike]:
    """About 4,000 sentences in a fixed order."""
    for name, make in LOOK_ALIKES.items():
        for seed in range(120):
            rng = random.Random(f"{name} {seed}")
            yield LookAlike(name, f"{rng.choice(OPENINGS)}{make(rng)}{rng.choice(ENDINGS)}")


def _business(rng: random.Random) -> str:
    digits = "".join(rng.choices("123456789", k=9))
    total = sum(int(d) * w for d, w in zip(digits, (1, 3, 7, 1, 3, 7, 1, 3, 5), strict=True)) + int(digits[8]) * 5 // 10
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}{(10 - total % 10) % 10}"


def _day(rng: random.Random) -> tuple[int, int, int]:
    return rng.randint(1950, 2029), rng.randint(1, 12), rng.randint(1, 28)


def _unlike_rrn(rng: random.Random) -> str:
    """A corporate number that is not also a right registration number."""
    while True:
        birth, serial = corporate(rng.random())
        right = int(check_digit(birth + serial[:6], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)))
        if int(serial[6]) not in {right, (right + 2) % 10}:
            return f"{birth}-{serial}"


def _hex(rng: random.Random, length: int) -> str:
    return "".join(rng.choices("0123456789abcdef", k=length))


def _guid(rng: random.Random) -> str:
    return "-".join(_hex(rng, length) for length in (8, 4, 4, 4, 12))


def _date(rng: random.Random) -> str:
    year, month, day = _day(rng)
    form = rng.choice(("{0}-{1:02}-{2:02}", "{0}.{1:02}.{2:02}.", "{0}. {1}. {2}.", "{0}/{1}/{2}", "{0}{1:02}{2:02}"))
    return form.format(year, month, day)


def _time(rng: random.Random) -> str:
    year, month, day = _day(rng)
    clock = (rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59))
    form = rng.choice(
        ("{0}{1:02}{2:02}{3:02}{4:02}{5:02}", "{0}-{1:02}-{2:02} {3:02}:{4:02}", "{0}{1:02}{2:02}{3:02}{4:02}")
    )
    return form.format(year, month, day, *clock)


def _n(rng: random.Random, length: int) -> str:
    return "".join([rng.choice("123456789"), *rng.choices("0123456789", k=length - 1)])


LOOK_ALIKES = {
    "date": _date,
    "date beside a banking word": lambda rng: f"{rng.choice(('입금일', '은행 휴무', '이체'))} {_date(rng)}",
    "timestamp": _time,
    "timestamp beside a banking word": lambda rng: f"송금 {_time(rng)}",
    "business number": lambda rng: f"{rng.choice(('', '사업자등록번호 ', '사업자번호: '))}{_business(rng)}",
    "business number beside a bank": lambda rng: f"은행 사업자등록번호 {_business(rng)}",
    "corporate number, labelled": lambda rng: f"법인등록번호 {'-'.join(corporate(rng.random()))}",
    "corporate number": _unlike_rrn,
    "court case": lambda rng: f"{rng.randint(1990, 2024)}{rng.choice(('가합', '헌나', '다', '고단'))}{_n(rng, 6)} 판결",
    "ISBN": lambda rng: f"ISBN {ean(rng.choice(('978', '979')), rng.random())}",
    "ISBN, hyphens": lambda rng: f"ISBN 978-89-{_n(rng, 4)}-{_n(rng, 3)}-{_n(rng, 1)}",
    "barcode": lambda rng: f"바코드 {ean('880', rng.random())}",
    "order that begins with a day": lambda rng: f"주문번호 {'{:04}{:02}{:02}'.format(*_day(rng))}-{_n(rng, 7)}",
    "order": lambda rng: f"주문번호: {_n(rng, rng.randint(10, 14))}",
    "order, groups": lambda rng: f"주문 {grouped((4, 4, 4), '-', rng.random(), '5')}",
    "tracking number": lambda rng: (
        f"{rng.choice(('운송장번호', '송장', '운송장 '))} {_n(rng, rng.choice((10, 12, 13)))}"
    ),
    "tracking number after a payment": lambda rng: f"입금 확인, 운송장번호 {_n(rng, 12)}",
    "card": lambda rng: "-".join(_n(rng, 4) for _ in range(4)),
    "card, labelled": lambda rng: f"카드번호 {' '.join(_n(rng, 4) for _ in range(4))}",
    "driver licence": lambda rng: (
        f"운전면허 {rng.randint(11, 26)}-{rng.randint(10, 24)}-{_n(rng, 6)}-{rng.randint(10, 99)}"
    ),
    "passport": lambda rng: f"여권번호 {rng.choice('MSR')}{_n(rng, 8)}",
    "GUID": _guid,
    "GUID beside a banking word": lambda rng: f"계좌 조회 id {_guid(rng)}",
    "hash": lambda rng: f"commit {_hex(rng, 40)}",
    "path": lambda rng: f"https://example.org/{_n(rng, 6)}/{_n(rng, 3)}-{_n(rng, 4)}-{_n(rng, 4)}/view",
    "decimal": lambda rng: f"약 {rng.uniform(0, 100):.13f}",
    "coordinates": lambda rng: f"{rng.uniform(33, 38):.6f}, {rng.uniform(124, 131):.6f}",
    "IP address": lambda rng: f"서버 {'.'.join(str(rng.randint(1, 255)) for _ in range(4))}",
    "IP address of a bank": lambda rng: f"은행 서버 {'.'.join(str(rng.randint(100, 255)) for _ in range(4))}",
    "price": lambda rng: f"{rng.randint(10**6, 10**11):,}원",
    "price beside a banking word": lambda rng: f"입금액 {rng.randint(10**6, 10**11):,}원",
    "law": lambda rng: f"법률 제{rng.randint(10000, 20000)}호",
    "document id": lambda rng: f"문서 2100000{_n(rng, 6)}",
    "epoch milliseconds": lambda rng: f"{rng.randint(1_000_000_000_000, 1_999_999_999_999)}",
    "CAS number": lambda rng: f"{_n(rng, rng.randint(2, 6))}-{_n(rng, 2)}-{_n(rng, 1)}",
    "range of years": lambda rng: f"{rng.randint(1500, 1700)}-{rng.randint(1701, 2020)}년",
    "version": lambda rng: (
        f"v{rng.randint(1, 20)}.{rng.randint(0, 99)}.{rng.randint(0, 30000)}-{rng.randint(1000, 9999)}"
    ),
    "representative number": lambda rng: f"{rng.choice(('1588', '1544', '1600', '1899'))}-{_n(rng, 4)}",
    "special number": lambda rng: f"{rng.choice(('112', '119', '1339', '114', '1345'))}로 신고",
    "rule of hyphens": lambda rng: "-" * rng.randint(10, 80),
    "unlabelled part number": lambda rng: (
        f"{rng.choice(('모델', '품번', '규격'))} {grouped((3, 3, 6), '-', rng.random(), '5')}"
    ),
    "impossible birth date": lambda rng: (
        f"{rng.randint(10, 99)}{rng.randint(13, 99)}{rng.randint(32, 99)}-{rng.randint(1, 4)}{_n(rng, 6)}"
    ),
}
