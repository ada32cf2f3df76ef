import time

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
        ("&amp;amp;amp;", "&amp;amp;"),
        ("&lt;br&gt; &amp;lt;br&amp;gt; &amp;nbsp;", "<br> &lt;br&gt; &nbsp;"),
        ("&lt;div class='a'&gt;글&lt;/div&gt;<p>&lt;!-- 주석 --&gt;", "<div class='a'>글</div>\n<!-- 주석 -->"),
        ("&lt;script&gt;x&lt;/script&gt;", "<script>x</script>"),
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


CODE = '<div class="a">\n  <!-- 주석 --><br/>\n  &lt;b&gt; &amp;nbsp;\n  <script>x</script>\n</div>\n'


@pytest.mark.parametrize("fence", ["```", "````", "~~~"])
@pytest.mark.parametrize("indent", ["", "  ", "    ", "> "])
@pytest.mark.parametrize("info", ["", "html", " xml title='a'"])
def test_code_between_fences_is_never_touched(fence, indent, info):
    code = "".join(f"{indent}{line}\n" for line in [f"{fence}{info}", *CODE.splitlines(), fence])
    assert clear_html(f"<p>앞</p>\n{code}<b>뒤</b> &lt;") == f"\n앞\n\n{code}뒤 <"


@pytest.mark.parametrize("code", ["`<br>`", "``<a href='x'>`&amp;`</a>``", "`&nbsp;`", "`List<b>`"])
def test_code_within_a_line_is_never_touched(code):
    assert clear_html(f"<i>줄</i>은 {code}로 바꾸고 &amp; 또 <b>{code}</b>") == f"줄은 {code}로 바꾸고 & 또 {code}"


@pytest.mark.parametrize("text", ["```\n<b>가</b>\n", "`<b>가</b>\n`", "~~~~ 좋아요 <b>가</b>\n~~ 네", "`` <b>가</b>`"])
def test_a_fence_that_is_not_closed_is_none(text):
    assert clear_html(text) == text.replace("<b>", "").replace("</b>", "")


@pytest.mark.parametrize("text", ["```\n" * 20_000, "`a" * 50_000, "~~~\n" + "`" * 100_000, "``` \n`" * 20_000])
def test_back_quotes_without_end_are_not_slow(text):
    start = time.process_time()
    clear_html(text + "<b>")
    assert time.process_time() - start < 2


def test_a_text_full_of_unclosed_openings_is_not_slow():
    text = "<!--<script><p a=" * 2000
    assert clear_html(text)
