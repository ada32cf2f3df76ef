"""The shadow: the same text, as long to the character, in which digits, dashes and spaces have one form each.

Detection runs on the shadow, masking on the text. NFKC would not do: it makes digits of ① and ², and changes lengths.
"""

import re

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u3161\uff0d"  # the last but one is the vowel ㅡ, typed as a dash
_MIDDLE_DOTS = "\u00b7\u318d\u30fb\uff65"
_SPACES = "\u00a0\u2002\u2003\u2009\u3000"
_FULL_WIDTH = "".join(chr(code) for code in range(0xFF01, 0xFF5F))

_PLAIN = {
    **{wide: chr(ord(wide) - 0xFEE0) for wide in _FULL_WIDTH},
    **dict.fromkeys(_DASHES + _MIDDLE_DOTS, "-"),
    **dict.fromkeys(_SPACES, " "),
    "\u223c": "~",
    "\u301c": "~",
}
_VARIANT = re.compile("[" + "".join(_PLAIN) + "]")

MASKED = "*●○◯◎■□•xX#×"
"""Inside of a regex class: what sources put in the place of digits they hide."""

BEFORE = r"(?<![0-9A-Za-z])(?<![0-9A-Za-z][-_/])(?<![0-9]\.)"
"""Left boundary of a number. Never a word boundary: a Hangul particle or label may touch the digits."""
AFTER = r"(?![0-9A-Za-z])(?![-_/][0-9A-Za-z])(?!\.[0-9])"
"""Right boundary of a number."""

# At least six digits (or masks of digits) in a row with at most four separators between neighbours. Nothing outside of
# such zones is looked at, so a text without numbers costs one scan.
_ZONE = re.compile(f"[0-9](?:[-. ()~/]{{0,4}}[0-9{MASKED}]){{5,}}")
_GATE = re.compile("[0-9０-９](?:[^0-9０-９\n]{0,4}[0-9０-９]){5}")
_DATE = re.compile(r"(?:19|20)?[0-9]{2}[-.] ?[0-9]{1,2}[-.] ?[0-9]{1,2}|[0-9]{6,8}[.]?")


def has_numbers(text: str) -> bool:
    """Whether anything in `text` could be personal data: the gate that most documents do not pass."""
    return _GATE.search(text) is not None


def shadow_of(text: str) -> str:
    """The text with one form of digits, dashes and spaces; as long as `text`.

    >>> shadow_of("０１０–１２")
    '010-12'
    """
    return _VARIANT.sub(lambda match: _PLAIN[match[0]], text)


def zones(shadow: str) -> list[tuple[int, int]]:
    """Where the digits stand dense enough for personal data: [start, end) in characters; plain dates left out.

    Each is wider than its digits: a bracket, a plus and a space may open a phone number, and two characters behind
    decide whether a number ends there.
    """
    found = (match.span() for match in _ZONE.finditer(shadow) if not _DATE.fullmatch(match[0]))
    return [(max(0, start - 3), end + 2) for start, end in found]
