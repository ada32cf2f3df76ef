"""Cutting a document into units, by bytes, and the rules for characters must agree on every character."""

import numpy as np
from malmoi_pipelines.contracts import hangul
from malmoi_pipelines.text import units

CHARACTERS = [chr(point) for point in range(0x10000) if not 0xD800 <= point <= 0xDFFF]


def classes():
    """The class of each of `CHARACTERS` when a document is cut into units."""
    data = np.frombuffer("".join(CHARACTERS).encode(), np.uint8)
    found = units.character_classes(data)
    return found[found != units.CONTINUATION]


def those(matches):
    return {character for character in CHARACTERS if matches(character)}


def of_class(wanted):
    return {character for character, found in zip(CHARACTERS, classes(), strict=True) if found == wanted}


def test_letters_are_syllables_and_compatibility_jamo():
    assert all(map(hangul.is_letter, "가힣ㄱㅎㅏㆎ"))
    assert not any(map(hangul.is_letter, ["a", "1", "漢", "\u1100", "あ", " ", ""]))


def test_letters_are_the_same_everywhere():
    letters = those(hangul.is_letter)
    assert len(letters) == 11_172 + 94
    assert letters == of_class(units.HANGUL)
    assert letters == those(hangul.has_letter) == hangul.letters_of("".join(CHARACTERS))
    assert letters == those(hangul.is_korean_piece)


def test_spaces_and_controls_are_the_same_everywhere():
    assert of_class(units.SPACE) == {" ", hangul.SPACE_MARK}
    assert of_class(units.CONTROL) == hangul.CONTROLS
