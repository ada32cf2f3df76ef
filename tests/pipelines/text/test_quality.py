import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.contracts.config import parse_config
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.text import quality
from malmoi_pipelines.text.measures import Measures
from malmoi_pipelines.text.phrases import no_phrases, packaged_phrases
from malmoi_pipelines.text.quality import GATED, RULES, judge, rule_data
from malmoi_pipelines.text.text_block import TextBlock
from malmoi_pipelines.text.thresholds import PRESETS, Thresholds

from tests import strategies
from tests.pipelines.text import quality_reference as reference

REVIEW = "배우들의 연기가 참 좋았다"
DEFAULTS = Thresholds()
OFF = Thresholds.model_validate(
    {rule.limit: None for rule in RULES if isinstance(rule.limit, str)} | {"words_from": 0, "lines_from": 0}
)
SYLLABLES = "가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허"
RNG = random.Random(1)
PROSE = [" ".join("".join(RNG.choices(SYLLABLES, k=3)) for _ in range(7)) + "." for _ in range(60)]


def reason(text, thresholds=DEFAULTS):
    return judge([text], thresholds).reasons[0]


def only(**bounds):
    return OFF.model_copy(update=bounds)


@pytest.mark.parametrize(
    "text",
    [REVIEW, " ".join(PROSE), "\n".join(PROSE), "ㅋㅋㅋ 정말 웃기고 재밌는 영화", "PowerShell 명령을 실행합니다"],
)
def test_ordinary_texts_are_kept(text):
    assert reason(text) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty", ""),
        ("empty", " \n\t"),
        ("too_short", "재밌다"),
        ("too_long", "가나다라마바사아자차" * 100_001),
        ("low_hangul", "This page has not been translated. 끝"),
        ("repeated_character", "ㅋ" * 10),
        ("repeated_character", "ㅋ ㅋ ㅋ ㅋ ㅋ ㅋ ㅋ"),
        ("repeated_character", "하" * 30 + REVIEW),
        ("few_characters", "ㅎㅋ" * 10),
        ("few_characters", "최고다" * 5),
        ("loose_jamo", "ㅋㅋㅋㅋㅎㅎㅎㅎㅠㅠㅠㅠ 대박"),
        ("short_words", "가 나 다 라 마 바 사 " * 10),
        ("long_words", " ".join(f"{n}가나다라마바사아자차카타파하가나다라마바사아자차카타파하" * 3 for n in range(60))),
        ("hashes", " ".join(f"#해시태그{n} 말" for n in range(60))),
        ("ellipses", " ".join(f"그래서{n}... 음" for n in range(60))),
        ("bullets", "\n".join(f"○ 항목 {n}번은 여기" for n in range(12))),
        ("ellipsis_lines", "\n".join(f"제{n}화 줄거리는 이렇게 시작하…" for n in range(12))),
        ("duplicate_lines", "\n".join([*PROSE[:6], *["짧다"] * 12])),
        ("duplicate_line_chars", "\n".join([*"가나다라", *PROSE[:5] * 2, PROSE[0], PROSE[1]])),
        (
            "top_2gram",
            " ".join(f"{sentence} 다시 말해서" for sentence in PROSE[:5] for _ in range(2)) + " 다시 말해서" * 30,
        ),
        ("duplicate_5grams", " ".join([*PROSE[:10], *PROSE[:10], *PROSE[:10]])),
        ("spam", "카지노사이트 가입머니 꽁머니 카톡문의 24시간상담"),
        ("boilerplate", "본문 바로가기\n로그인 | 회원가입\n무단 전재 및 재배포 금지\n오늘의 짧은 글"),
    ],
)
def test_each_rule_fires(name, text):
    exact = {"too_long", "repeated_character", "few_characters"}
    loose = DEFAULTS.model_copy(update={"min_hangul_share": 0.0, "max_loose_jamo_share": None})
    assert reason(text, loose if name in exact else DEFAULTS) == name


def test_bounds_belong_to_what_is_kept():
    assert reason("가나다라마바사아자차") is None
    assert reason("가나다라마바사아자") == "too_short"
    assert reason(REVIEW, Thresholds(max_chars=len(REVIEW))) is None
    assert reason(REVIEW, Thresholds(max_chars=len(REVIEW) - 1)) == "too_long"
    assert reason("가나다 abcdefghi") is None  # 3 of 12
    assert reason("가나다 abcdefghij") == "low_hangul"


def test_every_rule_but_the_first_can_be_switched_off():
    junk = "ㅋ" * 3 + "\n\n" + "카지노사이트 " * 200
    assert reason(junk, OFF) is None
    assert reason("", OFF) == "empty"
    assert {rule.limit for rule in RULES if isinstance(rule.limit, str)} <= set(Thresholds.model_fields)


def test_every_rule_says_what_it_is_and_where_it_comes_from():
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.source and rule.description for rule in RULES)


