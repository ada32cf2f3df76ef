"""A Hugging Face `tokenizer.json`, or a Tekken file as one, as an encoder.

Special tokens never come out of plain text: a document that quotes `<|end_of_text|>` does not end there. (An encoder
that `finds_special` takes them as transformers does.) Added tokens that are not special do. Truncation, padding and
dropout are left out: they are for batches of a training run.
"""

import functools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from tokenizers import Tokenizer

from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.hangul import SPACE_MARK
from malmoi_pipelines.tokenizers import json_spec
from malmoi_pipelines.tokenizers.byte_alphabet import unspell
from malmoi_pipelines.tokenizers.encoder import Encoder, Rows
from malmoi_pipelines.tokenizers.tekken import config_of_tekken, is_tekken, json_of_tekken

UTF8_BYTES = frozenset(range(0xF5)) - {0xC0, 0xC1}  # RFC 3629: the others occur in no UTF-8 text
BYTE_PIECE = re.compile("<0x([0-9A-F]{2})>")

_PARALLELISM = "TOKENIZERS_PARALLELISM"
_CHOSEN = os.environ.get(_PARALLELISM)


@dataclass(frozen=True)
class JsonEncoder(Encoder):
    """A `tokenizer.json`."""

    finds_special: bool = False
    """Whether the text of a special token encodes to it, as it does in transformers."""

    @functools.cached_property
    def spec(self) -> json_spec.Spec:
        """The parsed file; never changed."""
        return _parsed_file(self)[0]

    @property
    def is_tekken(self) -> bool:
        """Whether the file is a Tekken file, which `spec` was built from."""
        return _parsed_file(self)[1]

    def encode(self, texts: list[str]) -> Rows:
        """Ids of each document, between BOS and EOS where the tokenizer has them."""
        before, after = ([] if index is None else [index] for index in (self.bos, self.eos))
        return [[*before, *ids, *after] for ids in self.encode_texts(texts)]

    def encode_texts(self, texts: Sequence[str], num_threads: int = 1) -> Rows:
        """Ids of each document, without special tokens."""
        return _encode(self._whole, texts, num_threads)

    def encode_plain(self, texts: Sequence[str], num_threads: int = 1) -> Rows:
        """Ids of each text as a part of a document: no dummy prefix, no special tokens."""
        return _encode(self._plain, texts, num_threads)

    @functools.cached_property
    def _whole(self) -> Tokenizer:
        return _tokenizer(self)

    @functools.cached_property
    def _plain(self) -> Tokenizer:
        # Byte-level ones have no prefix to lose.
        return _plain_tokenizer(self) if self.units == "metaspace" else self._whole

    def obstacle(self) -> str | None:
        """What in the file would make the encoding of a unit depend on its neighbours."""
        if reason := json_spec.obstacle(self.spec, self.units):
            return reason
        missing = UTF8_BYTES.difference(spelling[0] for spelling in self.spellings() if spelling and len(spelling) == 1)
        return f"{len(missing)} of the bytes that text can have are no tokens of it" if missing else None

    def pieces(self) -> list[str | None]:
        """The tokens in id order."""
        names: list[str | None] = [None] * self.vocab_size
        for name, index in self._whole.get_vocab(with_added_tokens=True).items():
            names[index] = name
        return names

    def spellings(self) -> list[bytes | None]:
        """The bytes of text of each token; special tokens stand for none."""
        spelled = unspell if self.units == "byte-level" else _metaspace_bytes
        tokens = self.spec.get("added_tokens") or []
        added = {token["content"]: None if token["special"] else token["content"].encode() for token in tokens}
        return [name if name is None else added[name] if name in added else spelled(name) for name in self.pieces()]

    def byte_ids(self) -> frozenset[int]:
        """The tokens `<0x..>`, where the model falls back to them."""
        if self.units == "byte-level" or not self.spec["model"].get("byte_fallback"):
            return frozenset()
        named = enumerate(self.pieces())
        return frozenset(index for index, name in named if name is not None and BYTE_PIECE.fullmatch(name))

    def mergeable(self) -> Iterator[str]:
        """All tokens of the model."""
        return iter(self.spec["model"]["vocab"])

    def first_ids(self, size: int) -> "JsonEncoder":
        """The tokens below `size`, and the merges that make them."""
        spec = json_spec.first_ids(self.spec, size)
        path = f"the first {size} ids of {self.path}"
        return json_encoder(path, orjson.dumps(spec), finds_special=self.finds_special)

    def pre_tokens(self, text: str) -> list[str]:
        """The stretches between which nothing is merged, in the alphabet of the pre-tokenizer."""
        tokenizer = self._plain
        if tokenizer.normalizer is not None:
            text = tokenizer.normalizer.normalize_str(text)
        if tokenizer.pre_tokenizer is None:
            return [text]
        return [stretch for stretch, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)]

    def normal_form(self) -> json_spec.NormalForm | None:
        """NFC or NFKC, if it brings text to that first."""
        return json_spec.normal_form(self.spec)

    def added(self) -> Iterable[str]:
        """The added tokens that plain text can hold."""
        return (token["content"] for token in json_spec.plain_added(self.spec))


