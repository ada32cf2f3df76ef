"""What counts as Hangul: the letters of the vocabulary, and the wider set for language shares."""

import re

LETTER_CLASS = "\uac00-\ud7a3\u3131-\u318e"
"""Inside of a regex class: letters, that is precomposed syllables and compatibility jamo (Unicode blocks 0-2 of Hangul
that a keyboard makes). Every letter gets a token of its own."""

HANGUL_CLASS = LETTER_CLASS + "\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\uffa1-\uffdc"
"""Inside of a regex class: letters, conjoining jamo (with extensions A and B) and half-width jamo."""

_LETTER = re.compile(f"[{LETTER_CLASS}]")


def is_letter(char: str) -> bool:
    """Whether `char` is one Hangul letter: a syllable or a compatibility jamo.

    >>> [is_letter(char) for char in "한ㅋa漢"]
    [True, True, False, False]
    """
    return _LETTER.fullmatch(char) is not None
