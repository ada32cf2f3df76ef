"""Numbers in unusual writing, in sentences, and what looks like them: generated, seeded, no number is anyone's.

The kinds of writing come from public reports on masking tools and from how people get numbers past filters; the
sentences say next to nothing of what the number is. Nothing here knows of the detector.
"""

import random
from collections.abc import Callable, Iterator, Sequence

from tests.pipelines.text.pii_numbers import ean, grouped, rrn, wide
from tests.pipelines.text.pii_set import AREAS, LookAlike, Positive

Form = Callable[[random.Random, tuple[str, ...]], str]
Make = Callable[[random.Random], tuple[str, ...]]

ROUNDS = 4
DOTS, DASHES = "․‧∙•⋅ㆍ・", "‐‑‒–—―−─ーㅡ﹣"
SYLLABLES = "공일이삼사오육칠팔구"
OLD_SYLLABLES = "영일이삼사오륙칠팔구"
LETTER_DIGITS = {"0": "Oo", "1": "lI"}
ENCLOSED, BOLD = "⓪①②③④⑤⑥⑦⑧⑨", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"

CHATS = (
    "{}",
    "나 {}야",
    "{} 여기로 톡 줘",
    "급하면 {} 이쪽으로요",
    "직거래 하실 분 {}",
    "알바 지원은 {} 문자만 받아요",
    "카톡 안 되면 {}!",
    "김철수 / {} / 3층",
    "아이 엄마 {}, 늦으면 알려 주세요",
    "받는 사람: 박영희 ({})",
    "매장 {} (월요일 휴무)",
    "보호자 {} 서명",
    "call me at {} anytime",
    "비상시 → {}",
    "내일 3시까지 {} 로 보내 줘",
    "- 반장: {}\n- 총무: 미정",
    "1. {}\n2. 미정",
    "phone: {}",
    "2023-01-15 서울 123-45 {} 방문",
    "이름은 최민수입니다. {}입니다.",
)
PAPERS = (
    "{}",
    "홍길동({})",
    "신분 확인용 {}",
    "제 민증은 {}이에요",
    "성명 김철수 {} 서울 거주",
    "대출 신청인 이영희 {}",
    "{} 본인 맞습니다",
    "피보험자 박민수 / {} / 배우자",
    "NGUYEN VAN A {} 체류 중",
    "아들 거는 {} 이렇게 써요",
    "피고인 최모씨({}, 남)",
    "가족 사항: 처 {}",
    "2023년 3월 2일 제출, 정수정 {}",
    "1. 강감찬 / {}",
    "2023-01-15 {} 제출",
    "신청인 {}\n배우자 미기재",
)
LABELLED = ("주민등록번호 {}", "주민번호: {}", "외국인등록번호는 {}", "주민번호 {} 맞나요")


def _spell(digits: str, syllables: str = SYLLABLES) -> str:
    return "".join(syllables[int(digit)] if digit.isdigit() else digit for digit in digits)


def _mixed(rng: random.Random, text: str, share: float) -> str:
    """Some of the digits spelled, two at least."""
    places = [i for i, char in enumerate(text) if char.isdigit()]
    spelled = set(rng.sample(places, max(2, int(len(places) * share))))
    return "".join(_spell(char) if i in spelled else char for i, char in enumerate(text))


def _lettered(rng: random.Random, text: str) -> str:
    """One to three digits as letters, if there is a 0 or a 1."""
    places = [i for i, char in enumerate(text) if char in LETTER_DIGITS]
    letters = set(rng.sample(places, min(len(places), rng.randint(1, 3))))
    return "".join(rng.choice(LETTER_DIGITS[char]) if i in letters else char for i, char in enumerate(text))


def _broken(rng: random.Random, text: str, places: list[int]) -> str:
    place = rng.choice(places)
    return f"{text[:place]}{rng.choice(('', ' '))}\n{rng.choice(('', '', '  '))}{text[place:]}"


def _joined(*separators: str) -> Form:
    return lambda rng, groups: rng.choice(separators).join(groups)


def _after_marks(rng: random.Random, groups: tuple[str, ...]) -> str:
    text = "-".join(groups)
    return _broken(rng, text, [i + 1 for i, char in enumerate(text) if char == "-"])


def _inside(rng: random.Random, groups: tuple[str, ...]) -> str:
    text = "-".join(groups)
    first = text.index("-") + 2
    return _broken(rng, text, [i for i in range(first, len(text) - 1) if text[i - 1 : i + 1].isdigit()])


