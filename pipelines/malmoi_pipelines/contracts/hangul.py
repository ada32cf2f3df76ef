"""Hangul letters, spaces and control characters, as the word table and the tokenizer loop mean them.

A letter is a syllable (U+AC00..D7A3) or a compatibility jamo (U+3131..318E): the two blocks that survive NFC and that
people type. A Korean piece is an optional space mark and letters only; a piece such as `다.` would let one token cross
the cut between two units of the word table, and counting by units would no longer be exact.
"""

import re

SPACE_MARK = "\u2581"
"""SentencePiece's space."""

CONTROLS = frozenset(map(chr, [*range(0x20), 0x7F]))
"""Control characters: of SentencePiece's kind of units each is one of its own."""

LETTER_CLASS = "\uac00-\ud7a3\u3131-\u318e"
"""Inside of a regular expression's class: letters, that is precomposed syllables and compatibility jamo."""

HANGUL_CLASS = LETTER_CLASS + "\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\uffa1-\uffdc"
"""Inside of a regex class: letters, conjoining jamo (with extensions A and B) and half-width jamo."""

_LETTER = re.compile(f"[{LETTER_CLASS}]")
_KOREAN_PIECE = re.compile(f"{SPACE_MARK}?[{LETTER_CLASS}]+")


def has_letter(text: str) -> bool:
    """Whether a Hangul letter occurs in `text`.

    >>> has_letter("A팀"), has_letter("A team")
    (True, False)
    """
    return _LETTER.search(text) is not None


def is_letter(piece: str) -> bool:
    """Whether `piece` is one Hangul letter: a syllable or a compatibility jamo.

    >>> [is_letter(piece) for piece in ("한", "ㅋ", "▁한", "a", "漢")]
    [True, True, False, False, False]
    """
    return _LETTER.fullmatch(piece) is not None


def is_korean_piece(piece: str) -> bool:
    """Whether a piece may become a new token: an optional space mark and Hangul letters only.

    >>> is_korean_piece("▁나라"), is_korean_piece("다."), is_korean_piece("▁")
    (True, False, False)
    """
    return _KOREAN_PIECE.fullmatch(piece) is not None


def letters_of(piece: str) -> set[str]:
    """The Hangul letters of a piece."""
    return set(_LETTER.findall(piece))
