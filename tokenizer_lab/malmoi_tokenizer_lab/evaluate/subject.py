"""A tokenizer under evaluation."""

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.tokenizers.model_proto import BYTE, load, load_for_units

from malmoi_tokenizer_lab.counting import BATCH, Tokens, encode_units

_BYTE_PIECES = {f"<0x{byte:02X}>" for byte in range(256)}


@dataclass(frozen=True)
class Subject:
    """One tokenizer under evaluation."""

    name: str
    """What the report calls it: "base", "leaf-first", a folder's name."""
    encode_units: Callable[[pa.LargeStringArray], Tokens]
    """The tokens of units of a word table, none added."""
    encode_texts: Callable[[Sequence[str]], list[list[int]]]
    """The tokens of whole texts, without special tokens."""
    vocab_size: int
    """Ids are below it."""
    first_new: int
    """The first id that the base does not have; `vocab_size` for the base itself."""
    byte_ids: frozenset[int]
    """Ids that stand for one byte each (byte fallback). Empty means byte-level: pieces are spelled in the byte
    alphabet, and "fell back to bytes" has no meaning."""
    pieces: Callable[[list[int]], list[str]]
    """Pieces as tokenizer.json spells them: U+2581 for a space, or the byte alphabet."""

    @property
    def rule(self) -> UnitKind:
        """How a word table must be cut for its units to be encoded one by one."""
        return "metaspace" if self.byte_ids else "byte-level"


def sentencepiece_subject(name: str, model: Any, first_new: int | None = None, num_threads: int = 1) -> Subject:
    """A SentencePiece model (the parsed protocol buffer), for tables of `metaspace` units.

    Args:
        name: what the report calls it.
        model: the model.
        first_new: the first id beyond the base; None if it is no extension.
        num_threads: threads to encode with.
    """
    by_unit, whole = load_for_units(model), load(model.SerializeToString())
    spelled = [piece.piece for piece in model.pieces]
    return Subject(
        name=name,
        encode_units=lambda text: encode_units(by_unit, text, num_threads),
        encode_texts=lambda texts: whole.encode(list(texts), out_type=int, num_threads=num_threads),
        vocab_size=len(spelled),
        first_new=len(spelled) if first_new is None else first_new,
        byte_ids=frozenset(index for index, piece in enumerate(model.pieces) if piece.type == BYTE),
        pieces=lambda ids: [spelled[index] for index in ids],
    )


def json_subject(name: str, data: bytes, first_new: int | None = None) -> Subject:
    """A tokenizer.json, byte-level or of SentencePiece's kind (byte fallback).

    Args:
        name: what the report calls it, and what messages name.
        data: the file.
        first_new: the first id beyond the base; None if it is no extension.

    Raises:
        BadInputError: no tokenizer.json.
        UsageError: a kind of tokenizer whose units cannot be encoded one by one.
    """
    spec = _parse(name, data)
    fallback = _rule(name, spec) == "metaspace"
    for_units = _without_prefix(name, spec) if fallback else spec
    whole = _load(name, spec)
    by_unit = _load(name, for_units) if fallback else whole
    vocabulary: dict[str, int] = whole.get_vocab()
    size = 1 + max(vocabulary.values(), default=-1)  # ids may have gaps
    return Subject(
        name=name,
        encode_units=lambda text: _encode_units(by_unit, text),
        encode_texts=lambda texts: _encode(whole, texts),
        vocab_size=size,
        first_new=size if first_new is None else first_new,
        byte_ids=frozenset(vocabulary[piece] for piece in _BYTE_PIECES & set(vocabulary)) if fallback else frozenset(),
        pieces=lambda ids: [whole.id_to_token(index) or "" for index in ids],
    )


def _rule(name: str, spec: dict[str, Any]) -> UnitKind:
    """The rule that a parsed tokenizer.json needs.

    Raises:
        UsageError: neither.
    """
    if spec["model"].get("type") == "BPE":
        if spec["model"].get("byte_fallback"):
            return "metaspace"
        if any(part.get("type") == "ByteLevel" for part in _parts(spec, "pre_tokenizer", "pretokenizers")):
            return "byte-level"
    raise UsageError(
        f"{name} must be a BPE tokenizer, byte-level or with byte fallback. Its model is "
        f"{spec['model'].get('type')!r}.",
        hint="unigram and WordPiece tokenizers cannot be counted by unit",
    )


def _parse(name: str, data: bytes) -> dict[str, Any]:
    try:
        spec = json.loads(data)
    except ValueError:
        spec = None
    if not isinstance(spec, dict) or not isinstance(spec.get("model"), dict):
        raise BadInputError(f"{name} is not a tokenizer.json.")
    return spec


def _parts(spec: dict[str, Any], role: str, of_sequence: str) -> list[dict[str, Any]]:
    """The normalizers or pre-tokenizers of a file: a sequence, one, or none."""
    part = spec.get(role) or {}
    return part[of_sequence] if part.get("type") == "Sequence" else [part] if part else []


def _without_prefix(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """The same tokenizer for units: a document's first unit already starts with the space that Prepend would add.

    Raises:
        UsageError: it adds the space in a way that is not known here.
    """
    normalizers = _parts(spec, "normalizer", "normalizers")
    if spec.get("pre_tokenizer") or [part["type"] for part in normalizers] not in (["Prepend", "Replace"], ["Replace"]):
        raise UsageError(
            f"{name} cannot be encoded unit by unit: it must turn spaces into U+2581 by Prepend and Replace.",
            hint="give its tokenizer.model instead",
        )
    return {**spec, "normalizer": normalizers[-1]}


def _load(name: str, spec: dict[str, Any]) -> Any:
    from tokenizers import Tokenizer  # noqa: PLC0415  # SentencePiece subjects do without

    try:
        tokenizer = Tokenizer.from_str(json.dumps(spec))
    except Exception as error:  # the package raises Exception itself
        raise BadInputError(f"{name} is not a tokenizer.json: {error}") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _encode(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


def _encode_units(tokenizer: Any, text: pa.LargeStringArray) -> Tokens:
    ids, lengths = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for first in range(0, len(text), BATCH):
        encoded = _encode(tokenizer, text[first : first + BATCH].to_pylist())
        size = np.fromiter(map(len, encoded), np.int32, len(encoded))
        lengths.append(size)
        ids.append(np.fromiter(itertools.chain.from_iterable(encoded), np.int32, int(size.sum())))
    return Tokens(np.concatenate(ids), np.concatenate(lengths))