def _translated(alphabet: str) -> Form:
    return lambda rng, groups: "-".join(groups).translate(dict(enumerate(alphabet, ord("0"))))


COMMON: dict[str, Form] = {
    "underscore": _joined("_"),
    "tilde": _joined("~", " ~ "),
    "look-alike dot": _joined(*DOTS),
    "look-alike dash": _joined(*DASHES),
    "doubled hyphen": _joined("--"),
    "equals, colon, bar": _joined("=", ":", "|"),
    "full-width underscore or tilde": lambda rng, groups: wide(rng.choice("_~").join(groups)),
    "letters": lambda rng, groups: _lettered(rng, "-".join(groups)),
    "letters, spaces": lambda rng, groups: _lettered(rng, rng.choice((" - ", "_", "-")).join(groups)),
    "spelled, hyphens": lambda rng, groups: _spell("-".join(groups), rng.choice((SYLLABLES, OLD_SYLLABLES))),
    "spelled, spaced hyphens": lambda rng, groups: _spell(" - ".join(groups)),
    "spelled, said": lambda rng, groups: _spell(" 다시 ".join(groups)),
    "spelled, one by one": lambda rng, groups: " - ".join(" ".join(_spell(group)) for group in groups),
    "mixed": lambda rng, groups: _mixed(rng, "-".join(groups), rng.uniform(0.2, 0.8)),
    "one by one, hyphens": lambda rng, groups: " - ".join(map(" ".join, groups)),
    "over a line, behind a hyphen": _after_marks,
    "over a line, inside a group": _inside,
    "enclosed": _translated(ENCLOSED),
    "bold": _translated(BOLD),
}
PHONES: dict[str, Form] = COMMON | {
    "slash": _joined("/", " / "),
    "comma": _joined(",", ", "),
    "spelled, spaces": lambda rng, groups: _spell(" ".join(groups)),
    "spelled, nothing": lambda rng, groups: _spell("".join(groups), rng.choice((SYLLABLES, OLD_SYLLABLES))),
    "one group spelled": lambda rng, groups: "-".join(
        _spell(group) if i == rng.randrange(3) or i == 0 else group for i, group in enumerate(groups)
    ),
    "one by one": lambda rng, groups: rng.choice((" ", ".", "-", "  ")).join("".join(groups)),
    "pairs": lambda rng, groups: rng.choice("-. ").join(
        [groups[0], *("".join(groups[1:])[i : i + 2] for i in range(0, 8, 2))]
    ),
    "two groups": lambda rng, groups: rng.choice("_~/").join([groups[0], "".join(groups[1:])]),
    "five digits last": lambda rng, groups: "-".join([groups[0], groups[1][:3], groups[1][3:] + groups[2]]),
    "country code": lambda rng, groups: rng.choice("_~/").join(["+82", groups[0][1:], *groups[1:]]),
}
LAND: dict[str, Form] = {
    name: PHONES[name]
    for name in ("underscore", "tilde", "look-alike dot", "look-alike dash", "slash", "doubled hyphen", "letters")
} | {
    "over a line": _after_marks,
    "bracket apart": lambda rng, groups: f"{groups[0]} ) {groups[1]} - {groups[2]}",
    "spelled": COMMON["spelled, hyphens"],
}
TAILS = ("~5", "·4", "/6", "~18", "·6780", "/6781", "∼9", ",7")
REGISTRATIONS: dict[str, Form] = COMMON | {
    "date in pairs": lambda rng, groups: f"{groups[0][:2]}-{groups[0][2:4]}-{groups[0][4:]}-{groups[1]}",
    "sex apart": lambda rng, groups: f"{groups[0]}-{groups[1][0]} {groups[1][1:]}",
}
WITH_LABEL: dict[str, Form] = {
    "slash": _joined("/", " / "),
    "comma": _joined(",", ", "),
    "one by one": lambda rng, groups: " ".join("".join(groups)),
    "spelled, nothing": lambda rng, groups: _spell("".join(groups)),
    "over a line, no mark": lambda rng, groups: "\n".join(groups),
    "pairs": lambda rng, groups: f"{groups[0][:2]} {groups[0][2:4]} {groups[0][4:]} {groups[1]}",
}


