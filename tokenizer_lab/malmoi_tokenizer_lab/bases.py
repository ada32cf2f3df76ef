"""A name to a base that can be extended: the same find and the same opening as in every verb, and one question more."""

from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.tokenizers.countable import check_countable
from malmoi_pipelines.tokenizers.encoder import Encoder
from malmoi_pipelines.tokenizers.finding import DEFAULT, TokenizerFile, find_tokenizer
from malmoi_pipelines.tokenizers.opening import encoder_of
from malmoi_pipelines.tokenizers.sentencepiece_model import SentencePieceEncoder
from malmoi_pipelines.tokenizers.tokenizer_json import JsonEncoder

from malmoi_tokenizer_lab.base import Base
from malmoi_tokenizer_lab.byte_level.kind import ByteLevel
from malmoi_tokenizer_lab.sentencepiece.kind import SentencePieceBase


def open_base(name: str | None) -> Base:
    """Open a base.

    Args:
        name: a folder, a file, `default`, or a name of the hub; None: `default`.

    Raises:
        BadInputError: the folder has none, or it cannot be read.
        UsageError: there is nothing of that name, or its tokens cannot be counted by unit, or it cannot be extended
            exactly.
    """
    found = find_tokenizer(name or DEFAULT)
    encoder = extendable(encoder_of(found, finds_special=True), found)
    return ByteLevel(found, encoder) if isinstance(encoder, JsonEncoder) else SentencePieceBase(found, encoder)


def extendable(encoder: Encoder, found: TokenizerFile) -> SentencePieceEncoder | JsonEncoder:
    """The encoder, of a kind that can be extended: a SentencePiece model or a byte-level `tokenizer.json`.

    Raises:
        UsageError: it is another.
    """
    check_countable(encoder)
    if isinstance(encoder, SentencePieceEncoder):
        return encoder
    assert isinstance(encoder, JsonEncoder), "there are two kinds of encoders"
    if encoder.units == "metaspace":
        raise UsageError(
            f"{found.path} is of SentencePiece's kind, and the scores that decide what merges first are in its "
            "tokenizer.model alone: it cannot be extended without.",
            hint="name the folder with its tokenizer.model, or that file",
        )
    return encoder
