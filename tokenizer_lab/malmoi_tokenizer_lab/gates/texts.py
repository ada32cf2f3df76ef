"""Texts on which tokenizers are known to disagree, and texts made from the tokenizer and the corpus at hand."""

from collections.abc import Iterator, Sequence
from random import Random

from malmoi_pipelines.contracts.hangul import SPACE_MARK, has_letter

from malmoi_tokenizer_lab.words import Units

NUM_CONCATENATIONS = 2_000
NUM_RANDOM = 1_000
NUM_DOCUMENTS = 200
UNITS_A_DOCUMENT = 40

FIXED = (
    "대한민국의 모든 권력은 국민으로부터 나온다.",
    "영화is good, 정말로! 2024년 3월 1일(금)",
    "똠방각하 펲시콜라 뷁 쀍 괅",
    "ㅋ" * 40 + " ㅠㅠ ㅎㅎ ㅇㅋ 아ㅏㅏㅏ",
    "\u1112\u1161\u11ab\u1100\u116e\u11a8\u110b\u1165",  # NFD
    "  두 칸   세 칸 끝 두 칸  ",
    " 앞 공백",
    " ",
    "",
    "줄\n바꿈\n\n  들여 쓰기\t탭\r\n끝",
    "The quick brown fox  jumps over the lazy dog.",
    "def f(x):\n    if x:\n        return {'a': [1, 2]}  # 주석\n\n\n\tpass\n",
    "x  =  1;" + " " * 33 + "y\n" + "\n".join(" " * i + "z" for i in range(20)),
    "12,345,678원 3.14% -0.5 1e-9 0x1F 010-1234-5678",
    "👩‍👩‍👧‍👦 🇰🇷 ❤️ 👍🏽 가👨‍💻나 ☺️",
    "漢字와 한글, 日本語とカタカナ, Ελληνικά, العربية, हिन्दी, ภาษาไทย, Việt Nam",
    "e\u0301 ﬁ Ａ１ ｶﾅ ㈜ ㉠ ﾡ \u00ad\u200b\u200d\ufeff\u00a0\u3000x",
    "<0x0A> <|im_end|> <|im_start|> <|reserved_0|> <|endoftext|> < | > <| |> <unk",
    "\x01\x1f\x7f\x80 \U0001f600\U0010ffff\ue000",
    "https://example.com/검색?q=한글&p=1 a_b-c@d.e #해시태그 @이름",
    "어제 친구랑 밥을 먹었는데, 너무 맛있어서 또 가기로 했어요!! 진짜 대박ㅋㅋㅋ 근데 값이 좀...",
    "“그게 무슨 말이야?” 그가 물었다. ‘아무것도 아니에요.’라고 나는 말하지 못했다…",
    "제12조(목적) ① 이 법은 2·4·6호의 각 목을 정함을 목적으로 한다. <개정 2019.1.1.>",
    "띄어쓰기없이이어진긴문장도끝까지같은토큰으로나뉘어야한다",
    "옛말: \u1112\u119e\u11ab글 \u1102\u1161\u11ae\u1109\u119e 나랏〮말〯ᄊᆞ미",
    "It's a well-known fact that \"tokens\" aren't words; they're U.S.-style (e.g. 1,000.5%) pieces.",
    "class A<T extends B> { int[] x = {1,2};\r\n\tfor(;;){ y+=x[0]<<2; } /* 주석 */ }",
    '{"이름": "값", "list": [1, 2.5e-3, null], "nested": {"a b": "c\\n"}}\n',
    "<div class='x'>\n    <p>문단&nbsp;끝</p>\n</div>\n\\frac{a}{b} $x^2$ `코드` **굵게**\n- 항목\n  - 하위",
    "🏴\U000e0067\U000e0062\U000e007f 🧑🏻‍❤️‍💋‍🧑🏿 1️⃣ ©️ 😀😀😀 가😀나",
    "\u0041\u030a \u1e9b\u0323 \u0928\u093f \u0e01\u0e33 \u202eabc\u202c",
    "끝 공백 ",
    "\n 한\n  한\n\t한\n\n\n한 \n",
)


def mask_texts(masks: Sequence[str], others: Sequence[str]) -> list[str]:
    """Masks at every kind of place: alone, first, last, doubled, between spaces, Hangul, Latin, and broken ones.

    Args:
        masks: the masks.
        others: names of rows that must not match: byte pieces and reserved rows.
    """
    texts = []
    for mask in masks:
        around = ["", " ", "  ", "전화", " 전화", "tel:", "\n", "<", ">", "|", "(", mask, mask[:-1], *others]
        texts += [left + mask + right for left in around for right in around]
        texts += [mask[:cut] for cut in range(1, len(mask))] + [mask[cut:] for cut in range(1, len(mask))]
    return texts


def concatenations(pieces: Sequence[str]) -> list[str]:
    """Random sequences of new pieces: the hardest texts for the order of merges. The same ones at every run."""
    random = Random(0)
    return [
        "".join(random.choices(pieces, k=random.randint(1, 6))).replace(SPACE_MARK, " ")
        for _ in range(NUM_CONCATENATIONS if pieces else 0)
    ]


_ALPHABETS = (
    "가각간는다이을은를에서하고했습니까요",
    "뷁쀍힣꿿ㅋㅠㅇㅏㄳ",
    "\u1112\u1161\u11ab\u1100\u116e\u11a8",  # conjoining jamo
    "abcdeTHE_",
    "0123456789.,",
    "(){}[]<>|=+-*/\\'\"#:;",
    "      ",
    "\n\t\r",
    "漢字カナابгд",
    "👩🏽👍🇰❤\ufe0f\u200d",
    "\u00a0\u3000\u200b\u0301\ufeff\x00\x7f",
)


def random_texts(pieces: Sequence[str]) -> list[str]:
    """Random characters of many kinds side by side, and random pieces of base and extension. The same at every run."""
    random = Random(1)
    characters = [
        "".join(random.choice(random.choice(_ALPHABETS)) for _ in range(random.randint(1, 30)))
        for _ in range(NUM_RANDOM)
    ]
    joined = ["".join(random.choices(pieces, k=random.randint(2, 8))) for _ in range(NUM_RANDOM if pieces else 0)]
    return characters + [text.replace(SPACE_MARK, " ") for text in joined]


def unit_documents(units: Units) -> Iterator[list[str]]:
    """Documents as lists of units of the corpus, spread over the table; each unit starts with a space.

    Such units can follow each other in any order: their concatenation is cut into the same units again.
    """
    step = max(1, len(units) // (NUM_DOCUMENTS * UNITS_A_DOCUMENT))
    spaced = [unit for unit in units.text[::step].to_pylist() if unit[0] == " " and unit.strip(" ")]
    for first in range(0, len(spaced), UNITS_A_DOCUMENT):
        yield spaced[first : first + UNITS_A_DOCUMENT]


def without_hangul(texts: Sequence[str]) -> list[str]:
    """The texts in which no Hangul letter occurs."""
    return [text for text in texts if not has_letter(text)]
