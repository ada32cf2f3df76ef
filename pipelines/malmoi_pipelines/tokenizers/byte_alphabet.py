"""The byte alphabet: how a `tokenizer.json` of the byte-level kind spells bytes as printable characters.

GPT-2's table, which all of that kind share: printable Latin-1 characters stand for themselves, and the other 68 bytes,
in order, for U+0100 and up; a space is `Ġ`.
"""

_PRINTABLE = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_OTHERS = tuple(byte for byte in range(256) if byte not in _PRINTABLE)

_POINTS = (*_PRINTABLE, *range(0x100, 0x100 + len(_OTHERS)))

CHARACTERS = dict(zip((*_PRINTABLE, *_OTHERS), map(chr, _POINTS), strict=True))
"""The character of each byte."""

# A character below U+0100 that is not in the alphabet must not pass for the byte of its number.
_TO_BYTES = dict.fromkeys(_OTHERS, 0xFFFF) | {ord(character): byte for byte, character in CHARACTERS.items()}


def spell(token: bytes) -> str:
    """The text of a token in a `tokenizer.json`.

    >>> spell(" 가".encode())
    'Ġê°Ģ'
    """
    return token.decode("latin-1").translate(CHARACTERS)


def shown(text: str) -> str:
    """A vocabulary entry for a message: its text, or its bytes where it ends within a letter.

    >>> shown("Ġê°Ģ"), shown("ê°"), shown("<a b>")
    ("' 가'", 'of the bytes ea b0', "'<a b>'")
    """
    data = unspell(text)
    if data is None:
        return repr(text)
    try:
        return repr(data.decode())
    except UnicodeDecodeError:
        return f"of the bytes {data.hex(' ')}"


def unspell(text: str) -> bytes | None:
    """The bytes of a vocabulary entry; None if it has a character that stands for no byte.

    >>> unspell("Ġê°Ģ").decode(), unspell("<a b>")
    (' 가', None)
    """
    try:
        return text.translate(_TO_BYTES).encode("latin-1")
    except UnicodeEncodeError:
        return None
