import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.text import hangul


def test_letters_are_syllables_and_compatibility_jamo():
    assert all(map(hangul.is_letter, "가힣ㄱㅎㅏㆎ"))
    assert not any(map(hangul.is_letter, ["a", "1", "漢", "\u1100", "あ", " ", ""]))


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0.0),
        (" \n\t", 0.0),
        ("가나다", 1.0),
        ("가 나\n다\u3000라", 1.0),
        ("가나 ab", 0.5),
        ("漢字", 0.0),
        ("\u1112\u1161\u11ab", 1.0),
        ("ﾡ", 1.0),
        ("가😀", 0.5),
    ],
)
def test_share_counts_hangul_among_visible_characters(text, share):
    assert hangul.hangul_share(text) == share
    assert hangul.hangul_share(text * 500) == share  # the way for long texts


@given(st.text(st.sampled_from("가ㅋ\u1100a漢😀 \n\u3000\x1c\ud800"), min_size=1, max_size=30))
def test_the_ways_for_long_and_short_texts_agree(text):
    assert hangul.hangul_share(text) == hangul.hangul_share(text * 500)
