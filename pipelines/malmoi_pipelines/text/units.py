r"""Units: the stretches of text that the word table counts, cut so that no token can cross a cut.

For a fixed BPE vocabulary a boundary between two characters a|b is never crossed if no piece contains "ab", so the
token counts of a corpus are the sums over its distinct units of count times tokens. There is one rule for each kind of
base tokenizer.

`metaspace`, for SentencePiece bases of the Llama family: no piece has a space after a non-space, none contains a
newline, and none of ours mixes Hangul with other scripts (the lab checks it on the actual vocabulary). A unit is

    a run of spaces and the run of Hangul letters after it        " 나라의"
    a run of spaces and the run of other visible characters       " (2024)."
    a run of spaces before a control character or the end         "  "
    one control character (newline, tab)                          "\n"

Every document is cut as if one space stood before it: SentencePiece's dummy prefix.

`byte-level`, for bases that split the text by a regular expression first: GPT-2's, Llama-3's, Qwen2's, Tekken's and
o200k's. A unit is a row of whole pre-tokens of each of them, so one table serves all. There is a cut

    before U+0020                   after anything visible                                      나라의| 말
    before a newline                after an ASCII letter or digit or a Hangul letter           말|\n
    after a newline                 between visible characters, the second being no slash       .\n|나라
    before ASCII punctuation        but ' and |, after a letter or digit as above               나라|(
    between a letter and a digit    both ways, as above                                         20|년

None of the five looks behind, so what follows a cut is split as before. What precedes it is, too, since their only
look-ahead, `\s+(?!\S)`, stands after white space, and here that is one newline before a visible character. GPT-2 takes
the last character of a longer run for itself, Llama-3 takes the run whole, so behind such a run nothing is cut. A
slash may belong to the punctuation and the newline before it (`[\r\n/]*`), an apostrophe to the word before it. A bar
ends the name of a mask such as `<|tell|>`, which must stay whole.

The units of a document, joined, are the document (after its space), so nothing is left uncounted.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts.arrays import I64, cuts, text_buffers
from malmoi_pipelines.contracts.unit_kind import UnitKind

CONTINUATION, SPACE, CONTROL, HANGUL, OTHER, BLANK, NEWLINE, SLASH, ALPHA, DIGIT, MARK, EDGE = range(12)
"""Classes of characters. `MARK` is ASCII punctuation; `EDGE`: the third byte decides; `BLANK`: other white space."""
Bytes = npt.NDArray[np.uint8]

_CLASS_BITS = 4
_SLICE_BYTES = 1 << 18  # what is cut at once: some ten arrays of a byte or two each stay in the L2 cache


@dataclass(frozen=True)
class UnitRule:
    """A rule by which texts are cut, as tables."""

    dummy_space: bool
    """Whether every document is cut as if a space stood before it."""
    classes: Bytes
    """Class of a character by its first two UTF-8 bytes, read as a little-endian number."""
    edges: tuple[tuple[int, int, int, int, int], ...]
    """(first byte, second byte, least third byte, greatest third byte, class); other characters there are `OTHER`."""
    starts: npt.NDArray[np.bool_]
    """Whether a unit starts at a character, by the class of the one before times 16 plus its own."""


def split_units(texts: pa.LargeStringArray, kind: UnitKind = "metaspace") -> pa.LargeStringArray:
    r"""Cut documents into units.

    Args:
        texts: documents, without nulls.
        kind: see above.

    Returns:
        All units of all documents in order.

    Example:
        >>> split_units(pa.array(["나라의 말(語)\n"], pa.large_string())).to_pylist()
        [' 나라의', ' 말', '(語)', '\n']
        >>> split_units(pa.array(["나라의 말(語)\n"], pa.large_string()), "byte-level").to_pylist()
        ['나라의', ' 말', '(語)\n']
    """
    return pa.concat_arrays([pa.array([], pa.large_string()), *unit_slices(texts, kind)])


def unit_slices(texts: pa.LargeStringArray, kind: UnitKind) -> Iterator[pa.LargeStringArray]:
    """The units of documents, a few hundred kilobytes of text at a time; the arrays share the memory of the texts."""
    tables = unit_rule(kind)
    if tables.dummy_space:
        texts = pc.binary_join_element_wise(_EMPTY, texts, _SPACE)
    data, bounds = text_buffers(texts)
    for first, last in cuts(np.diff(bounds), _SLICE_BYTES):
        start, stop = bounds[first], bounds[last]
        if stop > start:
            piece = data[start:stop]
            offsets = np.append(np.flatnonzero(_cut(piece, bounds[first:last] - start, tables)), len(piece))
            yield pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(piece))


def character_classes(data: Bytes, kind: UnitKind = "metaspace") -> Bytes:
    """Class of the character that starts at each byte of valid UTF-8; CONTINUATION inside a character."""
    return _classes(data, unit_rule(kind))


@functools.cache
def unit_rule(kind: UnitKind) -> UnitRule:
    """The rule for a kind of tokenizer."""
    return _metaspace() if kind == "metaspace" else _byte_level()


def _classes(data: Bytes, rule: UnitRule) -> Bytes:
    pairs = np.empty(len(data), "<u2")
    pairs[:-1] = np.ndarray(max(len(data) - 1, 0), "<u2", data, strides=(1,))  # every byte and the one after it
    pairs[-1:] = data[-1:]
    classes = rule.classes[pairs]
    edge = np.flatnonzero(classes == EDGE)
    if len(edge):
        lead, third = pairs[edge], data[edge + 2]
        found = np.full(len(edge), OTHER, np.uint8)
        for first, second, least, greatest, own in rule.edges:
            found[(lead == (second << 8 | first)) & (third >= least) & (third <= greatest)] = own
        classes[edge] = found
    return classes


def _cut(data: Bytes, documents: I64, rule: UnitRule) -> npt.NDArray[np.bool_]:
    """Whether a unit starts at each byte."""
    own = _classes(data, rule)
    documents = documents[documents < len(data)]
    # Each byte gets the class of its character. One of four bytes keeps CONTINUATION in its last, which reads as OTHER.
    inside = -(own == CONTINUATION).view(np.int8).view(np.uint8)
    filled = own.copy()
    filled[1:] |= own[:-1] & inside[1:]
    filled[2:] |= own[:-2] & inside[2:] & inside[1:-1]
    before = np.empty_like(own)
    before[1:] = filled[:-1]
    before[documents] = BLANK  # what ends a document is no neighbour of what starts the next
    if not rule.dummy_space:
        _join_newlines(data, own, before)
    starts = rule.starts.take((before << _CLASS_BITS) | own)
    starts[documents] = True
    return starts


def _join_newlines(data: Bytes, own: Bytes, before: Bytes) -> None:
    """Make newlines that follow white space white space themselves: next to a run of it nothing is cut."""
    newlines = np.flatnonzero(data == ord("\n"))
    ends = before[newlines]
    joined = newlines[(ends == SPACE) | (ends == BLANK) | (ends == NEWLINE)]
    own[joined] = BLANK
    after = joined + 1
    before[after[after < len(data)]] = BLANK


def _hangul_classes() -> npt.NDArray[np.uint8]:
    """A table by first and second byte (0 at the end of the text) with what is common to both rules."""
    table = np.full((256, 256), OTHER, np.uint8)
    table[0x80:0xC0] = CONTINUATION
    table[0xEA, 0xB0:0xC0] = HANGUL  # U+AC00..
    table[0xEB:0xED, 0x80:0xC0] = HANGUL
    table[0xED, 0x80:0x9E] = HANGUL  # ..U+D7A3
    table[0xE3, 0x85] = HANGUL  # U+3131..U+318E
    return table


_HANGUL_EDGES = ((0xED, 0x9E, 0x80, 0xA3, HANGUL), (0xE3, 0x84, 0xB1, 0xBF, HANGUL), (0xE3, 0x86, 0x80, 0x8E, HANGUL))
_MARK_EDGE = (0xE2, 0x96, 0x81, 0x81, SPACE)  # U+2581 is SentencePiece's space
_BLANK_EDGES = (
    (0xE1, 0x9A, 0x80, 0x80, BLANK),  # U+1680
    (0xE1, 0xA0, 0x8E, 0x8E, BLANK),  # U+180E: white space in old versions of Unicode
    (0xE2, 0x80, 0x80, 0x8A, BLANK),  # U+2000..U+200A
    (0xE2, 0x80, 0xA8, 0xA9, BLANK),  # U+2028, U+2029
    (0xE2, 0x80, 0xAF, 0xAF, BLANK),  # U+202F
    (0xE2, 0x81, 0x9F, 0x9F, BLANK),  # U+205F
    (0xE3, 0x80, 0x80, 0x80, BLANK),  # U+3000
)


def _metaspace() -> UnitRule:
    table = _hangul_classes()
    table[:0x20] = table[0x7F] = CONTROL
    table[0x20] = SPACE
    starts = np.zeros((16, 16), bool)
    starts[:, CONTROL] = starts[CONTROL, :] = True
    starts[[HANGUL, OTHER, CONTINUATION], SPACE] = True
    starts[[OTHER, CONTINUATION], HANGUL] = starts[HANGUL, OTHER] = True
    return _rule(True, table, (*_HANGUL_EDGES, _MARK_EDGE), starts)


def _byte_level() -> UnitRule:
    table = _hangul_classes()
    table[0x21:0x7F] = MARK
    table[:0x20] = table[0x7F] = BLANK  # some engines take U+001C..1F for white space
    table[0xC2, [0x85, 0xA0]] = BLANK
    for characters, own in ((" ", SPACE), ("\n", NEWLINE), ("/", SLASH), ("'|", OTHER), ("0123456789", DIGIT)):
        table[list(characters.encode())] = own
    table[ord("A") : ord("Z") + 1] = table[ord("a") : ord("z") + 1] = ALPHA
    starts = np.zeros((16, 16), bool)
    letters = [HANGUL, ALPHA]
    visible = [*letters, DIGIT, MARK, OTHER]
    starts[[*visible, SLASH, CONTINUATION], SPACE] = True
    starts[[*letters, DIGIT], NEWLINE] = True
    starts[NEWLINE, visible] = True
    starts[np.ix_([*letters, DIGIT], [MARK, SLASH])] = True
    starts[letters, DIGIT] = starts[DIGIT, letters] = True
    return _rule(False, table, (*_HANGUL_EDGES, *_BLANK_EDGES), starts)


def _rule(
    dummy_space: bool, table: Bytes, edges: tuple[tuple[int, int, int, int, int], ...], starts: npt.NDArray[np.bool_]
) -> UnitRule:
    for first, second, *_ in edges:
        table[first, second] = EDGE
    starts[:, CONTINUATION] = False
    return UnitRule(dummy_space, table.T.ravel(), edges, starts.ravel())


_EMPTY, _SPACE = pa.scalar("", pa.large_string()), pa.scalar(" ", pa.large_string())
