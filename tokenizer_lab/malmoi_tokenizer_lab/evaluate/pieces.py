"""Pieces for people, and which of them are Korean."""

from malmoi_pipelines.contracts.hangul import SPACE_MARK, has_letter
from malmoi_pipelines.tokenizers.byte_alphabet import unspell


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
    data = unspell(piece)
    try:
        return piece if data is None else data.decode().replace(" ", SPACE_MARK)
    except UnicodeDecodeError:
        return piece
