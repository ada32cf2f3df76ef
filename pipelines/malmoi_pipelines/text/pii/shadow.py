"""The shadow: the same text in which digits, dashes and spaces have one form each and nothing invisible is left.

Detection runs on the shadow, masking on the text. NFKC would not do: it makes digits of ① and ², and loses the offsets.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from malmoi_pipelines.text.spaces import OTHER_SPACES

# U+3161 is the vowel ㅡ, U+30FC the mark of a long kana, U+2500 part of a box: all typed as dashes.
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2500\u30fc\u3161\ufe63\uff0d"
_MIDDLE_DOTS = "\u00b7\u2024\u2027\u2219\u22c5\u318d\u30fb\uff65"
_BULLET = "\u2022"  # a middle dot between digits; elsewhere it hides them
_FULL_WIDTH = "".join(chr(code) for code in range(0xFF01, 0xFF5F) if code != 0xFF0D)
_TILDES = "\u223c\u301c"

# The controls and marks that `text.character_rules` removes (no surrogates, which stay what they are), and more that
# stand unseen in a number: every joiner, U+034F, U+061C, variation selectors and U+20E3, which `keycap` emoji end in.
_INVISIBLE = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
)
_REMAP = re.compile(f"[{_INVISIBLE}]+|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")
REMAPPED = f"{_INVISIBLE}\u1161-\u1175"  # no syllable is decomposed without a vowel
"""Inside of a regex class: the characters for which a text must be stripped."""
_REMAPPED = re.compile(f"[{REMAPPED}]")

# Behind hyphens a middle dot parts numbers, or a number and its tail: 02-345-6788·9.
_VARIANT = re.compile(
    f"[{_DASHES}{OTHER_SPACES}{_TILDES}{_FULL_WIDTH}]|(?<![-.][0-9]{{4}})[{_MIDDLE_DOTS}]"
    f"|(?<=[0-9０-９]){_BULLET}(?=[0-9０-９])"
)
_PLAIN = {wide: chr(ord(wide) - 0xFEE0) for wide in _FULL_WIDTH} | dict.fromkeys(_DASHES + _MIDDLE_DOTS + _BULLET, "-")

DIGIT = "0-9０-９"
"""Inside of a regex class: the digits of a raw text."""
SEPARATOR = rf"\-. ()~/－．（）～／{_DASHES}{_MIDDLE_DOTS}{OTHER_SPACES}{_TILDES}"
"""Inside of a regex class: what stands between the digits of a number in a raw text."""
MASKED = "*●○◯◎■□•xX#×"
"""Inside of a regex class: what sources put in the place of digits they hide."""
MASKED_RAW = f"{MASKED}＊ｘＸ＃"
"""The same in a raw text."""

BEFORE = r"(?<![0-9A-Za-z])(?<![0-9A-Za-z][-_/])(?<![0-9]\.)"
"""Left boundary of a number. Never a word boundary: a Hangul particle or label may touch the digits."""
AFTER = r"(?![0-9A-Za-z])(?![-_/][0-9A-Za-z])(?!\.[0-9])"
"""Right boundary of a number."""


@dataclass(frozen=True)
class Stripped:
    """A text without invisible characters and with composed syllables, and where its characters came from."""

    text: str
    keys: Sequence[int]
    """Ascending: 2p where the character before p was longer, 2p + 1 where invisible ones stood before p."""
    deltas: Sequence[int]
    """The distance between a position and its origin from each key on."""

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original text that [start, end) came from; what is invisible around it stays out."""
        return start + self._delta(2 * start + 1), end + self._delta(2 * end)

    def _delta(self, key: int) -> int:
        place = bisect_right(self.keys, key)
        return self.deltas[place - 1] if place else 0


def is_remapped(text: str) -> bool:
    """Whether a text must be stripped."""
    return _REMAPPED.search(text) is not None


def strip(text: str) -> Stripped:
    r"""Remove invisible characters and compose syllables (a file from macOS has 전화 in five letters).

    >>> stripped = strip("전\u200b화 01\ufeff0")
    >>> stripped.text, stripped.origin(3, 6)
    ('전화 010', (4, 8))
    """
    pieces: list[str] = []
    keys: list[int] = []
    deltas: list[int] = []
    done = delta = 0
    for match in _REMAP.finditer(text):
        start, end = match.span()
        pieces.append(text[done:start])
        place = start - delta
        composed = "\u1100" <= match[0][0] <= "\u1112"
        if composed:
            pieces.append(unicodedata.normalize("NFC", match[0]))
        delta += end - start - composed
        keys.append(2 * (place + 1) if composed else 2 * place + 1)
        deltas.append(delta)
        done = end
    return Stripped("".join([*pieces, text[done:]]), keys, deltas)


def shadow_of(text: str) -> str:
    """The text with one form of digits, dashes and spaces; as long as `text`.

    >>> shadow_of("０１０–１２")
    '010-12'
    """
    return _VARIANT.sub(_plain, text)


def _plain(match: re.Match[str]) -> str:
    char = match[0]
    return _PLAIN.get(char) or ("~" if char in _TILDES else " ")
