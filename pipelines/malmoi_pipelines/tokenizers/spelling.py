"""How pieces spell texts, by the kind of tokenizer: U+2581 for a space, or the byte alphabet."""

from malmoi_pipelines.contracts.hangul import SPACE_MARK
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.tokenizers.byte_alphabet import spell, unspell


def piece_of(text: str, kind: UnitKind) -> str:
    """How a text is spelled as a piece; a space may be written as U+2581.

    >>> piece_of(" 가", "metaspace"), piece_of("▁가", "byte-level")
    ('▁가', 'Ġê°Ģ')
    """
    if kind == "metaspace":
        return text.replace(" ", SPACE_MARK)
    return spell(text.replace(SPACE_MARK, " ").encode())


def text_of(piece: str, kind: UnitKind) -> str:
    """The text of a piece, with U+2581 for a space; U+FFFD for bytes that are no whole character.

    >>> text_of("Ġê°Ģ", "byte-level"), text_of("ê°", "byte-level"), text_of("▁가", "metaspace")
    ('▁가', '�', '▁가')
    """
    data = None if kind == "metaspace" else unspell(piece)
    return piece if data is None else data.decode(errors="replace").replace(" ", SPACE_MARK)
