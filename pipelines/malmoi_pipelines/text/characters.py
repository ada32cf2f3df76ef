"""Counts of characters by class, for all texts of a block at once."""

import functools
import re
import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from malmoi_pipelines.contracts.arrays import F64, U64, Bool, offsets, ranges
from malmoi_pipelines.contracts.hangul import HANGUL_CLASS
from malmoi_pipelines.contracts.hashing import mix64
from malmoi_pipelines.text.text_block import TextBlock, space_table

_JAMO_CLASS = "\u3131-\u318e\uffa1-\uffdc"  # compatibility and half-width jamo: letters that stand alone
_HANGUL, _JAMO, _LATIN, _OTHER_LETTER = range(4)
_FIRST_GROUP = 4
_FIELDS = 8
_FIELD_BITS = 8
_PIECE = (1 << _FIELD_BITS) - 1  # so many characters overflow no field
_CODE_BITS = np.uint64(21)
_LETTERS_END = 0x33480  # behind the last ideographs; no letter lies beyond


@dataclass(frozen=True)
class CharacterCounts:
    """Characters (code points) of each text, by class."""

    hangul: F64
    """Syllables and jamo of every kind. Chinese ideographs are none, though they lie between them in Unicode."""
    jamo: F64
    """Of these the jamo that stand alone: ㅋ, ㅠ."""
    latin: F64
    """Latin letters, with diacritics or without."""
    letters: F64
    """Letters and digits of every script, as `str.isalnum` has them, and jamo."""
    groups: npt.NDArray[np.int64]
    """Visible characters by four groups of code points, mixed by a hash: texts × groups."""

    @property
    def visible(self) -> F64:
        """All that are not white space."""
        return self.groups.sum(axis=1).astype(np.float64)

    @classmethod
    def of(cls, block: TextBlock) -> "CharacterCounts":
        """Count the characters of a block.

        A character adds one to a byte for its class and to a byte for its group, both in one 64-bit word: so all is
        counted in one pass, over pieces short enough for a byte.
        """
        pieces = -(-np.diff(block.starts) // _PIECE)
        bounds = offsets(pieces)
        starts = np.repeat(block.starts[:-1] - _PIECE * bounds[:-1], pieces) + _PIECE * np.arange(bounds[-1])
        fields = np.zeros((len(block), _FIELDS), np.int64)
        if len(block):
            packed = np.add.reduceat(_packed_classes().take(block.codes), starts)
            np.add.reduceat(packed.astype("<u8").view(np.uint8).reshape(-1, _FIELDS), bounds[:-1], 0, np.int64, fields)
        hangul, jamo, latin, other = fields[:, :_FIRST_GROUP].T.astype(np.float64)
        return cls(hangul + jamo, jamo, latin, hangul + jamo + latin + other, fields[:, _FIRST_GROUP:])


@functools.cache
def _packed_classes() -> U64:
    """For every visible code point a one in the field of its class, if it has one, and in that of its group."""
    codes = np.arange(sys.maxunicode + 1, dtype=np.uint64)
    groups = np.uint64(_FIRST_GROUP) + mix64(codes) % np.uint64(_FIELDS - _FIRST_GROUP)
    table = np.uint64(1) << np.uint64(_FIELD_BITS) * groups
    table[[code for code in range(_LETTERS_END) if chr(code).isalnum()]] += np.uint64(1 << _FIELD_BITS * _OTHER_LETTER)
    basic = "".join(map(chr, range(0x10000)))
    classes = ~np.uint64((1 << _FIELD_BITS * _FIRST_GROUP) - 1)
    for field, pattern in ((_HANGUL, HANGUL_CLASS), (_JAMO, _JAMO_CLASS), (_LATIN, "A-Za-zÀ-ÖØ-öø-ɏ")):
        members = [ord(char) for char in re.findall(f"[{pattern}]", basic)]
        table[members] = table[members] & classes | np.uint64(1 << _FIELD_BITS * field)  # jamo are in two of them
    table[space_table()] = 0
    return table


@functools.cache
def one_of(characters: str) -> Bool:
    """A table over all code points: whether it is one of these characters."""
    table = np.zeros(sys.maxunicode + 1, np.bool_)
    table[[ord(char) for char in characters]] = True
    return table


def commonest_and_distinct(
    block: TextBlock, counts: CharacterCounts, max_share: float, min_distinct: float
) -> tuple[F64, F64]:
    """The share of the commonest visible character, and the number of different ones.

    Exact for texts with a share above `max_share` or fewer than `min_distinct` characters; for others they may be the
    bounds which prove that they are not: the largest of the groups, and the number of those that occur.
    """
    largest, occurring = counts.groups.max(axis=1, initial=0), np.count_nonzero(counts.groups, axis=1)
    share = np.divide(largest, counts.visible, out=np.zeros(len(block)), where=counts.visible > 0)
    distinct = occurring.astype(np.float64)
    suspects = np.flatnonzero((share > max_share) | (distinct < min_distinct))
    lengths = block.lengths[suspects]
    codes = block.codes[ranges(block.starts[suspects], lengths)]
    owners = np.repeat(np.arange(len(suspects), dtype=np.uint64) << _CODE_BITS, lengths)
    keys = np.sort((owners | codes)[~space_table().take(codes)])
    first = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))
    owner = (keys[first] >> _CODE_BITS).astype(np.int64)
    commonest = np.zeros(len(suspects))
    np.maximum.at(commonest, owner, np.diff(first, append=len(keys)).astype(np.float64))
    share[suspects] = commonest / np.maximum(counts.visible[suspects], 1)
    distinct[suspects] = np.bincount(owner, minlength=len(suspects))
    return share, distinct
