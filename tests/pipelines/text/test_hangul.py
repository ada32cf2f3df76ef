from pipelines.text import hangul


def test_letters_are_syllables_and_compatibility_jamo():
    assert all(map(hangul.is_letter, "가힣ㄱㅎㅏㆎ"))
    assert not any(map(hangul.is_letter, ["a", "1", "漢", "\u1100", "あ", " ", ""]))