def json_encoder(
    path: str,
    data: bytes,
    fingerprint: str | None = None,
    config: dict[str, Any] | None = None,
    *,
    finds_special: bool = False,
) -> JsonEncoder:
    """The encoder of a `tokenizer.json` or a Tekken file.

    Args:
        path: its file, or what to call it.
        data: its content.
        fingerprint: of the file; None: there is no file, the content itself stays with the encoder.
        config: the `tokenizer_config.json` beside it, which names BOS and EOS; None or empty: there is none.
        finds_special: whether the text of a special token encodes to it.

    Raises:
        BadInputError: it is neither.
    """
    spec, is_rank_file = _parsed(path, data)
    try:
        vocabulary = Tokenizer.from_buffer(orjson.dumps(spec)).get_vocab(with_added_tokens=True)
    except Exception:  # the library raises bare Exceptions, and its messages quote the file
        raise _no_tokenizer(path) from None
    names = json_spec.document_ends(spec, config or (orjson.loads(config_of_tekken()) if is_rank_file else {}))
    bos, eos = (None if name is None else vocabulary.get(name) for name in names)
    size, kind = max(vocabulary.values(), default=-1) + 1, json_spec.kind_of(spec)
    ends = {"bos": bos, "eos": eos}
    return JsonEncoder.of(path, data, fingerprint, vocab_size=size, units=kind, finds_special=finds_special, **ends)


def _parsed(path: str, data: bytes) -> tuple[json_spec.Spec, bool]:
    """The `tokenizer.json` that a file is or amounts to, and whether it is a Tekken file."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise _no_tokenizer(path) from None
    if is_tekken(value):
        return json_of_tekken(value, path), True
    if not isinstance(value, dict) or not isinstance(value.get("model"), dict):
        raise _no_tokenizer(path)
    return value, False


def _no_tokenizer(path: str) -> BadInputError:
    return BadInputError(
        f"{path} is not a tokenizer.json that the package tokenizers can read.",
        hint="name a tokenizer.json of Hugging Face's format, a Tekken file, or a SentencePiece model",
    )


def _encode(tokenizer: Tokenizer, texts: Sequence[str], num_threads: int) -> Rows:
    if _CHOSEN is None:  # else its threads would be as many in every worker process as the machine has cores
        os.environ[_PARALLELISM] = "true" if num_threads > 1 else "false"
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


@functools.lru_cache(maxsize=2)
def _tokenizer(encoder: JsonEncoder) -> Tokenizer:
    return _load(encoder.spec, encoder.finds_special)


@functools.lru_cache(maxsize=2)
def _plain_tokenizer(encoder: JsonEncoder) -> Tokenizer:
    return _load(json_spec.without_prefix(encoder.spec), encoder.finds_special)


def _load(spec: json_spec.Spec, finds_special: bool) -> Tokenizer:
    whole = {**spec, "truncation": None, "padding": None, "model": {**spec["model"], "dropout": None}}
    tokenizer = Tokenizer.from_buffer(orjson.dumps(whole))
    tokenizer.encode_special_tokens = not finds_special
    return tokenizer


@functools.lru_cache(maxsize=2)
def _parsed_file(encoder: JsonEncoder) -> tuple[json_spec.Spec, bool]:
    return _parsed(encoder.path, encoder.read())


def _metaspace_bytes(name: str) -> bytes | None:
    if byte := BYTE_PIECE.fullmatch(name):
        return bytes([int(byte[1], 16)])
    return name.replace(SPACE_MARK, " ").encode()
