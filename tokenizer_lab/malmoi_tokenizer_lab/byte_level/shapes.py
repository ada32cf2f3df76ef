"""Shapes of units: what is left of a text when characters that a pre-tokenizer cannot tell apart are made equal.

A pre-tokenizer judges characters by their Unicode properties: all Hangul syllables are `Lo`, all digits `Nd`. Those of
one class have the same number of bytes too, so two units of one shape are cut at the same bytes. What a pattern names
by itself it can tell apart; if it might, nothing is made equal, which is slower and no less exact.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from malmoi_pipelines.contracts.arrays import I64, text_buffers

Bytes = npt.NDArray[np.uint8]

_SYLLABLE, _JAMO = "가".encode(), "ㄱ".encode()
# Parts of pre-tokenizers that judge a character by its Unicode properties alone (ByteLevel: and by contractions).
_BLIND = frozenset(("ByteLevel", "Digits", "Punctuation", "Whitespace", "WhitespaceSplit", "UnicodeScripts"))
# What could tell one syllable from another: itself, its number, a script or block, a grapheme cluster.
_TELLS_HANGUL = re.compile(r"[^\x00-\x7f]|\\[^pPsSdDwWrntvf\W]|\\[pP]\{\^?[A-Za-z]{3,}")
# What may stand in a pattern and name no letter or digit: classes, flags, quantifiers; and contractions ('s, 'll),
# which is why units with an apostrophe keep their letters.
_NAMES_NONE = re.compile(r"\\[pP]\{\^?[A-Za-z]+\}|\\[A-Za-z]|\(\?[a-z]+[:)]|\{\d+(?:,\d*)?\}|'[A-Za-z]{1,2}")


@dataclass(frozen=True)
class Blindness:
    """What a pre-tokenizer cannot tell apart."""

    hangul: bool
    """One Hangul syllable from another, one compatibility jamo from another."""
    ascii: bool
    """One small letter of ASCII from another, one capital from another, one digit from another."""


def blindness(parts: Iterable[dict[str, Any]]) -> Blindness:
    r"""What a pre-tokenizer, given by its parts, cannot tell apart.

    >>> blindness([{"type": "Split", "pattern": {"Regex": r"'s|\p{L}+|\p{N}{1,3}"}}, {"type": "ByteLevel"}])
    Blindness(hangul=True, ascii=True)
    >>> blindness([{"type": "Split", "pattern": {"Regex": r"[a-z]+|\p{L}+"}}])
    Blindness(hangul=True, ascii=False)
    """
    hangul = ascii_ = True
    for part in parts:
        if part["type"] == "Split":
            pattern = part["pattern"].get("Regex", "가0")  # a pattern that is a plain text is not judged
            hangul &= _TELLS_HANGUL.search(pattern) is None
            ascii_ &= re.search("[A-Za-z0-9]", _NAMES_NONE.sub("", pattern)) is None
        elif part["type"] not in _BLIND:
            return Blindness(hangul=False, ascii=False)
    return Blindness(hangul, ascii_ and hangul)


def shapes(units: pa.LargeStringArray, blind: Blindness) -> pa.DictionaryArray:
    """The shape of each unit."""
    data, offsets = text_buffers(units)
    if blind.hangul:
        data = _faceless_hangul(data)
    if blind.ascii:
        kept = pc.match_substring(units, "'").to_numpy(zero_copy_only=False)
        data = np.where(np.repeat(kept, np.diff(offsets)), data, _FACELESS_ASCII[data])
    return strings(data, offsets).dictionary_encode()


def _ascii_table() -> Bytes:
    table = np.arange(256, dtype=np.uint8)
    for first, last in (b"az", b"AZ", b"09"):
        table[first : last + 1] = first
    return table


_FACELESS_ASCII = _ascii_table()


def _faceless_hangul(data: Bytes) -> Bytes:
    """UTF-8 text with 가 for every syllable and ㄱ for every compatibility jamo: the same number of bytes."""
    data = data.copy()
    pair = data[:-2].astype(np.uint16) << 8 | data[1:-1]
    third = data[2:]
    syllables = ((pair >= 0xEAB0) & (pair <= 0xED9D)) | ((pair == 0xED9E) & (third <= 0xA3))
    jamo = (pair == 0xE385) | ((pair == 0xE384) & (third >= 0xB1)) | ((pair == 0xE386) & (third <= 0x8E))
    for places, letter in ((np.flatnonzero(syllables), _SYLLABLE), (np.flatnonzero(jamo), _JAMO)):
        for place, byte in enumerate(letter):
            data[places + place] = byte
    return data


def strings(data: Bytes, offsets: I64) -> pa.LargeStringArray:
    """Texts of valid UTF-8, from their bytes and where each starts."""
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))
