import pytest
from malmoi_pipelines.text.html import clear_html


@pytest.mark.parametrize(
    "text",
    [
        "a < b 그리고 c > d",
        "if (a<b && b>c)",
        "<|tell|> <|acc|> <|rrn|>",
        "List<String> <T> <U> vector<int>",
        "#include <map>\n#include <string>",
        "AT&T; R&D",
        "https://example.org/?a=1&copy=2&amp=3",
        "<홍길동>",
        "->a<-",
        "&notanentity;",
    ],
)
def test_what_is_not_html_survives(text):
    assert clear_html(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("&lt;가&gt; &amp; &quot;나&quot;", '<가> & "나"'),
        ("&#44032;&#xAC01;", "가각"),
        ("&amp;amp;amp;", "&"),
        ("한<b>글</b>", "한글"),
        ("한<br>글<BR/>날", "한\n글\n날"),
        ("<p class='x'>가</p>", "\n가\n"),
        ('<A HREF="x">가</a> <I>나', "가 <I>나"),
        ("<td>1</td><td>2</td>", " 1  2 "),
        ('<img id="3" src=a.gif></img>', ""),
        ('<input type="text" disabled>', ""),
        ("가<!-- 주석\n둘째 줄 -->나", "가나"),
        ("가<script type='a'>var x = '<b>';</script>나", "가나"),
        ("<!DOCTYPE html>가", "가"),
    ],
)
def test_html_is_cleared(text, expected):
    assert clear_html(text) == expected


def test_a_text_full_of_unclosed_openings_is_not_slow():
    text = "<!--<script><p a=" * 2000
    assert clear_html(text)
