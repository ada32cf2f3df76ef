import pytest

from pipelines.text.quality import RULES, Thresholds, reject_reason

REVIEW = "배우들의 연기가 참 좋았다"
DEFAULTS = Thresholds()


@pytest.mark.parametrize(
    "text", [REVIEW, REVIEW * 1000, "ㅋㅋㅋ 정말 웃기고 재밌는 영화", "PowerShell 명령을 실행합니다"]
)
def test_ordinary_texts_are_kept(text):
    assert reject_reason(text, DEFAULTS) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("재밌다", "too_short"),
        ("가나다라마바사아자차" * 100_001, "too_long"),
        ("This page has not been translated. 끝", "low_hangul"),
        ("ㅋ" * 10, "repeated_character"),
        ("ㅋ ㅋ ㅋ ㅋ ㅋ ㅋ ㅋ", "repeated_character"),
        ("하" * 30 + REVIEW, "repeated_character"),
        ("ㅎㅋ" * 10, "repeated_character"),
        ("최고다" * 5, "repeated_character"),
        (("-" * 6 + "\n") * 400 + REVIEW * 80, "repeated_character"),
    ],
)
def test_each_rule_fires(text, reason):
    thresholds = DEFAULTS if reason != "repeated_character" else Thresholds(min_hangul_share=0.0)
    assert reject_reason(text, thresholds) == reason


def test_bounds_belong_to_what_is_kept():
    assert reject_reason("가나다라마바사아자차", DEFAULTS) is None
    assert reject_reason("가나다라마바사아자", DEFAULTS) == "too_short"
    assert reject_reason(REVIEW, Thresholds(max_chars=len(REVIEW))) is None
    assert reject_reason(REVIEW, Thresholds(max_chars=len(REVIEW) - 1)) == "too_long"
    assert reject_reason("가나다 abcdefghi", DEFAULTS) is None  # 3 of 12
    assert reject_reason("가나다 abcdefghij", DEFAULTS) == "low_hangul"


def test_a_source_can_have_its_own_thresholds():
    page = "Get-ChildItem 명령 examples and parameters"
    assert reject_reason(page, DEFAULTS) == "low_hangul"
    assert reject_reason(page, Thresholds(min_hangul_share=0.05)) is None


def test_every_rule_says_what_it_is_and_where_it_comes_from():
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.source and rule.description for rule in RULES)