def test_every_threshold_belongs_to_a_rule():
    used = {rule.limit for rule in RULES} | {rule.from_[1] for rule in RULES if rule.from_}
    assert set(Thresholds.model_fields) - used == {"language", "spam_lists", "boilerplate_lists"}


def test_short_texts_are_not_judged_by_lines_and_ngrams():
    assert reason("#태그 #태그 #태그 #태그 #영화...") is None
    assert reason("○ 하나입니다\n○ 하나입니다\n○ 하나입니다…") is None


def test_one_spam_phrase_is_not_enough():
    assert reason("온라인 카지노 단속이 강화된다는 기사를 읽었다.") is None
    assert reason("온라인 카지노와 조건만남, 작업대출 광고를 막는 법안이 " + "발의되었다고 합니다. " * 200, OFF) is None


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("korean", "An English sentence, and no more than that.", "low_hangul"),
        ("parallel", "An English sentence, and no more than that.", "low_hangul"),
        ("parallel", "사과를 먹는다. I am eating an apple.", None),
        ("parallel", "사과를 먹는다 그리고 또 먹는다", "high_hangul"),
        ("english", "An English sentence, and no more than that.", None),
        ("english", "사과를 먹는다. I am eating an apple.", "high_hangul"),
        ("english", "1,234 5,678 9,012 3,456 == 7,890", "low_latin"),
        ("any", "1,234 5,678 9,012 3,456 == 7,890", None),
    ],
)
def test_each_language_has_its_own_shares(language, text, expected):
    assert reason(text, Thresholds(language=language)) == expected


def test_a_given_share_wins_over_the_language():
    thresholds = Thresholds(language="english", max_hangul_share=None)
    assert thresholds.max_hangul_share is None
    assert thresholds.min_latin_share == PRESETS["english"]["min_latin_share"]
    assert "min_latin_share" not in thresholds.model_dump(exclude_unset=True)


def test_a_source_that_inherits_may_name_another_language():
    config = CleanConfig(thresholds=Thresholds(min_chars=20), sources={"en": {"thresholds": {"language": "english"}}})
    english = config.policy("en").thresholds
    assert (english.min_chars, english.min_hangul_share, english.min_latin_share) == (20, None, 0.5)


def test_a_judgement_survives_the_round_trip_through_a_manifest():
    thresholds = Thresholds(language="parallel", max_top_2gram_share=None)
    assert Thresholds.model_validate(thresholds.model_dump(mode="json")) == thresholds


def test_chars_and_hangul_share_are_always_measured():
    measures = judge(["가 a", ""], OFF).measures
    assert measures["chars"].tolist() == [3, 0]
    assert measures["hangul_share"].tolist() == [0.5, 0]
    assert judge([], DEFAULTS).reasons == []
    assert judge([], DEFAULTS).measures["chars"].tolist() == []


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("가나다", 1.0),
        ("가 나\n다\u3000라!!", 1.0),
        ("가나 ab", 0.5),
        ("가12３", 0.25),
        ("漢字", 0.0),
        ("\u1112\u1161\u11ab", 1.0),
        ("ﾡ", 1.0),
        ("가😀│─", 1.0),
        ("가\U00020000", 0.5),
    ],
)
def test_hangul_is_counted_among_letters_and_digits(text, share):
    assert judge([text, text * 300], OFF).measures["hangul_share"].tolist() == [share, share]


def test_lists_are_those_of_the_rules_that_are_on():
    lists = {"spam": ("특별한 광고",), "own": ("다른 광고", "특별한 광고"), "boilerplate": ("더 보기",)}
    thresholds = Thresholds(spam_lists=("spam", "own"))
    block = TextBlock.of(["특별한 광고와 다른 광고, 더 보기"])
    spam, boilerplate = rule_data(thresholds, lists.__getitem__).find_phrases(block)
    assert (spam.starts.tolist(), boilerplate.starts.tolist()) == ([0, 8], [15])
    off = thresholds.model_copy(update={"max_spam_density": None})
    spam, boilerplate = rule_data(off, lists.__getitem__).find_phrases(block)
    assert (spam.starts.tolist(), boilerplate.starts.tolist()) == ([], [15])
    assert rule_data(OFF, {}.__getitem__).find_phrases is no_phrases
    assert [len(found.starts) for found in no_phrases(block)] == [0, 0]


def test_nobody_judges_by_files_that_are_not_loaded():
    with pytest.raises(AssertionError, match="nobody has loaded"):
        judge(["가나다"], Thresholds(spam_lists=("spam", "own.txt")))


def test_the_packaged_phrases_are_composed_and_distinct_enough():
    for name in ("spam", "boilerplate"):
        assert all(len(phrase) >= 2 for phrase in packaged_phrases(name))


def test_a_wrong_setting_is_named():
    with pytest.raises(UsageError, match="max_bullet_shar"):
        parse_config(Thresholds, {"max_bullet_shar": 0.5}, "test")