def hard_positives() -> Iterator[Positive]:
    """More than 1,000 sentences for phone numbers and for registration numbers each, in a fixed order."""
    yield from _written("phone", "tell", PHONES, CHATS, _mobile, ROUNDS)
    yield from _written("land line", "tell", LAND, CHATS, _land, 1)
    yield from _written("pager", "tell", {"hyphens": _joined("-")}, CHATS, _pager, 1)
    yield from _written("registration", "rrn", REGISTRATIONS, PAPERS, _resident, ROUNDS)
    yield from _written("labelled registration", "rrn", WITH_LABEL, LABELLED, _resident, 2 * ROUNDS)
    for tail in TAILS:
        for context in CHATS:
            rng = random.Random(f"{tail} {context}")
            number = "-".join(_land(rng))
            yield Positive(f"land line, tail {tail[0]}", "tell", context.format(number + tail), number)


def _written(
    what: str, kind: str, forms: dict[str, Form], contexts: tuple[str, ...], make: Make, rounds: int
) -> Iterator[Positive]:
    for name, form in forms.items():
        for context in contexts:
            for seed in range(rounds):
                rng = random.Random(f"{what} {name} {context} {seed}")
                number = form(rng, make(rng))
                yield Positive(f"{what}, {name}", kind, context.format(number), number)


def _resident(rng: random.Random) -> tuple[str, ...]:
    return rrn(rng.random(), checked=True)  # a wrong check digit could be a corporation's


def _mobile(rng: random.Random) -> tuple[str, ...]:
    return "010", grouped((4,), "", rng.random(), rng.choice("23456789")), f"{rng.randrange(10000):04}"


def _land(rng: random.Random, prefixes: Sequence[str] = AREAS) -> tuple[str, ...]:
    exchange = grouped((rng.choice((3, 4)),), "", rng.random(), rng.choice("23456789"))
    return rng.choice(prefixes), exchange, f"{rng.randrange(10000):04}"


def _pager(rng: random.Random) -> tuple[str, ...]:
    return _land(rng, ("012", "015"))


def _n(rng: random.Random, length: int) -> str:
    return "".join([rng.choice("123456789"), *rng.choices("0123456789", k=length - 1)])


def _year(rng: random.Random) -> int:
    return rng.randint(1950, 2029)


def _many(separator: str, low: int, high: int, top: int) -> Callable[[random.Random], str]:
    return lambda rng: separator.join(str(rng.randint(0, top)) for _ in range(rng.randint(low, high)))


def _cut(code: str) -> str:
    return f"{code[:6]}\n{code[6:]}"


