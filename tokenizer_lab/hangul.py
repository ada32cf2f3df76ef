"""Hangul letters and Korean pieces, as the tokenizer loop means them.

A letter is a syllable (U+AC00..D7A3) or a compatibility jamo (U+3131..318E): the two blocks that survive NFC and that
people type. A Korean piece is an optional space mark and letters only; a piece such as `다.` would let one token cross
the cut between two units of the word table, and counting by units would no longer be exact.
"""

import re

SPACE_MARK = "\u2581"
"""SentencePiece's space."""

LETTER_CLASS = "\uac00-\ud7a3\u3131-\u318e"
"""The letters as the inside of a regular expression's character class."""

_LETTER = re.compile(f"[{LETTER_CLASS}]")
_KOREAN_PIECE = re.compile(f"{SPACE_MARK}?[{LETTER_CLASS}]+")


def has_letter(text: str) -> bool:
    """Whether a Hangul letter occurs in `text`.

    >>> has_letter("A팀"), has_letter("A team")
    (True, False)
    """
    return _LETTER.search(text) is not None


def is_letter(piece: str) -> bool:
    """Whether a piece is one Hangul letter.

    >>> is_letter("한"), is_letter("ㅋ"), is_letter("▁한"), is_letter("a")
    (True, True, False, False)
    """
    return len(piece) == 1 and has_letter(piece)


def is_korean_piece(piece: str) -> bool:
    """Whether a piece may become a new token: an optional space mark and Hangul letters only.

    >>> is_korean_piece("▁나라"), is_korean_piece("다."), is_korean_piece("▁")
    (True, False, False)
    """
    return _KOREAN_PIECE.fullmatch(piece) is not None


def letters_of(piece: str) -> set[str]:
    """The Hangul letters of a piece."""
    return set(_LETTER.findall(piece))
