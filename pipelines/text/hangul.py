"""What counts as Hangul: the letters of the vocabulary, and the wider set for language shares."""

import functools
import re

import numpy as np
import numpy.typing as npt

LETTER_CLASS = "\uac00-\ud7a3\u3131-\u318e"
"""Inside of a regex class: letters, that is precomposed syllables and compatibility jamo (Unicode blocks 0-2 of Hangul
that a keyboard makes). Every letter gets a token of its own."""

HANGUL_CLASS = LETTER_CLASS + "\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\uffa1-\uffdc"
"""Inside of a regex class: letters, conjoining jamo (with extensions A and B) and half-width jamo."""

_HANGUL_RUN = re.compile(f"[{HANGUL_CLASS}]+")
_LONG = 500  # characters
_LETTER = re.compile(f"[{LETTER_CLASS}]")


def is_letter(char: str) -> bool:
    """Whether `char` is one Hangul letter: a syllable or a compatibility jamo.

    >>> [is_letter(char) for char in "한ㅋa漢"]
    [True, True, False, False]
    """
    return _LETTER.fullmatch(char) is not None


def hangul_share(text: str) -> float:
    """Share (0..1) of Hangul among the characters that are not white space; 0 for a text without any.

    Chinese ideographs do not count, though they lie between the jamo and the syllables in Unicode.

    >>> hangul_share("한글 ab")
    0.5
    """
    if len(text) >= _LONG:
        hangul, visible = _count_long(text)
    else:
        hangul, visible = len("".join(_HANGUL_RUN.findall(text))), len("".join(text.split()))
    return hangul / visible if visible else 0.0


def _count_long(text: str) -> tuple[int, int]:
    """Hangul and visible characters by table look-up: five times as fast on a page, slower on a line."""
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16)
    other, hangul, _ = np.bincount(_class_table()[units], minlength=3)
    return int(hangul), int(hangul + other)


@functools.cache
def _class_table() -> npt.NDArray[np.uint8]:
    """Class of each UTF-16 unit: 1 Hangul, 2 not counted (white space, the second unit of a pair), 0 all else."""
    chars = [chr(unit) for unit in range(1 << 16)]
    table = np.array([2 if char.isspace() or "\udc00" <= char <= "\udfff" else 0 for char in chars], np.uint8)
    table[[_HANGUL_RUN.match(char) is not None for char in chars]] = 1
    return table
