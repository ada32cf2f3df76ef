"""The character set of a web page, told by its bytes, its look and its server; one bad byte costs one character."""

from typing import NamedTuple

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

# What calls itself EUC-KR on the web is its superset (WHATWG Encoding, "euc-kr"); the other names of that are no labels
# of the standard, but in use.
CP949 = {"euc_kr", "euckr", "cp949", "ms949", "uhc", "x-windows-949"}
LATIN = {"cp1252", "iso8859-1", "iso8859-15"}
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
REPLACED = "\ufffd"
# Good characters beyond ASCII for each bad byte: in UTF-8 hardly any other text makes good ones, CP949 takes many for
# some.
GOOD_A_BAD = {"utf-8-sig": 2}
GOOD_A_BAD_ELSE = 10


class Decoded(NamedTuple):
    """The text of a page."""

    text: str
    replaced: int = 0
    """Bad bytes, or runs of them, in whose place U+FFFD stands."""


def decode_page(content: bytes, charset: str | None) -> Decoded | None:
    """Decode as UTF-8 if it is, else as the page, its look, and the server say, in this order; None if it is none.

    Servers name a character set for all their pages, so what they say counts least. In a Latin one all bytes are text:
    what can be Korean, too, is. A few bytes that are wrong in what else is text of a set are replaced.
    """
    if (text := _strict(content, "utf-8-sig")) is not None:
        return Decoded(text)
    if (mended := _mended(content, "utf-8-sig")) is not None:
        return mended
    marked = "utf-16" if content.startswith(UTF_16_MARKS) else None
    found = detect_encoding(content, from_html_meta=True)
    names = [name for name in (marked, _codec(found), _codec(charset), "cp949") if name]
    for name in names:
        if name in LATIN and (korean := _korean(content)) is not None:
            return korean
        if (text := _strict(content, name)) is not None:
            return Decoded(text)
    tried = (_mended(content, name) for name in dict.fromkeys(names))
    return min((mended for mended in tried if mended), key=lambda mended: mended.replaced, default=None)


def decode_utf8(content: bytes) -> Decoded | None:
    """Decode as UTF-8, a few bad bytes replaced; None if it is none."""
    text = _strict(content, "utf-8")
    return Decoded(text) if text is not None else _mended(content, "utf-8-sig")


def _strict(content: bytes, name: str) -> str | None:
    try:
        text = content.decode(name)
        text.encode()  # no surrogates, whatever the codec
    except (ValueError, LookupError):
        return None
    return text


def _mended(content: bytes, name: str) -> Decoded | None:
    """Decode with a few bad bytes replaced; None if there are too many for the text to be of that character set."""
    try:
        text = content.decode(name, "replace")
        text.encode()
    except (ValueError, LookupError):
        return None
    replaced = text.count(REPLACED) - (content.count(REPLACED.encode()) if name == "utf-8-sig" else 0)
    good = sum(char > "\x7f" for char in text) - replaced
    return Decoded(text, replaced) if GOOD_A_BAD.get(name, GOOD_A_BAD_ELSE) * replaced <= good else None


def _korean(content: bytes) -> Decoded | None:
    """Bytes as CP949, if they are, and most of what is no ASCII is Hangul.

    >>> _korean("나라 café".encode("cp949", "ignore")), _korean("café".encode("latin-1"))
    (Decoded(text='나라 caf', replaced=0), None)
    """
    decoded = _mended(content, "cp949")
    if decoded is None:
        return None
    beyond = [char for char in decoded.text if char > "\x7f"]
    hangul = sum("가" <= char <= "힣" for char in beyond)
    return decoded if beyond and 2 * hangul >= len(beyond) else None


def _codec(label: str | None) -> str | None:
    """Python's name of an encoding of the web; None for what is none: Python has codecs that are no encodings.

    >>> _codec("KS_C_5601-1987"), _codec("windows-31j"), _codec("unicode_escape")
    ('cp949', 'shift_jis', None)
    """
    name = (label or "").strip().lower()
    known = name if name in CP949 else map_encoding_to_html5(name, fallback_utf8=False)
    return "cp949" if known in CP949 else known
