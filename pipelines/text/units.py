r"""Units: the pre-tokens of the word table, cut so that no tokenizer piece can cross a cut.

For a fixed BPE vocabulary a boundary between two characters a|b is never crossed if no piece contains "ab", so the
token counts of a corpus are the sums over its distinct units of count times tokens. With SentencePiece bases of the
Llama family no piece has a space after a non-space, none contains a newline, and none of ours mixes Hangul with other
scripts (asserted by the tokenizer loop on the actual vocabulary). A unit is therefore one of

    a run of spaces and the run of Hangul letters after it        " 나라의"
    a run of spaces and the run of other visible characters       " (2024)."
    a run of spaces before a control character or the end         "  "
    one control character (newline, tab)                          "\n"

Every document is cut as if one space stood before it: SentencePiece's dummy prefix. The units of a document, joined,
are that space and the document, so nothing is left uncounted.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

CONTINUATION, SPACE, CONTROL, HANGUL, OTHER = range(5)
Bytes = npt.NDArray[np.uint8]


def _class_table() -> npt.NDArray[np.uint8]:
    """Class of a character by its first two UTF-8 bytes (0 as the second byte at the end of the text)."""
    table = np.full((256, 256), OTHER, np.uint8)
    table[0x80:0xC0] = CONTINUATION
    table[:0x20] = table[0x7F] = CONTROL
    table[0x20] = SPACE
    table[0xEA, 0xB0:0xC0] = HANGUL  # U+AC00..
    table[0xEB:0xED, 0x80:0xC0] = HANGUL
    table[0xED, 0x80:0x9F] = HANGUL  # ..U+D7A3: the third byte decides in ED 9E
    table[0xE3, 0x84:0x87] = HANGUL  # U+3131..U+318E: the third byte decides in E3 84 and E3 86
    return table.ravel()


_CLASS = _class_table()
# Whether a unit starts at a character, by the classes of the character before and of its own.
_STARTS = np.zeros((5, 5), bool)
_STARTS[:, CONTROL] = True
_STARTS[CONTROL, :] = True
_STARTS[[HANGUL, OTHER], SPACE] = True
_STARTS[OTHER, HANGUL] = _STARTS[HANGUL, OTHER] = True


def character_classes(data: Bytes) -> npt.NDArray[np.uint8]:
    """Class of the character that starts at each byte of valid UTF-8; CONTINUATION inside a character."""
    following = np.empty_like(data)
    following[:-1] = data[1:]
    following[-1:] = 0
    prefix = (data.astype(np.uint16) << 8) | following
    classes = _CLASS[prefix]
    edge = np.flatnonzero((prefix == 0xED9E) | (prefix == 0xE384) | (prefix == 0xE386) | (prefix == 0xE296))
    third = data[edge + 2]
    lead = prefix[edge]
    outside = (
        ((lead == 0xED9E) & (third > 0xA3)) | ((lead == 0xE384) & (third < 0xB1)) | ((lead == 0xE386) & (third > 0x8E))
    )
    classes[edge[outside]] = OTHER
    classes[edge[(lead == 0xE296) & (third == 0x81)]] = SPACE  # U+2581 is SentencePiece's space
    return classes


def split_units(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    r"""Cut documents into units.

    Args:
        texts: documents, without nulls.

    Returns:
        All units of all documents in order.

    Example:
        >>> split_units(pa.array(["나라의 말(語)\n"], pa.large_string())).to_pylist()
        [' 나라의', ' 말', '(語)', '\n']
    """
    data, starts = prefixed(texts)
    if not len(data):
        return pa.array([], pa.large_string())
    classes = character_classes(data)
    heads = np.flatnonzero(classes)  # first bytes of characters; CONTINUATION is 0
    own = classes[heads]
    before = np.empty_like(own)
    before[1:] = own[:-1]
    before[0] = CONTROL
    cut = np.zeros(len(data), bool)
    cut[heads[_STARTS[before, own]]] = True
    cut[starts] = True
    offsets = np.append(np.flatnonzero(cut), len(data)).astype(np.int64)
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))


def count_letters(texts: pa.LargeStringArray) -> dict[str, int]:
    """Occurrences of each Hangul letter (syllable or compatibility jamo)."""
    data, _ = prefixed(texts)
    heads = np.flatnonzero(character_classes(data) == HANGUL)
    first, second, third = (data[heads + i].astype(np.uint32) for i in range(3))
    points = ((first & 0xF) << 12) | ((second & 0x3F) << 6) | (third & 0x3F)
    counts = np.bincount(points)
    present = np.flatnonzero(counts)
    return dict(zip(map(chr, present.tolist()), counts[present].tolist(), strict=True))


def prefixed(texts: pa.LargeStringArray) -> tuple[Bytes, npt.NDArray[np.int64]]:
    """The UTF-8 bytes of all documents with a space before each, and where each document starts."""
    _, offsets_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    if not len(texts):
        return np.empty(0, np.uint8), np.empty(0, np.int64)
    data = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]] if data_buffer else np.empty(0, np.uint8)
    relative = offsets[:-1] - offsets[0]
    return np.insert(data, relative, 0x20), relative + np.arange(len(texts))
