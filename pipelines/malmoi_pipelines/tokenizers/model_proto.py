"""SentencePiece models as protocol buffers: read a base, check that it can be extended, extend it, encode with it.

How SentencePiece BPE encodes: the text's characters are the first symbols; among all adjacent pairs whose concatenation
is a piece, the pair with the highest score is merged (ties: the leftmost), until there is none. Symbols that are no
piece fall back to bytes at output. There is no list of merges: the order is in the scores alone.
"""

import importlib.util
import itertools
import math
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as proto

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError

MODEL_FILE = "tokenizer.model"

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6
"""Piece types of sentencepiece_model.proto that occur here."""

_SENTINEL_FACTOR = 10
"""A score below -10 x pieces is no rank but a mark for "last" (Llama and Mistral: -1e9 on runs of spaces)."""


@dataclass(frozen=True)
class Piece:
    """One row of a vocabulary."""

    text: str
    score: float
    type: int = NORMAL


def default_base() -> str:
    """Path of the 32,000-piece model of Mistral-7B v0.1, which SOLAR-10.7B uses unchanged.

    Raises:
        UsageError: mistral-common is not installed.
    """
    spec = importlib.util.find_spec("mistral_common")
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            "no base tokenizer: mistral-common, which holds the default one, is not installed.",
            hint="pip install mistral-common, or pass --base FILE_OR_DIR",
        )
    return os.path.join(spec.submodule_search_locations[0], "data", "tokenizer.model.v1")


def read_model(path: str | None) -> bytes:
    """The bytes of a model: a file, a folder with a `tokenizer.model`, or (None) the default base."""
    path = path or default_base()
    if files.is_folder(path):
        path = files.join(path, MODEL_FILE)
    return files.read_bytes(path)


def parse_base(data: bytes, where: str) -> Any:
    """Parse a model and check that it can be extended: as `parse_model`, and it has no user-defined pieces.

    Raises:
        BadInputError: not a SentencePiece model.
        UsageError: a model that this loop cannot extend exactly.
    """
    model = parse_model(data, where)
    if any(piece.type == USER_DEFINED for piece in model.pieces):
        raise UsageError(
            f"{where} must be a model with no user-defined pieces.",
            hint="use a base of the Llama-2, Mistral or SOLAR kind",
        )
    return model


def parse_model(data: bytes, where: str) -> Any:
    """Parse a model and check that it is a byte-fallback BPE with the identity normaliser, the Llama family's kind.

    Raises:
        BadInputError: not a SentencePiece model.
        UsageError: a model of another kind.
    """
    model = proto.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:  # protobuf's DecodeError lives at different places in its versions
        raise BadInputError(f"{where} is not a SentencePiece model: {error}") from None
    trainer, normalizer = model.trainer_spec, model.normalizer_spec
    wanted = {
        "BPE pieces": trainer.model_type == trainer.BPE and len(model.pieces) > 0,
        "byte fallback": trainer.byte_fallback,
        "identity normalisation": not normalizer.precompiled_charsmap,
        "a dummy prefix": normalizer.add_dummy_prefix,
        "all spaces kept": not normalizer.remove_extra_whitespaces,
        "escaped spaces before words": normalizer.escape_whitespaces and not trainer.treat_whitespace_as_suffix,
    }
    if missing := [name for name, holds in wanted.items() if not holds]:
        raise UsageError(
            f"{where} must be a model with {', '.join(missing)}.",
            hint="use a base of the Llama-2, Mistral or SOLAR kind",
        )
    return model


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


def padding_rows(taken: Collection[str], count: int) -> list[Piece]:
    """The first `count` rows `<|reserved_N|>` whose names are not taken; none if `count` is not positive.

    >>> [row.text for row in padding_rows({"<|reserved_1|>"}, 2)]
    ['<|reserved_0|>', '<|reserved_2|>']
    """
    names = (f"<|reserved_{number}|>" for number in itertools.count())
    free = (name for name in names if name not in taken)
    return [Piece(name, 0.0, CONTROL) for name in itertools.islice(free, max(count, 0))]


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
