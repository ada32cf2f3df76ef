"""HTML left over in text: entities and real tags. `a < b`, `List<T>` and `<|tell|>` are none of its business.

Nor is what a text shows of HTML: code between back quotes, as Markdown has it, and tags that are escaped, as they must
be to be seen. So tags go first, and then entities become characters, once.
"""

import html as _html
import re
from html.entities import html5

from malmoi_pipelines.text.code import code_places

# Tag names that are hardly ever anything else in angle brackets, with or without attributes. A capital alone is a type
# parameter more often than a tag.
_BREAKING = (
    "address|article|aside|blockquote|br|center|dd|div|dl|dt|fieldset|figcaption|figure|footer|h[1-6]|hr|li|nav|ol|p|pre|"
    "table|tbody|tfoot|thead|tr|ul"
)
_CELL = "td|th"
_PLAIN = (
    "(?-i:[abisu])|abbr|acronym|big|body|caption|cite|code|col|colgroup|del|em|embed|font|head|html|iframe|img|ins|kbd|mark|meta|"
    "nobr|noscript|rp|rt|ruby|samp|small|span|strike|strong|sub|sup|svg|textarea|tt"
)
# Names that programs use too (`#include <map>`, `List<object>`): a tag only if an attribute follows.
_AMBIGUOUS = (
    "[abisu]|area|audio|base|button|form|header|input|label|link|main|map|object|option|param|section|select|source|"
    "video"
)

_VALUE = r"""(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=]+)"""
_ATTRIBUTE = rf"(?:\s+[a-z_:][\w:.-]*\s*=\s*{_VALUE})"
_FLAG = r"(?:\s+(?:checked|controls|disabled|hidden|noshade|nowrap|readonly|required|selected)\b)"
_TAG = re.compile(
    rf"<(?i:/?(?:(?P<breaking>{_BREAKING})|(?P<cell>{_CELL})|{_PLAIN})(?:{_ATTRIBUTE}|{_FLAG})*\s*/?>"
    rf"|(?:{_AMBIGUOUS}){_ATTRIBUTE}(?:{_ATTRIBUTE}|{_FLAG})*\s*/?>"
    r"|!doctype\s[^<>]*>)",
    re.ASCII,
)
# What no reader sees. Neither looks beyond the next opening: a text full of unclosed ones costs its length, no more.
_COMMENT = re.compile(r"<!--(?:(?!<!--|-->).)*+-->", re.DOTALL)
_SCRIPT = re.compile(r"<(?i:(script|style)\b[^<>]*>(?:(?!</?(?:script|style)\b).)*+</\1\s*>)", re.DOTALL | re.ASCII)
# The semicolon is required: without it `?a=1&copy=2` would become `?a=1©=2`.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_MAY_BE_TAG = re.compile("<[A-Za-z/!]")
_MAY_BE_ENTITY = re.compile("&[#0-9A-Za-z]{1,32};")


def clear_html(text: str) -> str:
    r"""Remove comments, scripts and tags, and unescape entities; block tags and `<br>` become line ends.

    >>> clear_html("<p>A&amp;B &lt; C, `<br>` &lt;br&gt;</p>")
    '\nA&B < C, `<br>` <br>\n'
    """
    cleared = _cleared(text)
    if cleared == text or not (code := code_places(text)):
        return cleared
    parts, start = [], 0
    for first, last in code:
        parts += [_cleared(text[start:first]), text[first:last]]
        start = last
    return "".join([*parts, _cleared(text[start:])])


def _cleared(text: str) -> str:
    if "<" in text:
        text = _TAG.sub(_replacement, _SCRIPT.sub("", _COMMENT.sub("", text)))
    return _ENTITY.sub(_character, text) if "&" in text else text


def html_places(text: str) -> list[int]:
    """Positions of all that `clear_html` might take for markup: where there is none, it changes nothing."""
    return [found.start() for pattern in (_MAY_BE_TAG, _MAY_BE_ENTITY) for found in pattern.finditer(text)]


def _character(entity: re.Match[str]) -> str:
    name = entity[0]
    return _html.unescape(name) if name[1] == "#" else html5.get(name[1:], name)


def _replacement(tag: re.Match[str]) -> str:
    if tag["breaking"]:
        return "\n"
    return " " if tag["cell"] else ""
