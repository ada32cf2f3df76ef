import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.text.repeats import cut_repeats


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ㅋㅋㅋㅋㅋ", "ㅋㅋㅋ"),
        ("안녕ㅋㅋㅋㅋ", "안녕ㅋㅋㅋ"),
        ("ㅠㅠㅠㅠ ㅎㅎㅎㅎㅎ", "ㅠㅠㅠ ㅎㅎㅎ"),
        ("최고!!!!!! 진짜????", "최고!!! 진짜???"),
        ("좋아요~~~~~ 네^^^^", "좋아요~~~ 네^^^"),
        ("그래서...... 음;;;;;", "그래서... 음;;;"),
        ("♥♥♥♥♥ ★★★★", "♥♥♥ ★★★"),
        ("ㅋㅋㅋㅋ!!!!ㅋㅋㅋㅋ", "ㅋㅋㅋ!!!ㅋㅋㅋ"),
    ],
)
def test_runs_of_emoticons_are_cut(text, expected):
    assert cut_repeats(text, 3) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1000000원 20000 3.14159265",
        "하하하하하 와아아아아 가가가가가",
        "zzzzzz aaaa ZZZZ",
        "ㅋㅎㅋㅎㅋㅎㅋㅎ ㅠㅜㅠㅜㅠㅜ",
        "제목\n=====\n------\n######\n*****\n_____\n+++++",
        "~~~~python\n코드\n~~~~\n",
        "    x = 1\n    ^^^^^\n",
        "1장 ............ 12",
        ";;;; lisp",
        "127.0.0.1 a,,,,b",
        "ㅋㅋㅋ!!!^^",
    ],
)
def test_everything_else_stays(text):
    assert cut_repeats(text, 3) == text


@given(st.text(st.sampled_from("ㅋㅠ!?~^.;…♥가a1 \n-"), max_size=40), st.integers(2, 5))
def test_cutting_twice_changes_nothing_more(text, longest):
    once = cut_repeats(text, longest)
    assert cut_repeats(once, longest) == once
    assert [char for char in once if char in "가a1 \n-"] == [char for char in text if char in "가a1 \n-"]
