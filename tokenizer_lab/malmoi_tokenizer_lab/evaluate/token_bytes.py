"""What a piece stands for: the bytes of a token, whichever way its tokenizer spells them."""

from collections.abc import Iterable

from malmoi_pipelines.contracts.hangul import SPACE_MARK, has_letter
from malmoi_pipelines.tokenizers.byte_alphabet import unspell


def token_bytes(ids: Iterable[int], pieces: Iterable[str], byte_ids: frozenset[int]) -> list[bytes]:
    r"""The UTF-8 bytes that each token stands for.

    Args:
        ids: token ids.
        pieces: their pieces.
        byte_ids: ids of byte fallback; empty if the pieces are in the byte alphabet.

    >>> token_bytes([1, 9], ["▁한", "<0xED>"], frozenset({9}))
    [b' \xed\x95\x9c', b'\xed']
    >>> token_bytes([1], ["ĠíķľêµŃ"], frozenset())[0].decode()
    ' 한국'
    """
    if not byte_ids:
        return [_of_alphabet(piece) for piece in pieces]
    return [
        bytes([int(piece[3:5], 16)]) if index in byte_ids else piece.replace(SPACE_MARK, " ").encode()
        for index, piece in zip(ids, pieces, strict=True)
    ]


def _of_alphabet(piece: str) -> bytes:
    """The bytes of a piece in the byte alphabet; one that is not (an added token, taken literally) is its own UTF-8."""
    data = unspell(piece)
    return piece.encode() if data is None else data


def is_korean(data: bytes) -> bool:
    r"""Whether a new token is part of Korean text: it holds a Hangul letter, or the first bytes of one and no more.

    >>> [is_korean(text.encode()) for text in (" 나라", "<|acc|>")], is_korean(b"\xec\x9d")
    ([True, False], True)
    """
    try:
        return has_letter(data.decode())
    except UnicodeDecodeError:
        return True


def shown(piece: str) -> str:
    """A piece for people: the byte alphabet becomes the text it stands for, or stays where that is no whole text.

    >>> shown("▁나라"), shown("ĠëĤĺëĿ¼"), shown("<|acc|>")
    ('▁나라', '▁나라', '<|acc|>')
    """
    try:
        return _of_alphabet(piece).decode().replace(" ", SPACE_MARK)
    except UnicodeDecodeError:
        return piece
