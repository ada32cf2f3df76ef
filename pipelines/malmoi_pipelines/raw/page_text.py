"""The text of a web page, by resiliparse, and ways round what its rules of main content lose."""

import re
from html import unescape

from resiliparse.extract.html2text import extract_plain_text

# resiliparse 2.0.1 (`_is_unprintable_pua`) takes a lone character of three UTF-8 bytes for one of a private-use font,
# which draws an icon, and leaves it out: 서울<a>은</a>, a bold 밥, an arrow, Hanja, kana. With a second character
# beside it, it stays. The real ones are left alone.
_ALONE = re.compile(r">\s*(&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});|[^\s<>&])(?=\s*<)", re.IGNORECASE)
_INVISIBLE = "\u2060\u2061\u2062\u2063\u2064"
# It leaves out every <ul> less than four elements below <body>, menus or not. Deeper ones it judges by their links.
_LIST_BEGINS, _LIST_ENDS = re.compile(r"<ul(?=[\s>])", re.IGNORECASE), re.compile(r"</ul\s*>", re.IGNORECASE)
_DEEPER, _BACK = "<div>" * 4, "</div>" * 4


def page_text(html: str, main_content: bool) -> str:
    """The text that a reader of a page sees, block by block.

    Args:
        html: the page.
        main_content: leave out menus, footers and their like.

    >>> page_text("<main><p><a>서울</a>은 <a>대한민국</a>의 수도이고, <b>참</b> 볼 것이 많다.</p></main>", True)
    '서울은 대한민국의 수도이고, 참 볼 것이 많다.'
    """
    if not main_content:
        return extract_plain_text(html, main_content=False, alt_texts=False)
    html = _LIST_ENDS.sub(rf"\g<0>{_BACK}", _LIST_BEGINS.sub(rf"{_DEEPER}\g<0>", html))
    beside = next((char for char in _INVISIBLE if char not in html), "")  # a page that has them all is left as it is
    guarded = _ALONE.sub(lambda match: match[0] if _is_icon(match[1]) else match[0] + beside, html)
    text = extract_plain_text(guarded, main_content=True, alt_texts=False)
    return text.replace(beside, "") if beside else text


def _is_icon(spelled: str) -> bool:
    """Whether a character, as a page spells it, is of a private-use font."""
    return "\ue000" <= unescape(spelled)[0] <= "\uf8ff"
