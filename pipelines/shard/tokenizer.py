"""The tokenizer as the shard stage sees it: a path, a fingerprint, and which ids are new."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sentencepiece
import xxhash

from pipelines.contracts import files
from pipelines.contracts.errors import BadInputError
from pipelines.contracts.manifest import has_manifest, read_manifest, verify_sizes

MODEL = "tokenizer.model"


@dataclass(frozen=True)
class Tokenizer:
    """A SentencePiece model file and where its new tokens begin. Picklable: the model is loaded where it is used."""

    path: str
    fingerprint: str
    """xxh3-128 of the model file."""
    first_new: int
    """Ids from here on are new tokens; the size of the vocabulary if there are none."""
    vocab_size: int

    @cached_property
    def processor(self) -> sentencepiece.SentencePieceProcessor:
        """The loaded model."""
        return sentencepiece.SentencePieceProcessor(model_proto=files.read_bytes(self.path))

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "processor"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)

    @property
    def dtype(self) -> type[np.unsignedinteger]:
        """The narrowest unsigned type that holds every id."""
        return np.uint16 if self.vocab_size <= 1 << 16 else np.uint32

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Ids of each text, between BOS and EOS where the model has them."""
        return self.processor.encode(
            texts, add_bos=self.processor.bos_id() >= 0, add_eos=self.processor.eos_id() >= 0, num_threads=1
        )


def open_tokenizer(path: str) -> Tokenizer:
    """A tokenizer folder as `malmoi expand` writes it, or any folder or path of a SentencePiece model (no new tokens).

    Raises:
        BadInputError: no model there, or not a SentencePiece model.
    """
    model = files.join(path, MODEL) if files.is_folder(path) else path
    if not files.exists(model):
        raise BadInputError(f"there is no {model}.", hint="give a folder made by `malmoi expand`, or a .model file")
    data = files.read_bytes(model)
    try:
        vocab_size = sentencepiece.SentencePieceProcessor(model_proto=data).vocab_size()
    except RuntimeError:
        raise BadInputError(f"{model} is not a SentencePiece model.") from None
    return Tokenizer(model, xxhash.xxh3_128_hexdigest(data), _first_new(path, vocab_size), vocab_size)


def _first_new(path: str, vocab_size: int) -> int:
    folder = path.removesuffix(f"/{MODEL}")  # the model file of a folder made by expand is that folder
    if not has_manifest(folder):
        return vocab_size
    manifest = read_manifest(folder)
    verify_sizes(folder, manifest)
    new = [pq.read_table(files.join(folder, info.path), columns=["id"])["id"] for info in manifest.table_files()]
    return min((pc.min(ids).as_py() for ids in new if len(ids)), default=vocab_size)
