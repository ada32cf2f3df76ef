"""A Hugging Face `tokenizer.json` as an encoder.

Special tokens never come out of plain text: a document that quotes `<|end_of_text|>` does not end there. Added tokens
that are not special do. Truncation, padding and dropout are left out: they are for batches of a training run.
"""

import functools
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from tokenizers import Tokenizer

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.hangul import SPACE_MARK
from malmoi_pipelines.tokenizers import json_spec
from malmoi_pipelines.tokenizers.encoder import Encoder, read_unchanged

CONFIG = "tokenizer_config.json"
UTF8_BYTES = frozenset(range(0xF5)) - {0xC0, 0xC1}  # RFC 3629: the others occur in no UTF-8 text
BYTE_PIECE = re.compile("<0x([0-9A-F]{2})>")


@dataclass(frozen=True)
class JsonEncoder(Encoder):
    """A `tokenizer.json`."""

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Ids of each document, between BOS and EOS where the tokenizer has them."""
        before, after = ([] if index is None else [index] for index in (self.bos, self.eos))
        return [[*before, *ids, *after] for ids in _encode(_tokenizer(self.path, self.fingerprint), texts)]

    def encode_plain(self, texts: list[str]) -> list[list[int]]:
        """Ids of each text as a part of a document: no dummy prefix, no special tokens."""
        return _encode(self._plain(), texts)

    def _plain(self) -> Tokenizer:
        load = _plain_tokenizer if self.units == "metaspace" else _tokenizer  # byte-level ones have no prefix to lose
        return load(self.path, self.fingerprint)

    def obstacle(self) -> str | None:
        """What in the file would make the encoding of a unit depend on its neighbours."""
        if reason := json_spec.obstacle(_spec(self.path, self.fingerprint), self.units):
            return reason
        missing = UTF8_BYTES.difference(spelling[0] for spelling in self.spellings() if spelling and len(spelling) == 1)
        return f"{len(missing)} of the bytes that text can have are no tokens of it" if missing else None

    def pieces(self) -> list[str | None]:
        """The tokens in id order."""
        names: list[str | None] = [None] * self.vocab_size
        for name, index in _tokenizer(self.path, self.fingerprint).get_vocab(with_added_tokens=True).items():
            names[index] = name
        return names

    def spellings(self) -> list[bytes | None]:
        """The bytes of text of each token; special tokens stand for none."""
        spelled = _byte_level_bytes if self.units == "byte-level" else _metaspace_bytes
        tokens = _spec(self.path, self.fingerprint).get("added_tokens") or []
        added = {token["content"]: None if token["special"] else token["content"].encode() for token in tokens}
        return [name if name is None else added[name] if name in added else spelled(name) for name in self.pieces()]

    def mergeable(self) -> Iterator[str]:
        """All tokens of the model."""
        return iter(_spec(self.path, self.fingerprint)["model"]["vocab"])

    def pre_tokens(self, text: str) -> list[str]:
        """The stretches between which nothing is merged, in the alphabet of the pre-tokenizer."""
        tokenizer = self._plain()
        if tokenizer.normalizer is not None:
            text = tokenizer.normalizer.normalize_str(text)
        if tokenizer.pre_tokenizer is None:
            return [text]
        return [stretch for stretch, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)]

    def makes_nfc(self) -> bool:
        """Whether it brings text to NFC first."""
        return any(part["type"] == "NFC" for part in json_spec.normalisers(_spec(self.path, self.fingerprint)))

    def added(self) -> Iterable[str]:
        """The added tokens that plain text can hold."""
        return (token["content"] for token in json_spec.plain_added(_spec(self.path, self.fingerprint)))


def open_json(path: str, data: bytes, fingerprint: str) -> JsonEncoder:
    """The encoder of a `tokenizer.json`; BOS and EOS are also looked up in a `tokenizer_config.json` beside it.

    Raises:
        BadInputError: it is none.
    """
    try:
        vocabulary = Tokenizer.from_buffer(data).get_vocab(with_added_tokens=True)
        spec = orjson.loads(data)
    except Exception:  # the library raises bare Exceptions, and its messages quote the file
        raise BadInputError(
            f"{path} is not a tokenizer.json that the package tokenizers can read.",
            hint="give a tokenizer.json of Hugging Face's format, or a SentencePiece model",
        ) from None
    size = max(vocabulary.values(), default=-1) + 1
    names = json_spec.document_ends(spec, _config(files.join(os.path.dirname(path) or ".", CONFIG)))
    bos, eos = (None if name is None else vocabulary.get(name) for name in names)
    return JsonEncoder(path, fingerprint, size, size, bos, eos, json_spec.kind_of(spec))


def _config(path: str) -> dict[str, Any]:
    if not files.exists(path):
        return {}
    try:
        return dict(orjson.loads(files.read_bytes(path)))
    except (orjson.JSONDecodeError, ValueError):
        raise BadInputError(f"{path} is not JSON.") from None


def _encode(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]


@functools.lru_cache(maxsize=2)
def _tokenizer(path: str, fingerprint: str) -> Tokenizer:
    return _load(_spec(path, fingerprint))


@functools.lru_cache(maxsize=2)
def _plain_tokenizer(path: str, fingerprint: str) -> Tokenizer:
    return _load(json_spec.without_prefix(_spec(path, fingerprint)))


def _load(spec: dict[str, Any]) -> Tokenizer:
    # Its threads would be as many in every worker process as the machine has cores.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    whole = {**spec, "truncation": None, "padding": None, "model": {**spec["model"], "dropout": None}}
    tokenizer = Tokenizer.from_buffer(orjson.dumps(whole))
    tokenizer.encode_special_tokens = True
    return tokenizer


@functools.lru_cache(maxsize=2)
def _spec(path: str, fingerprint: str) -> dict[str, Any]:
    return orjson.loads(read_unchanged(path, fingerprint))


@functools.cache
def _byte_alphabet() -> dict[str, int]:
    """GPT-2's characters for bytes: printable Latin-1 stands for itself, the other bytes for U+0100 and what follows.

    >>> _byte_alphabet()["Ġ"], _byte_alphabet()["a"]
    (32, 97)
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = itertools.count(0x100)
    return {chr(byte if byte in printable else next(others)): byte for byte in range(256)}


def _byte_level_bytes(name: str) -> bytes | None:
    alphabet = _byte_alphabet()
    return bytes(alphabet[character] for character in name) if all(c in alphabet for c in name) else None


def _metaspace_bytes(name: str) -> bytes | None:
    if byte := BYTE_PIECE.fullmatch(name):
        return bytes([int(byte[1], 16)])
    return name.replace(SPACE_MARK, " ").encode()