# What the measures look at, in small alphabets so that lines and n-grams repeat.
PIECES = [
    "가",
    "나다",
    "가나",
    "ㅋㅋ",
    "a",
    "é",
    "#",
    "...",
    "..",
    "…",
    "- ",
    "-",
    "○",
    "·",
    "1",
    "漢",
    "😀",
    "\ud800",
    "ﾡ",
]
PIECES += ["다.", "다.)", "라!”", "카지노사이트", "꽁머니", "콜걸", "로그인", "회원가입", "관련기사", "\u1112\u1161"]
GAPS = [" ", " ", " ", "\n", "\n", "\n\n", "\t", "\u3000", "\x1c", ""]
SCRAPS = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(GAPS)), max_size=30).map(
    lambda parts: "".join(map("".join, parts))
)
TEXTS = st.lists(
    st.one_of(SCRAPS, SCRAPS.map(lambda text: text * 3), strategies.texts, st.text(max_size=5)), max_size=6
)


@pytest.mark.long
@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_measures_of_a_block_equal_those_of_each_text_alone(texts):
    measures = Measures(texts, rule_data(DEFAULTS))
    for name, measure in reference.MEASURES.items():
        if name not in GATED:
            np.testing.assert_allclose(getattr(measures, name), list(map(measure, texts)), err_msg=name)
    repeated, distinct = measures.repeated_and_distinct(-1.0, math.inf)
    np.testing.assert_allclose(repeated, list(map(reference.MEASURES["repeated_share"], texts)))
    np.testing.assert_allclose(distinct, list(map(reference.MEASURES["distinct_chars"], texts)))
    for name, taken in (
        ("top_ngram_share", measures.top_ngram_shares),
        ("duplicate_ngram_share", measures.duplicate_ngram_shares),
    ):
        for n, shares in taken(dict.fromkeys(range(1, 8), -1.0)).items():
            np.testing.assert_allclose(shares, [reference.MEASURES[name](text, n) for text in texts], err_msg=name)


SHARE = st.sampled_from([None, 0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8])
BOUNDS = st.fixed_dictionaries(
    {
        name: SHARE
        for name in Thresholds.model_fields
        if name.endswith(("_share", "_per_word")) or name == "max_spam_density"
    }
    | {
        "min_chars": st.sampled_from([None, 1, 5]),
        "max_chars": st.sampled_from([None, 15, 1000]),
        "min_distinct_chars": st.sampled_from([None, 1, 3, 9]),
        "words_from": st.integers(0, 12),
        "lines_from": st.integers(0, 6),
        "spam_phrases_from": st.integers(1, 2),
    }
).filter(
    lambda bounds: not (bounds["min_hangul_share"] or 0) > (1 if (most := bounds["max_hangul_share"]) is None else most)
)


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(TEXTS, BOUNDS)
def test_the_gates_change_no_judgement(texts, bounds):
    thresholds = Thresholds.model_validate(bounds)
    assert judge(texts, thresholds).reasons == [reference.reason(text, thresholds) for text in texts]


@pytest.mark.long
@settings(max_examples=100, deadline=None)
@given(TEXTS, st.integers(1, 20))
def test_a_judgement_does_not_depend_on_blocks(texts, size):
    thresholds = DEFAULTS.model_copy(update={"words_from": 3, "lines_from": 2})
    whole = judge(texts, thresholds)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality, "_BLOCK_CHARS", size)
        parts = judge(texts, thresholds)
    assert parts.reasons == whole.reasons
    for name, values in whole.measures.items():
        np.testing.assert_array_equal(parts.measures[name], values)


@pytest.mark.parametrize("text", ["가" * 300_000, "가 " * 150_000, "가\n" * 150_000, "로그인" * 100_000])
def test_long_repetitive_texts_are_judged_like_short_ones(text):
    assert reason(text) == ("few_characters" if "로" in text else "repeated_character")
    assert reason(text, only(max_duplicate_5gram_share=0.5)) == ("duplicate_5grams" if len(text.split()) > 1 else None)


def test_every_rule_has_a_measure_written_a_second_time():
    measured = {rule.measure for rule in RULES} | {rule.from_[0] for rule in RULES if rule.from_}
    assert measured - {"language_score"} <= reference.MEASURES.keys()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("�븞�뀞�븯�꽭�슂 �삤�뒛��� �궇�뵪媛� 醫뗭뒿�땲�떎", "damaged"),
        ("한국� 텍스트에 � 대체 문자가 섞�어 있는 문장이다", "damaged"),
        ("한 글자만 � 깨진 긴 글은 그대로 남는다. " * 8 + "그래도 읽을 만하다.", "damaged"),
        ("한 글자만 깨진 긴 글은 그대로 남는다. " * 20 + "여기 하나 �.", None),
    ],
)
def test_text_that_lost_its_bytes_goes_and_one_lost_letter_does_not_matter(text, reason):
    off = {"max_repeated_share": None, "max_top_2gram_share": None, "max_top_3gram_share": None}
    off |= {"max_top_4gram_share": None, **{f"max_duplicate_{n}gram_share": None for n in range(5, 11)}}
    assert judge([text], Thresholds(**off)).reasons == [reason]
