"""Particles and endings: what follows a noun or a verb stem, by how the stem ends.

Every string ends with the space or line break that follows the word. The four entries of a verb table are the classes
of `korean`: 하-verbs, 되-verbs, and consonant stems with a bright (아) and with a dark (어) vowel.
"""

# (after a vowel, after a consonant, after ㄹ) → relative frequency
_PARTICLES: dict[tuple[str, str, str], float] = {
    ("를", "을", "을"): 16,
    ("의", "의", "의"): 13,
    ("는", "은", "은"): 12,
    ("가", "이", "이"): 12,
    ("에", "에", "에"): 11,
    ("로", "으로", "로"): 7,
    ("에서", "에서", "에서"): 6,
    ("와", "과", "과"): 5,
    ("도", "도", "도"): 3,
    ("만", "만", "만"): 1.2,
    ("까지", "까지", "까지"): 1,
    ("부터", "부터", "부터"): 1,
    ("나", "이나", "이나"): 1,
    ("라는", "이라는", "이라는"): 0.8,
    ("에게", "에게", "에게"): 0.8,
    ("보다", "보다", "보다"): 0.6,
    ("처럼", "처럼", "처럼"): 0.6,
    ("들이", "들이", "들이"): 1,
    ("들을", "들을", "들을"): 1,
    ("들의", "들의", "들의"): 0.7,
    ("마다", "마다", "마다"): 0.3,
    ("조차", "조차", "조차"): 0.2,
    ("로써", "으로써", "로써"): 0.3,
    ("에는", "에는", "에는"): 1,
    ("", "", ""): 9,
}


def particles(final: int) -> dict[str, float]:
    """Particles with weights for a noun that ends in a vowel (0), a consonant (1) or ㄹ (2)."""
    table: dict[str, float] = {}
    for forms, weight in _PARTICLES.items():
        table[forms[final] + " "] = table.get(forms[final] + " ", 0) + weight
    return table


def _classes(ha: str, doe: str, bright: str, dark: str, weights: list[float]) -> list[dict[str, float]]:
    """One weighted table a verb class from endings listed in the same order; `_` stands for a space inside one."""
    rows = [row.split() for row in (ha, doe, bright, dark)]
    return [dict(zip((word.replace("_", " ") for word in row), weights, strict=True)) for row in rows]


def _followed(tables: list[dict[str, float]], after: dict[str, float]) -> list[dict[str, float]]:
    """Every ending with every mark that can follow it."""
    return [
        {word + mark: weight * share for word, weight in table.items() for mark, share in after.items()}
        for table in tables
    ]


_MID = _classes(
    "하는 하고 한 할 해서 하여 하면 하며 하지만 하기",
    "되는 되고 된 될 돼서 되어 되면 되며 되지만 되기",
    "는 고 은 을 아서 아 으면 으며 지만 기",
    "는 고 은 을 어서 어 으면 으며 지만 기",
    [10, 8, 6, 5, 5, 3, 3, 3, 2, 2],
)
CONNECTIVES = _followed(_MID, {" ": 1})

_FORMAL = _classes(
    "합니다 했습니다 하겠습니다 하였습니다 하지_않습니다 할_것입니다",
    "됩니다 됐습니다 되겠습니다 되었습니다 되지_않습니다 될_것입니다",
    "습니다 았습니다 겠습니다 았었습니다 지_않습니다 을_것입니다",
    "습니다 었습니다 겠습니다 었었습니다 지_않습니다 을_것입니다",
    [10, 9, 3, 3, 2, 2],
)
_PLAIN = _classes(
    "한다 했다 하였다 하겠다 하지_않는다 할_것이다",
    "된다 됐다 되었다 되겠다 되지_않는다 될_것이다",
    "는다 았다 았었다 겠다 지_않는다 을_것이다",
    "는다 었다 었었다 겠다 지_않는다 을_것이다",
    [9, 11, 4, 2, 2, 2],
)
_POLITE = _classes(
    "해요 했어요 하네요 할까요 하죠 하거든요",
    "돼요 됐어요 되네요 될까요 되죠 되거든요",
    "아요 았어요 네요 을까요 죠 거든요",
    "어요 었어요 네요 을까요 죠 거든요",
    [9, 9, 4, 2, 2, 1],
)
_REVIEW = _classes(
    "함 했음 하네요 했어요 하다 했다",
    "됨 됐음 되네요 됐어요 되다 됐다",
    "음 았음 네요 았어요 다 았다",
    "음 었음 네요 었어요 다 었다",
    [6, 5, 6, 7, 2, 5],
)
_LEGAL = _classes(
    "하여야_한다 할_수_있다 하지_아니한다 하는_것으로_본다 하지_못한다 하도록_한다 한다",
    "되어야_한다 될_수_있다 되지_아니한다 되는_것으로_본다 되지_못한다 되도록_한다 된다",
    "아야_한다 을_수_있다 지_아니한다 는_것으로_본다 지_못한다 도록_한다 는다",
    "어야_한다 을_수_있다 지_아니한다 는_것으로_본다 지_못한다 도록_한다 는다",
    [7, 6, 2, 2, 1, 2, 6],
)
_PROSE = {". ": 10.0, ".\n": 1.5, "! ": 0.3}
_CHAT = {
    " ": 3.0,
    ". ": 3,
    " ㅋㅋ ": 2,
    " ㅋㅋㅋㅋ ": 1,
    " ㅠㅠ ": 1.5,
    "~ ": 1,
    "!! ": 1,
    ".. ": 1.5,
    " ^^ ": 0.7,
    " ㅎㅎ ": 1,
}
STYLES = ("formal", "plain", "polite", "review", "legal", "formal_line")
FINALS = {
    "formal": _followed(_FORMAL, _PROSE),
    "plain": _followed(_PLAIN, _PROSE),
    "polite": _followed(_POLITE, _PROSE | {"? ": 1.0}),
    "review": _followed(_REVIEW, _CHAT),
    "legal": _followed(_LEGAL, {".\n": 1.0}),
    "formal_line": _followed(_FORMAL, {". ": 1.0}),  # a text of one line, for sentence pairs
}

COUNTERS: dict[str, float] = {
    **dict.fromkeys(("개 ", "명 ", "년 "), 6.0),
    **dict.fromkeys(("월 ", "일 ", "% ", "원 ", "년에 "), 3.0),
    **dict.fromkeys(("회 ", "번 ", "시간 ", "개의 ", "명이 "), 2.0),
    **dict.fromkeys(("년부터 ", "가지 ", "km ", "kg "), 1.0),
}
EMOTICONS: dict[str, float] = {
    "ㅋㅋ": 5,
    "ㅋㅋㅋ": 4,
    "ㅋㅋㅋㅋㅋ": 2,
    "ㅠㅠ": 5,
    "ㅠ": 2,
    "ㅎㅎ": 3,
    "ㅜㅜ": 2,
    "^^": 1,
    "ㄷㄷ": 1,
    "ㄹㅇ": 1,
}
LEGAL_PHRASES = (
    "이 규정에 따라",
    "정하는 바에 따라",
    "대통령령으로 정하는",
    "다음 각 호의",
    "어느 하나에 해당하는",
    "필요한 경우",
    "정당한 사유 없이",
    "제1항에 따른",
    "제2항에 따라",
    "그 밖에",
    "특별한 사정이 없는 한",
    "미리",
    "지체 없이",
    "서면으로",
    "이 경우",
    "다만,",
    "각각",
    "또는",
    "및",
)
