"""What may become a new token of a byte-level base: bytes that occur in text with Hangul letters only.

Such a token is an optional space, whole Hangul letters (syllables, compatibility jamo), and at the end, optionally, the
first two bytes of a letter, if these begin Hangul only: EA B0..BF, EB xx, EC xx, ED 80..9E, E3 85. (E3 84 and E3 86
also begin Bopomofo and Kanbun.) It holds a letter or such a prefix, and never starts inside a character. So a text
without Hangul never has one, and encodes as before. U+D7B0..D7BF (old Hangul) begins with ED 9E too, and is Hangul.
"""

import re
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

States = npt.NDArray[np.uint8]

# One row a state: which bytes lead where. A token is allowed if it ends in LETTER or in one of the prefixes.
DEAD, START, SPACE, LETTER, EA, EB, ED, E3, PREFIX, ED9E, E385, E384, E386 = range(13)
_FIRST = ((0xEA, 0xEA, EA), (0xEB, 0xEC, EB), (0xED, 0xED, ED), (0xE3, 0xE3, E3))
_EDGES: dict[int, tuple[tuple[int, int, int], ...]] = {
    DEAD: (),
    START: ((0x20, 0x20, SPACE), *_FIRST),
    SPACE: _FIRST,
    LETTER: _FIRST,
    EA: ((0xB0, 0xBF, PREFIX),),
    EB: ((0x80, 0xBF, PREFIX),),
    ED: ((0x80, 0x9D, PREFIX), (0x9E, 0x9E, ED9E)),
    E3: ((0x84, 0x84, E384), (0x85, 0x85, E385), (0x86, 0x86, E386)),
    PREFIX: ((0x80, 0xBF, LETTER),),
    ED9E: ((0x80, 0xA3, LETTER),),
    E385: ((0x80, 0xBF, LETTER),),
    E384: ((0xB1, 0xBF, LETTER),),
    E386: ((0x80, 0x8E, LETTER),),
}
_ACCEPTED = np.isin(np.arange(len(_EDGES)), (LETTER, PREFIX, ED9E, E385))

_HANGUL_PREFIX = rb"\xea[\xb0-\xbf]|[\xeb\xec][\x80-\xbf]|\xed[\x80-\x9e]|\xe3\x85"
_LETTER = (
    rb"\xea[\xb0-\xbf][\x80-\xbf]|[\xeb\xec][\x80-\xbf]{2}|\xed[\x80-\x9d][\x80-\xbf]|\xed\x9e[\x80-\xa3]"
    rb"|\xe3\x84[\xb1-\xbf]|\xe3\x85[\x80-\xbf]|\xe3\x86[\x80-\x8e]"
)
_ALLOWED = re.compile(rb" ?(?:%b)*(?:%b|%b)" % (_LETTER, _LETTER, _HANGUL_PREFIX))


def is_allowed(text: bytes) -> bool:
    r"""Whether these bytes may become a new token.

    >>> [is_allowed(text) for text in (" 나라".encode(), b"\xec\x84", "나".encode() + b"\xeb\x9d")]
    [True, True, True]
    >>> [is_allowed(text) for text in (b"\x84\xa0", b"\xe3\x84", "다.".encode(), "나 라".encode(), b" ")]
    [False, False, False, False, False]
    """
    return _ALLOWED.fullmatch(text) is not None


def _transitions() -> States:
    table = np.full((len(_EDGES), 256), DEAD, np.uint8)
    for state, edges in _EDGES.items():
        for first, last, target in edges:
            table[state, first : last + 1] = target
    return table


_TRANSITIONS = _transitions()


def end_states(tokens: Iterable[bytes]) -> States:
    """Where each token leads from each state of the automaton of allowed bytes.

    Returns:
        Shape [tokens, 13]. With these rows `allowed_pairs` judges a merge without looking at bytes.
    """
    tokens = list(tokens)
    lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
    ends = np.tile(np.arange(len(_EDGES), dtype=np.uint8), (len(tokens), 1))
    data = np.frombuffer(b"".join(tokens), np.uint8)
    starts = np.cumsum(lengths) - lengths
    for place in range(int(lengths.max(initial=0))):  # all tokens at once, one byte a round
        longer = np.flatnonzero(lengths > place)
        ends[longer] = _TRANSITIONS[ends[longer], data[starts[longer] + place][:, None]]
    return ends


def allowed_pairs(ends: States, left: npt.NDArray[np.int32], right: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Whether the tokens `left` and `right`, joined, are allowed, for many pairs at once.

    Args:
        ends: `end_states` of all tokens by id.
        left: ids, shape [n].
        right: ids, shape [n].
    """
    return _ACCEPTED[ends[right, ends[left, START]]]
