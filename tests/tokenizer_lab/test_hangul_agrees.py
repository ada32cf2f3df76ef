"""The word table and the tokenizer loop each say what a letter is; neither may import the other."""

import numpy as np

from pipelines.text import hangul as text_hangul
from pipelines.text import units
from tokenizer_lab import hangul
from tokenizer_lab.counting import CONTROLS

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


def test_letters_are_the_same_everywhere():
    letters = those(hangul.is_letter)
    assert len(letters) == 11_172 + 94
    assert letters == of_class(units.HANGUL) == those(text_hangul.is_letter)
    assert letters == those(hangul.has_letter) == hangul.letters_of("".join(CHARACTERS))
    assert letters == those(hangul.is_korean_piece)


def test_spaces_and_controls_are_the_same_everywhere():
    assert of_class(units.SPACE) == {" ", hangul.SPACE_MARK}
    assert of_class(units.CONTROL) == CONTROLS
