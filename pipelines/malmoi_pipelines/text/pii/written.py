"""What people write for the digits of a number, and between them, where they do not want it found or have no keypad.

Letters that look like digits, syllables and Hanja that name them, digits of other scripts; marks, words and one line
end between two digits. Every digit is one character, so a number keeps its length and its offsets.
"""

import itertools
import re
from typing import NamedTuple

from malmoi_pipelines.text.pii.shadow import SEPARATOR

_NAMES = ("공영빵〇零", "일一壹", "이二貳", "삼三參", "사四", "오五", "육륙六", "칠七", "팔八", "구九")
_LETTERS = ("OoＯｏㅇ", "lIＩｌㅣ", *[""] * 8)
_ZEROS = (0x30, 0xFF10, 0x0660, 0x06F0, 0x0966, 0x2080, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6)  # 1 to 9 follow
_ENCLOSED = ("⓪⓿⁰", "①❶¹", "②❷²", "③❸³", "④❹⁴", "⑤❺⁵", "⑥❻⁶", "⑦❼⁷", "⑧❽⁸", "⑨❾⁹")
_FIGURES = tuple("".join(chr(zero + value) for zero in _ZEROS) + _ENCLOSED[value] for value in range(10))

LETTERS = "".join(_LETTERS)
"""Inside of a regex class: letters that look like a digit."""
NAMES = "".join(_NAMES)
"""Inside of a regex class: characters that name a digit."""
FIGURES = "".join(_FIGURES)
"""Inside of a regex class: digits, of ASCII and others."""
VALUES = tuple(map("".join, zip(_FIGURES, _LETTERS, _NAMES, strict=True)))
"""Inside of a regex class: all that stands for 0, for 1, and so on to 9; letters look like digits, too."""

ANY = "".join(VALUES)
"""Inside of a regex class: all of them."""
_MARK = rf"{SEPARATOR}\[\]{{}}_,:;|=+*#^…→\t＿，：；｜＝＋＃"
SPOKEN = "다시"
"""The mark that the words for a hyphen are."""
_WORDS = f"{SPOKEN}|국에|국|에|대시|하이픈|점|쩜"
BETWEEN = _MARK + "".join(sorted(set(_WORDS) - {"|"})) + r"\r\n"
"""Inside of a regex class: what may stand between two digits."""
# One line end at most: a block of texts has two between its texts.
GAP = rf"(?:[{_MARK}]{{0,4}}+(?:\r?\n[{_MARK}]{{0,4}}+(?![A-Za-zㅇ]))?+(?: ?(?:{_WORDS}) ?)?+)"
"""Between two digits; may be nothing."""
NEXT = f"(?=[{ANY}{BETWEEN}])"
"""Ahead of a gap and a digit: one look that most digits of a text do not pass."""

_WORD_SPACES = 2  # more are of a table
_VALUE = str.maketrans({char: str(value) for value, chars in enumerate(VALUES) for char in chars})
_TOKEN = re.compile(f"[{ANY}](?<!하이)")  # of the word for a hyphen


class Written(NamedTuple):
    """A number as it is written."""

    digits: str
    """In ASCII."""
    chars: str
    """As they stand there."""
    gaps: tuple[str, ...]
    """What stands before each digit: marks or a space, a line end, both, or nothing."""
    ends: tuple[int, ...]
    """Where each digit ends, in characters from the start of the number."""

    def first(self, count: int) -> "Written":
        """The number of the first `count` digits."""
        return Written(self.digits[:count], self.chars[:count], self.gaps[:count], self.ends[:count])

    def groups(self) -> tuple[int, ...]:
        """How many digits stand together; those on both sides of a line end without a mark do."""
        starts = [i for i, gap in enumerate(self.gaps) if gap.strip("\n")]
        edges = [0, *starts, len(self.digits)]
        return tuple(after - start for start, after in itertools.pairwise(edges))

    def marks(self) -> set[str]:
        """The marks between its groups."""
        bare = (gap.strip("\n") for gap in self.gaps)
        return {gap.removeprefix(")") or gap for gap in bare} - {""}

    def breaks(self) -> int:
        """How many line ends it goes over."""
        return sum("\n" in gap for gap in self.gaps)

    def names(self) -> int:
        """How many of its digits are named, not written as figures."""
        return sum(char in NAMES for char in self.chars)

    def is_usual(self, marks: str) -> bool:
        """Whether it is in figures, on one line, with nothing but some marks between its groups."""
        return self.is_plain() and not self.breaks() and all(gap in marks for gap in self.gaps)

    def is_plain(self) -> bool:
        """Whether all its digits are figures of ASCII."""
        return self.chars.isascii() and self.chars.isdigit()


def read(text: str) -> Written:
    """Read a number that begins and ends with a digit.

    >>> read("공1O - 이삼45")
    Written(digits='0102345', chars='공1O이삼45', gaps=('', '', '', '-', '', '', ''), ends=(1, 2, 3, 7, 8, 9, 10))
    """
    tokens = list(_TOKEN.finditer(text))
    starts = [token.start() for token in tokens]
    ends = [token.end() for token in tokens]
    gaps = [text[end:start] for start, end in zip(starts, [0, *ends], strict=False)]
    chars = "".join(token[0] for token in tokens)
    return Written(chars.translate(_VALUE), chars, tuple(map(mark, gaps)), tuple(ends))


def mark(gap: str) -> str:
    r"""What a gap is, whatever spaces stand around it; a comma with a space is another than one without.

    >>> [mark(gap) for gap in (" - ", "  ", "-\n", "\n", ") ", ")-", ", ", " 다시 ")]
    ['-', ' ', '-\n', '\n', ')', ')-', ', ', '다시']
    """
    line_end = "\n" * ("\n" in gap)
    shown = "".join(gap.split())
    if not shown:
        return line_end or ("   " if len(gap) > _WORD_SPACES else " " * bool(gap))
    bare = shown.strip("()[]{}")
    if bare.isalpha():
        return SPOKEN + line_end
    return ")" * (bare != shown) + bare + line_end + " " * (bare == "," and shown != gap)