SPELLED_PROSE = (
    "공공기관에서 공공일자리를 오이 사듯 나눠 준다",
    "일이 있어 이사 오고 육칠월에 팔구 일 쉰다",
    "이 일 이 사 이 오 하면서 구구단을 외웠다",
    "오이 삼사 개, 사과 육칠 개, 배 팔구 개",
    "영일만에서 구일 오전 이사회가 열렸다",
    "사오정과 팔계가 일이 삼 리쯤 갔다",
    "일일이 세어 보니 이십일 개, 오십이 개, 육십삼 개였다",
    "삼일절과 사일구, 오일팔과 육이오를 배웠다",
    "공이 오이밭에 들어가 일이 커졌다",
    "구공탄 이백 장을 칠팔 월에 사 오다",
    "하나 둘 삼 사 오 육 칠 팔 구 십",
    "공일오비와 이일오 호실, 구사일생으로 산 사이",
)
HARD_LOOK_ALIKES: dict[str, Callable[[random.Random], str]] = {
    "years": lambda rng: f"{_year(rng)}~{_year(rng)}년, {_year(rng)}_{_year(rng)}, {_year(rng)}/{_year(rng)}",
    "day with marks": lambda rng: (
        rng.choice("_/~:").join((f"{_year(rng)}", f"{rng.randint(1, 12):02}", f"{rng.randint(1, 28):02}"))
        + f"_{rng.randint(0, 23):02}{rng.randint(0, 59):02}{rng.randint(0, 59):02}"
    ),
    "day and time": lambda rng: (
        f"{_year(rng)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02} {rng.randint(0, 23):02}:{rng.randint(0, 59):02}"
        f":{rng.randint(0, 59):02},{rng.randint(0, 999):03}"
    ),
    "prices": lambda rng: ", ".join(f"{rng.randint(1000, 10**9):,}원" for _ in range(3)),
    "scores": lambda rng: " ".join(f"{rng.randint(0, 9)}:{rng.randint(0, 9)}" for _ in range(7)),
    "version": lambda rng: f"0.{rng.randint(1, 9)}.{rng.randint(0, 99)}-{_n(rng, 4)}_{_n(rng, 4)}",
    "ISBN": lambda rng: f"978_89_{_n(rng, 4)}_{_n(rng, 3)}_{_n(rng, 1)}",
    "EAN over a line": lambda rng: _cut(ean("978", rng.random())),
    "product code": lambda rng: f"품번 {_n(rng, 3)}_{_n(rng, 4)}_{_n(rng, 4)}",
    "product letters": lambda rng: f"모델 {rng.choice('OIl')}{_n(rng, 2)}-{_n(rng, 4)}-{_n(rng, 4)}X",
    "order": lambda rng: f"주문번호 0{_n(rng, 2)}_{_n(rng, 4)}_{_n(rng, 4)}",
    "fractions": lambda rng: ", ".join(f"{rng.randint(1, 9)}/{rng.randint(2, 99)}" for _ in range(6)),
    "binary": lambda rng: " ".join(rng.choices("01", k=rng.randint(9, 30))),
    "binary, commas": lambda rng: "[" + ", ".join(rng.choices("01", k=rng.randint(9, 30))) + "]",
    "single digits, commas": _many(", ", 9, 20, 9),
    "small numbers": _many(" ", 8, 20, 60),
    "small numbers, lines": _many("\n", 8, 20, 9999),
    "codes, lines": lambda rng: "\n".join(f"{rng.randint(0, 10**6 - 1):06}" for _ in range(4)),
    "numbers of one column": lambda rng: "\n".join(f"{rng.randint(2, 9)}{_n(rng, 3)}" for _ in range(5)),
    "table": lambda rng: "\n".join(f"{i} | {_n(rng, 3)} | {_n(rng, 4)} | {_n(rng, 5)}" for i in range(1, 5)),
    "ledger": lambda rng: f"23{rng.randint(1, 12):02}{rng.randint(1, 28):02}, {_n(rng, 7)}, {_n(rng, 6)}",
    "ledger with marks": lambda rng: rng.choice(("/", " | ", ",", "=")).join(
        (f"{rng.randint(15, 26)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}", _n(rng, 7))
    ),
    "lottery": lambda rng: "당첨 " + ", ".join(map(str, sorted(rng.sample(range(1, 46), 7)))),
    "ratio": lambda rng: f"{_n(rng, 2)}:{_n(rng, 3)}:{_n(rng, 4)}",
    "file": lambda rng: f"IMG_{_year(rng)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}_{_n(rng, 6)}.jpg",
    "array": lambda rng: f"a = {{0, 1, {_n(rng, 1)}, {_n(rng, 2)}, {_n(rng, 3)}, {_n(rng, 4)}}};",
    "hex": lambda rng: " ".join(f"{rng.randrange(256):02x}" for _ in range(12)),
    "hash of digits": lambda rng: f"id-0{_n(rng, 10)}{rng.choice('abcdef')}{_n(rng, 4)}",
    "lookalike word": lambda rng: rng.choice(("Illinois IOlO lollipop", "lol 1010 OO lol", "OIl 011 lO1 IlO")),
    "numerals in prose": lambda rng: rng.choice(SPELLED_PROSE),
    "year in syllables": lambda rng: f"{_spell(str(_year(rng)))}년 {_spell(str(rng.randint(1, 12)))}월",
    "page ranges": lambda rng: ", ".join(f"{page}~{page + 9}" for page in (rng.randint(10, 900) for _ in range(4))),
    "postal code": lambda rng: f"0{_n(rng, 4)} 서울 {_n(rng, 3)}-{_n(rng, 2)}",
    "article": lambda rng: f"제{rng.randint(1, 99)}조 ①{_n(rng, 2)} ②{_n(rng, 2)} ③{_n(rng, 2)} ④{_n(rng, 2)}",
    "business number": lambda rng: f"{_n(rng, 3)}_{_n(rng, 2)}_{_n(rng, 5)}",
}


def hard_look_alikes() -> Iterator[LookAlike]:
    """More than 1,000 sentences in a fixed order."""
    for name, make in HARD_LOOK_ALIKES.items():
        for seed in range(60):
            rng = random.Random(f"{name} {seed}")
            yield LookAlike(
                name, rng.choice(("{}", "자료: {}", "- {}", "그날은 {} 그랬다", "{}\n끝")).format(make(rng))
            )
