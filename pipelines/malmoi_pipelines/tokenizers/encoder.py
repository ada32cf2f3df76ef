"""What every encoder can do."""

import abc
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pyarrow as pa
import xxhash

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.fingerprint import fingerprint
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.tokenizers.json_spec import NormalForm
from malmoi_pipelines.tokenizers.tokens import Tokens, tokens_of

Rows = list[list[int]]
"""The ids of each of some texts."""


@dataclass(frozen=True)
class Encoder(abc.ABC):
    """A tokenizer. Picklable, and small if it is a file: that is loaded where it is used, once a process."""

    path: str
    """Its file, or what to call it."""
    fingerprint: str
    """xxh3-128 of the file."""
    vocab_size: int
    """One more than the highest id."""
    first_new: int
    """Ids from here on are new tokens; `vocab_size` if there are none."""
    bos: int | None
    """Id that stands before a document, if the tokenizer has one."""
    eos: int | None
    """Id that stands after a document, if the tokenizer has one."""
    units: UnitKind | None
    """The kind of word tables whose units it can encode; None if of no kind."""
    data: bytes | None = field(default=None, compare=False, repr=False)
    """The content, where there is no file of it."""

    @classmethod
    def of(cls, path: str, data: bytes, fingerprint: str | None, **fields: Any) -> Self:
        """An encoder without new tokens: of a file with its fingerprint, or (None) of the content alone."""
        digest, kept = (xxhash.xxh3_128_hexdigest(data), data) if fingerprint is None else (fingerprint, None)
        return cls(path, digest, first_new=fields["vocab_size"], data=kept, **fields)

    def __getstate__(self) -> dict[str, Any]:
        # What was loaded stays here: it is large, and the libraries' objects do not travel.
        return {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}

    def read(self) -> bytes:
        """The content, which must be what was opened: workers read the file later than the driver.

        Raises:
            CheckError: the file was replaced since.
        """
        if self.data is not None:
            return self.data
        data = files.read_bytes(self.path)
        if xxhash.xxh3_128_hexdigest(data) != self.fingerprint:
            raise CheckError(f"{self.path} has changed since this run began.", hint="run it again")
        return data

    @property
    def dtype(self) -> type[np.unsignedinteger]:
        """The narrowest unsigned type that holds every id."""
        return np.uint16 if self.vocab_size <= 1 << 16 else np.uint32

    @property
    def identity(self) -> str:
        """Digest of all that the encoding of documents, and which of their ids are new, depends on."""
        return fingerprint([self.fingerprint, self.first_new, self.bos, self.eos])

    @abc.abstractmethod
    def encode(self, texts: list[str]) -> Rows:
        """Ids of each document, between BOS and EOS where the tokenizer has them."""

    @abc.abstractmethod
    def encode_texts(self, texts: Sequence[str], num_threads: int = 1) -> Rows:
        """Ids of each document, without special tokens."""

    @abc.abstractmethod
    def encode_plain(self, texts: Sequence[str], num_threads: int = 1) -> Rows:
        """Ids of each text as a part of a document: no dummy prefix, no special tokens."""

    def encode_units(self, units: pa.Array, num_threads: int = 1) -> Tokens:
        """Encode units of a word table."""
        return tokens_of(lambda texts: self.encode_plain(texts, num_threads), units)

    @abc.abstractmethod
    def obstacle(self) -> str | None:
        """Why counting over units could differ from encoding documents, whatever the vocabulary; None if nothing."""

    @abc.abstractmethod
    def pieces(self) -> list[str | None]:
        """The spelling of each id in the tokenizer's own file; None where no token has the id."""

    @abc.abstractmethod
    def spellings(self) -> list[bytes | None]:
        """The bytes of text that each id stands for; None if it stands for no text. A space mark is a space."""

    @abc.abstractmethod
    def byte_ids(self) -> frozenset[int]:
        """Ids that stand for one byte each where no piece fits (byte fallback); none of a byte-level tokenizer."""

    @abc.abstractmethod
    def mergeable(self) -> Iterator[str]:
        """The pieces that text can be merged to, in between or at the end."""

    @abc.abstractmethod
    def first_ids(self, size: int) -> "Encoder":
        """The tokenizer of the ids below `size`: the base of an extended one."""

    def pre_tokens(self, text: str) -> list[str]:
        """The stretches of a part of a document between which nothing is merged."""
        return [text]

    def normal_form(self) -> NormalForm | None:
        """The form of Unicode that it brings text to first, NFC or NFKC; None: it does not."""
        return None

    def added(self) -> Iterable[str]:
        """Texts that are cut out of a document before all else, wherever they occur."""
        return ()
