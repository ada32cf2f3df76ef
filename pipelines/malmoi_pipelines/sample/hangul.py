"""The generated Korean vocabulary: syllables by frequency of onset, nucleus and coda; stems of one to four of them."""

import functools
import re

import numpy as np

from malmoi_pipelines.sample.draws import Ints, bits, key_of, quantile_table, stream

ONSETS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
NUCLEI = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
CODAS = "_ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"


def _frequencies(listed: str) -> dict[str, float]:
    return {item[0]: float(item[1:]) for item in listed.split()}


# Relative frequencies (rounded) of letters in Korean nouns; rare codas are left to verbs.
_ONSET = _frequencies("ㅇ200 ㄱ130 ㅅ100 ㅈ100 ㄷ80 ㅎ70 ㅂ60 ㄹ60 ㅁ60 ㄴ50 ㅊ40 ㅍ30 ㅌ25 ㅋ20 ㄸ8 ㄲ8 ㅆ4 ㅃ2 ㅉ1")
_NUCLEUS = _frequencies(
    "ㅏ200 ㅣ160 ㅓ110 ㅗ120 ㅜ110 ㅡ60 ㅐ50 ㅕ60 ㅔ40 ㅛ15 ㅠ20 ㅑ15 ㅘ15 ㅚ10 ㅝ10 ㅟ8 ㅢ6 ㅖ6 ㅙ1"
)
_CODA = _frequencies("_460 ㄴ140 ㅇ130 ㄹ80 ㄱ90 ㅁ50 ㅂ30 ㅅ10")
_VERB_CODA = _frequencies("ㄱ30 ㄲ10 ㅈ25 ㅌ15 ㅍ15 ㅆ5")

NOUNS, ADVERBS, NATIVE_VERBS = 120_000, 1_500, 600
SYLLABLES = 1_100  # of 11,172; running text knows little more
_SYLLABLE_BITS = 16

# Words that decide between a personal number and a look-alike: they stand only where a planting puts them.
_RESERVED = re.compile(
    "계좌|예금|입금|송금|이체|통장|뱅크|은행|농협|수협|신협|축협|금고|카뱅|케뱅|신한|우리|하나|국민|기업|산업|토스|카카오|"
    "우체국|부산|대구|광주|전북|경남|제주|주문|송장|등록|사업|법인|면허|카드|여권|전화|연락|사건|우편|주민|외국인|생년|"
    "바코드|등기|팩스|휴대|번호"
)


def _syllable_table(codas: dict[str, float]) -> Ints:
    """Quantile table of syllables' code points: the commonest of all combinations, steeper than their product."""
    product = np.einsum(
        "i,j,k->ijk",
        *(
            np.array([weights.get(letter, 0) for letter in alphabet], np.float64)
            for alphabet, weights in ((ONSETS, _ONSET), (NUCLEI, _NUCLEUS), (CODAS, codas))
        ),
    ).ravel()
    weights = product * np.sqrt(product)  # sqrt is exact to the last bit on every machine, a power is not
    common = np.sort(np.argsort(-weights, kind="stable")[:SYLLABLES])
    return 0xAC00 + common[quantile_table(weights[common], _SYLLABLE_BITS)]


def _stems(name: str, count: int, lengths: list[float], last_codas: dict[str, float]) -> list[str]:
    """Up to `count` distinct stems; `lengths` are the weights of 1, 2, ... syllables."""
    width = len(lengths)
    tries = np.arange(count + count // 2 + 500, dtype=np.uint64)
    key = np.full(1, key_of("hangul", name), np.uint64)
    size = quantile_table(lengths, 10)[bits(stream(key, tries), 30, 10)]
    table, last = _syllable_table(_CODA), _syllable_table(last_codas)
    draws = [bits(stream(key ^ np.uint64(place + 1), tries), 0, _SYLLABLE_BITS) for place in range(width)]
    letters = np.stack([table[draw] for draw in draws], axis=1).astype(np.uint32)
    letters[tries.astype(np.intp), size] = last[bits(stream(key ^ np.uint64(width + 1), tries), 0, _SYLLABLE_BITS)]
    letters[np.arange(width) > size[:, None]] = 0
    words = letters.view(f"<U{width}").ravel().tolist()  # NumPy drops the trailing zeros
    return [word for word in dict.fromkeys(words) if not _RESERVED.search(word)][:count]


@functools.cache
def nouns() -> tuple[str, ...]:
    """Noun stems by rank: common nouns are short."""
    short = _stems("common noun", NOUNS // 30, [0.06, 0.80, 0.14], _CODA)
    long = _stems("noun", NOUNS, [0.0, 0.35, 0.45, 0.20], _CODA)
    return tuple(dict.fromkeys(short + long))[:NOUNS]


@functools.cache
def adverbs() -> tuple[str, ...]:
    """Adverbs by rank."""
    stems = _stems("adverb", ADVERBS, [0.05, 0.7, 0.25], _CODA)
    return tuple(word + "히" if index % 3 == 0 else word for index, word in enumerate(stems))


@functools.cache
def native_verbs() -> tuple[str, ...]:
    """Verb stems that end in a consonant and inflect regularly."""
    return tuple(_stems("verb", NATIVE_VERBS, [0.3, 0.7], _VERB_CODA))


def final_class(word: str) -> int:
    """How a word ends, which picks its particles: 0 in a vowel, 1 in a consonant, 2 in ㄹ.

    >>> [final_class(word) for word in ("나무", "사람", "길", "data")]
    [0, 1, 2, 0]
    """
    code = ord(word[-1]) - 0xAC00
    coda = code % 28 if 0 <= code < 11172 else 0
    return 0 if coda == 0 else 2 if CODAS[coda] == "ㄹ" else 1


def is_bright(stem: str) -> bool:
    """Whether the last vowel is ㅏ or ㅗ: vowel harmony then asks for 아 rather than 어."""
    return NUCLEI[(ord(stem[-1]) - 0xAC00) // 28 % 21] in "ㅏㅗ"
