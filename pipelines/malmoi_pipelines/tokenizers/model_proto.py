"""SentencePiece models as protocol buffers: what a model says of itself, its rows, a model of more or of fewer rows.

How SentencePiece BPE encodes: the text's characters are the first symbols; among all adjacent pairs whose concatenation
is a piece, the pair with the highest score is merged (ties: the leftmost), until there is none. Symbols that are no
piece fall back to bytes at output. There is no list of merges: the order is in the scores alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as proto

from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.unit_kind import UnitKind

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
"""Piece types of sentencepiece_model.proto that occur here."""

_SENTINEL_FACTOR = 10
"""A score below -10 x pieces is no rank but a mark for "last" (Llama and Mistral: -1e9 on runs of spaces)."""


@dataclass(frozen=True)
class Piece:
    """One row of a vocabulary."""

    text: str
    score: float
    type: int = NORMAL


def parse_model(data: bytes, where: str) -> Any:
    """Parse a model.

    Raises:
        BadInputError: not a SentencePiece model.
    """
    model = proto.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:  # protobuf's DecodeError lives at different places in its versions
        raise BadInputError(f"{where} is not a SentencePiece model: {error}") from None
    if not model.pieces:
        raise BadInputError(f"{where} is not a SentencePiece model: it has no pieces.")
    return model


def is_model(data: bytes) -> bool:
    """Whether a file is a SentencePiece model."""
    try:
        parse_model(data, "")
    except BadInputError:
        return False
    return True


def kind_of(model: Any) -> UnitKind | None:
    """The kind of units that its tokens can be counted in; None of a model that does not merge (Unigram, words)."""
    return "metaspace" if model.trainer_spec.model_type == model.trainer_spec.BPE else None


def obstacle(model: Any) -> str | None:
    """What in its settings makes the encoding of a unit depend on its neighbours; None if nothing."""
    normaliser, trainer = model.normalizer_spec, model.trainer_spec
    reasons = {
        "its normaliser changes text": normaliser.precompiled_charsmap or normaliser.normalization_rule_tsv,
        "it removes spaces (remove_extra_whitespaces)": normaliser.remove_extra_whitespaces,
        "it keeps spaces as they are (escape_whitespaces is off)": not normaliser.escape_whitespaces,
        "it puts no space before a document (add_dummy_prefix is off)": not normaliser.add_dummy_prefix,
        "its spaces end words (treat_whitespace_as_suffix)": trainer.treat_whitespace_as_suffix,
        # Unknown characters side by side are one <unk>, whatever units they are in.
        "it has no byte fallback": not trainer.byte_fallback,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def lowest_rank_score(model: Any) -> float:
    """The lowest score that is a rank, sentinels left out: new scores go below it.

    With a sentinel of -1e9 taken for the minimum, all new scores would be one float32 (spacing 64) and tie.
    """
    floor = -_SENTINEL_FACTOR * len(model.pieces)
    return min((piece.score for piece in model.pieces if piece.type == NORMAL and piece.score > floor), default=0.0)


def scores_below(model: Any, count: int) -> list[float]:
    """Scores for new pieces in merge order: whole numbers, distinct in float32, below every rank of the base."""
    first = math.floor(lowest_rank_score(model)) - 1
    return [float(first - i) for i in range(count)]


def merge_ranks(pieces: Sequence[Any]) -> dict[str, int]:
    """Rank of every piece that merging can make, 0 first: by falling score, equal scores by id."""
    mergeable = [(-piece.score, index, piece.piece) for index, piece in enumerate(pieces) if piece.type == NORMAL]
    return {text: rank for rank, (_, _, text) in enumerate(sorted(mergeable))}


def extend(model: Any, rows: Sequence[Piece]) -> Any:
    """A copy of `model` with `rows` as its next ids; the base's rows stay as they are."""
    extended = proto.ModelProto()
    extended.CopyFrom(model)
    for row in rows:
        extended.pieces.add(piece=row.text, score=row.score, type=row.type)
    extended.trainer_spec.vocab_size = len(extended.pieces)
    return extended


def first_rows(model: Any, size: int) -> Any:
    """A model of the first `size` rows of `model`: the base of an extended one."""
    base = proto.ModelProto()
    base.CopyFrom(model)
    del base.pieces[size:]
    base.trainer_spec.vocab_size = size
    return base


def serialize(model: Any) -> bytes:
    """The bytes of a model; equal models, equal bytes."""
    return bytes(model.SerializeToString(deterministic=True))


def load(data: bytes) -> sentencepiece.SentencePieceProcessor:
    """A processor for whole documents."""
    processor = sentencepiece.SentencePieceProcessor()
    processor.LoadFromSerializedProto(data)
    return processor


def load_for_units(model: Any) -> sentencepiece.SentencePieceProcessor:
    """A processor for units: without dummy prefix, since a document's first unit already starts with its space."""
    copy = proto.ModelProto()
    copy.CopyFrom(model)
    copy.normalizer_spec.add_dummy_prefix = False
    return load(copy.SerializeToString())
