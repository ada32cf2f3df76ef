"""SentencePiece models as encoders."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as proto

from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.hangul import SPACE_MARK
from malmoi_pipelines.tokenizers.encoder import Encoder, read_unchanged

BPE = proto.TrainerSpec.BPE
PIECE = proto.ModelProto.SentencePiece
MERGED = (PIECE.NORMAL, PIECE.USER_DEFINED, PIECE.UNUSED)  # an unused piece is merged first and taken apart at the end


@dataclass(frozen=True)
class SentencePieceEncoder(Encoder):
    """A SentencePiece model file."""

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Ids of each document, between BOS and EOS where the model has them."""
        processor = _processor(self.path, self.fingerprint)
        return processor.encode(texts, add_bos=self.bos is not None, add_eos=self.eos is not None, num_threads=1)

    def encode_plain(self, texts: list[str]) -> list[list[int]]:
        """Ids of each text as a part of a document: no dummy prefix."""
        return _plain_processor(self.path, self.fingerprint).encode(texts, num_threads=1)

    def obstacle(self) -> str | None:
        """What in the model's settings would make the encoding of a unit depend on its neighbours."""
        model = _model(self.path, self.fingerprint)
        normaliser, trainer = model.normalizer_spec, model.trainer_spec
        reasons = {
            "it is no BPE model": trainer.model_type != BPE,
            "its normaliser changes text": normaliser.precompiled_charsmap or normaliser.normalization_rule_tsv,
            "it removes spaces (remove_extra_whitespaces)": normaliser.remove_extra_whitespaces,
            "it keeps spaces as they are (escape_whitespaces is off)": not normaliser.escape_whitespaces,
            "it puts no space before a document (add_dummy_prefix is off)": not normaliser.add_dummy_prefix,
            "its spaces end words (treat_whitespace_as_suffix)": trainer.treat_whitespace_as_suffix,
            # Unknown characters side by side are one <unk>, whatever units they are in.
            "it has no byte fallback": not trainer.byte_fallback,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def pieces(self) -> list[str | None]:
        """The pieces in id order."""
        return [piece.piece for piece in _model(self.path, self.fingerprint).pieces]

    def spellings(self) -> list[bytes | None]:
        """The bytes of text of each piece."""
        return [_spelling(piece) for piece in _model(self.path, self.fingerprint).pieces]

    def mergeable(self) -> Iterator[str]:
        """All pieces but bytes, control tokens and <unk>."""
        return (piece.piece for piece in _model(self.path, self.fingerprint).pieces if piece.type in MERGED)


def open_model(path: str, data: bytes, fingerprint: str) -> SentencePieceEncoder:
    """The encoder of a SentencePiece model.

    Raises:
        BadInputError: it is none.
    """
    try:
        processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    except RuntimeError:
        raise BadInputError(f"{path} is not a SentencePiece model, and not a tokenizer.json.") from None
    size = processor.vocab_size()
    bos, eos = (index if index >= 0 else None for index in (processor.bos_id(), processor.eos_id()))
    return SentencePieceEncoder(path, fingerprint, size, size, bos, eos, "metaspace")


def _spelling(piece: Any) -> bytes | None:
    if piece.type == PIECE.BYTE:
        return bytes([int(piece.piece[1:-1], 16)])
    return piece.piece.replace(SPACE_MARK, " ").encode() if piece.type in MERGED else None


@functools.lru_cache(maxsize=2)
def _processor(path: str, fingerprint: str) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_proto=read_unchanged(path, fingerprint))


@functools.lru_cache(maxsize=2)
def _plain_processor(path: str, fingerprint: str) -> sentencepiece.SentencePieceProcessor:
    """The same model without its dummy prefix, which belongs before a document and not before each of its units."""
    model = proto.ModelProto()
    model.CopyFrom(_model(path, fingerprint))
    model.normalizer_spec.add_dummy_prefix = False
    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString(deterministic=True))


@functools.lru_cache(maxsize=2)
def _model(path: str, fingerprint: str) -> Any:
    model = proto.ModelProto()
    model.ParseFromString(read_unchanged(path, fingerprint))
    return model
