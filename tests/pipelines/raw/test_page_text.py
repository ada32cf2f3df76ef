"""No visible Korean character of a page's main content is lost: one-syllable words in any element, and short lists."""

import pytest
from malmoi_pipelines.raw.page_text import _INVISIBLE, page_text

PROSE = (
    "<p>나라의 말이 중국과 달라 한자와는 서로 통하지 아니하므로 어리석은 백성이 말하고자 하는 바가 있어도 못한다.</p>"
)
MENU = '<ul><li><a href="/">처음</a></li><li><a href="/a">소개</a></li><li><a href="/b">오시는 길</a></li></ul>'
TAGS = [
    "a",
    "b",
    "i",
    "em",
    "strong",
    "span",
    "u",
    "font",
    "sup",
    "sub",
    "mark",
    "code",
    "small",
    "q",
    "cite",
    "p",
    "h2",
    "h3",
    "td",
    "li",
    "blockquote",
    "pre",
    "div",
    "dd",
]
# Particles, words, arrows, Hanja, kana, a letter of its own; and how a page may spell them.
CHARACTERS = {char: char for char in "은는이가의밥꼭값→漢のㅋ…"} | {"&rarr;": "→", "&#51008;": "은", "&#xC740;": "은"}
POSITIONS = ["앞말{}뒷말", "앞말 {} 뒷말", "{}로 시작하는 줄", "줄의 끝에 {}", "{}"]


def shown(inner, before=""):
    """What is read between two paragraphs of prose."""
    page = f"<html><body>{before}<main><article>{PROSE}{inner}{PROSE}</article></main></body></html>"
    text = page_text(page, main_content=True)
    assert text.count("어리석은 백성이") == 2
    return text.split("못한다.")[1].split("나라의 말이")[0]


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("space", ["{}", " {}", "{} ", "\n{}\n"])
def test_a_word_of_one_syllable_is_kept_in_any_element_anywhere(tag, space):
    for spelled, char in CHARACTERS.items():
        for position in POSITIONS:
            inner = position.format(f"<{tag}>{space.format(spelled)}</{tag}>")
            assert char in shown(f"<p>{inner}</p>"), inner


def test_text_between_two_elements_is_kept_as_it_stands():
    inner = (
        "<a>서울</a>은 <a>대한민국</a>의 수도이며 <a>한강</a>과 <a>남산</a>이 있다. "
        "나는 <b>밥</b>을 <span>꼭</span> 먹었다."
    )
    assert shown(f"<p>{inner}</p>").strip() == "서울은 대한민국의 수도이며 한강과 남산이 있다. 나는 밥을 꼭 먹었다."


@pytest.mark.parametrize("missing", _INVISIBLE)
def test_what_helps_leaves_no_trace_and_takes_nothing_of_the_pages_own(missing):
    own = "".join(_INVISIBLE).replace(missing, "")
    text = shown(f"<p>앞<b>은</b>뒤{own}</p>")
    assert text.strip() == f"앞은뒤{own}".strip()
    assert shown(f"<p>앞말과 뒷말{_INVISIBLE}</p>").strip() == f"앞말과 뒷말{_INVISIBLE}"


def test_icons_of_a_private_font_stay_out():
    assert shown("<p>앞말 <i>\ue001</i> 뒷말 <i>&#xe001;</i></p>").split() == ["앞말", "뒷말"]


@pytest.mark.parametrize("kind", ["<ul>{}</ul>", "<UL class='x'>{}</UL >", "<div><ul>{}</ul></div>", "<ul>{}"])
def test_short_lists_of_an_article_are_kept(kind):
    items = ["물 500 g", "소금 약간", "파", "값"]
    text = shown(kind.format("".join(f"<li>{item}</li>" for item in items)))
    assert [line.strip(" •") for line in text.split("\n") if line.strip(" •")] == items


@pytest.mark.parametrize(
    "before", [MENU, f"<nav>{MENU}</nav>", f"<div><div>{MENU}</div></div>", f"<header>{MENU}</header>"]
)
def test_menus_stay_out(before):
    page = f"<html><body>{before}<main><article>{PROSE}</article></main></body></html>"
    assert "소개" not in page_text(page, main_content=True)
    assert "소개" not in shown(MENU)


def test_without_main_content_all_is_taken():
    assert "처음" in page_text(f"<html><body>{MENU}<p>글</p></body></html>", main_content=False)
