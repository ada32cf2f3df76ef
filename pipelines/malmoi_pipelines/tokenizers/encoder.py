"""What every encoder can do."""

import abc
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.fingerprint import fingerprint
from malmoi_pipelines.contracts.unit_kind import UnitKind

Ids = npt.NDArray[np.int32]

BATCH = 1 << 16  # units a call of a library: Python lists of one batch only are alive at a time


@dataclass(frozen=True)
class Encoder(abc.ABC):
    """A tokenizer file. Picklable and small: what it describes is loaded where it is used, once a process."""

    path: str
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

    @property
    def dtype(self) -> type[np.unsignedinteger]:
        """The narrowest unsigned type that holds every id."""
        return np.uint16 if self.vocab_size <= 1 << 16 else np.uint32

    @property
    def identity(self) -> str:
        """Digest of all that the encoding of documents, and which of their ids are new, depends on."""
        return fingerprint([self.fingerprint, self.first_new, self.bos, self.eos])

    @abc.abstractmethod
    def encode(self, texts: list[str]) -> list[list[int]]:
        """Ids of each document, between BOS and EOS where the tokenizer has them."""

    @abc.abstractmethod
    def encode_plain(self, texts: list[str]) -> list[list[int]]:
        """Ids of each text as a part of a document: no dummy prefix, no special tokens."""

    def encode_units(self, units: pa.Array) -> tuple[Ids, Ids]:
        """Encode units of a word table.

        Returns:
            The ids of all units, one after the other, and how many each unit has.
        """
        ids, lengths = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
        for first in range(0, len(units), BATCH):
            encoded = self.encode_plain(units[first : first + BATCH].to_pylist())
            size = np.fromiter(map(len, encoded), np.int32, len(encoded))
            lengths.append(size)
            ids.append(np.fromiter(itertools.chain.from_iterable(encoded), np.int32, int(size.sum())))
        return np.concatenate(ids), np.concatenate(lengths)

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
    def mergeable(self) -> Iterator[str]:
        """The pieces that text can be merged to, in between or at the end."""

    def pre_tokens(self, text: str) -> list[str]:
        """The stretches of a part of a document between which nothing is merged."""
        return [text]

    def makes_nfc(self) -> bool:
        """Whether it brings text to NFC first."""
        return False

    def added(self) -> Iterable[str]:
        """Texts that are cut out of a document before all else, wherever they occur."""
        return ()


def read_unchanged(path: str, fingerprint: str) -> bytes:
    """The tokenizer's file, which must be the one that was opened: workers read it later than the driver.

    Raises:
        CheckError: it was replaced since.
    """
    data = files.read_bytes(path)
    if xxhash.xxh3_128_hexdigest(data) != fingerprint:
        raise CheckError(f"{path} has changed since this run began.", hint="run it again")
    return data
