"""SentencePiece models as encoders."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sentencepiece

from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.hangul import SPACE_MARK
from malmoi_pipelines.tokenizers import model_proto
from malmoi_pipelines.tokenizers.encoder import Encoder, Rows
from malmoi_pipelines.tokenizers.model_proto import BYTE, NORMAL, UNUSED, USER_DEFINED

MERGED = (NORMAL, USER_DEFINED, UNUSED)  # an unused piece is merged first and taken apart at the end


@dataclass(frozen=True)
class SentencePieceEncoder(Encoder):
    """A SentencePiece model file."""

    @functools.cached_property
    def model(self) -> Any:
        """The parsed protocol buffer; never changed."""
        return _model(self)

    def encode(self, texts: list[str]) -> Rows:
        """Ids of each document, between BOS and EOS where the model has them."""
        return _processor(self).encode(texts, add_bos=self.bos is not None, add_eos=self.eos is not None, num_threads=1)

    def encode_texts(self, texts: Sequence[str], num_threads: int = 1) -> Rows:
        """Ids of each document, without special tokens."""
        return self._whole.encode(list(texts), num_threads=num_threads)

    def encode_plain(self, texts: Sequence[str], num_threads: int = 1) -> Rows:
        """Ids of each text as a part of a document: no dummy prefix."""
        return self._plain.encode(list(texts), num_threads=num_threads)

    @functools.cached_property
    def _whole(self) -> sentencepiece.SentencePieceProcessor:
        return _processor(self)

    @functools.cached_property
    def _plain(self) -> sentencepiece.SentencePieceProcessor:
        return _plain_processor(self)

    def obstacle(self) -> str | None:
        """What in the model's settings would make the encoding of a unit depend on its neighbours."""
        return model_proto.obstacle(self.model)

    def pieces(self) -> list[str | None]:
        """The pieces in id order."""
        return [piece.piece for piece in self.model.pieces]

    def spellings(self) -> list[bytes | None]:
        """The bytes of text of each piece."""
        return [_spelling(piece) for piece in self.model.pieces]

    def byte_ids(self) -> frozenset[int]:
        """The pieces of byte fallback."""
        return frozenset(index for index, piece in enumerate(self.model.pieces) if piece.type == BYTE)

    def mergeable(self) -> Iterator[str]:
        """All pieces but bytes, control tokens and <unk>."""
        return (piece.piece for piece in self.model.pieces if piece.type in MERGED)

    def first_ids(self, size: int) -> "SentencePieceEncoder":
        """The model of the first rows."""
        data = model_proto.serialize(model_proto.first_rows(self.model, size))
        return sentencepiece_encoder(f"the first {size} rows of {self.path}", data)


def sentencepiece_encoder(path: str, data: bytes, fingerprint: str | None = None) -> SentencePieceEncoder:
    """The encoder of a SentencePiece model.

    Args:
        path: its file, or what to call it.
        data: its content.
        fingerprint: of the file; None: there is no file, the content itself stays with the encoder.

    Raises:
        BadInputError: it is none.
    """
    try:
        processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    except RuntimeError:
        raise BadInputError(f"{path} is not a SentencePiece model, and not a tokenizer.json.") from None
    size, kind = processor.vocab_size(), model_proto.kind_of(model_proto.parse_model(data, path))
    bos, eos = (index if index >= 0 else None for index in (processor.bos_id(), processor.eos_id()))
    return SentencePieceEncoder.of(path, data, fingerprint, vocab_size=size, bos=bos, eos=eos, units=kind)


def _spelling(piece: Any) -> bytes | None:
    if piece.type == BYTE:
        return bytes([int(piece.piece[1:-1], 16)])
    return piece.piece.replace(SPACE_MARK, " ").encode() if piece.type in MERGED else None


@functools.lru_cache(maxsize=2)
def _processor(encoder: SentencePieceEncoder) -> sentencepiece.SentencePieceProcessor:
    return model_proto.load(encoder.read())


@functools.lru_cache(maxsize=2)
def _plain_processor(encoder: SentencePieceEncoder) -> sentencepiece.SentencePieceProcessor:
    """The same model without its dummy prefix, which belongs before a document and not before each of its units."""
    return model_proto.load_for_units(_model(encoder))


@functools.lru_cache(maxsize=2)
def _model(encoder: SentencePieceEncoder) -> Any:
    return model_proto.parse_model(encoder.read(), encoder.path)
