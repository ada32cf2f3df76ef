"""A tokenizer folder of either kind as one thing to look things up in: its pieces, how it spells, how it encodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.hangul import SPACE_MARK
from malmoi_pipelines.tokenizers.byte_alphabet import spell, unspell
from malmoi_pipelines.tokenizers.model_proto import (
    MODEL_FILE,
    first_rows,
    load_for_units,
    parse_model,
    read_model,
)
from tokenizers import Tokenizer

from malmoi_tokenizer_lab.sentencepiece.base_files import TOKENIZER_FILE


@dataclass(frozen=True)
class SentencePieceFolder:
    """A folder with a `tokenizer.model`."""

    model: Any

    @cached_property
    def pieces(self) -> list[str]:
        """The piece of each id."""
        return [piece.piece for piece in self.model.pieces]

    def piece_of(self, text: str) -> str:
        """How the files spell a text."""
        return text.replace(" ", SPACE_MARK)

    def text_of(self, piece: str) -> str:
        """The text of a piece, with U+2581 for a space."""
        return piece

    def encode(self, text: str) -> list[int]:
        """The ids of a text inside a document: no dummy prefix."""
        ids: list[int] = load_for_units(self.model).encode(text.replace(SPACE_MARK, " "), out_type=int)
        return ids

    def base(self, size: int) -> "SentencePieceFolder":
        """The tokenizer of the first `size` rows."""
        return SentencePieceFolder(first_rows(self.model, size))


@dataclass(frozen=True)
class ByteLevelFolder:
    """A folder with a byte-level `tokenizer.json` alone."""

    json: dict[str, Any]

    @cached_property
    def pieces(self) -> list[str]:
        """The piece of each id; "" for an id without one."""
        added = {token["content"]: token["id"] for token in self.json["added_tokens"]}
        texts = {index: text for text, index in {**self.json["model"]["vocab"], **added}.items()}
        return [texts.get(index, "") for index in range(max(texts, default=-1) + 1)]

    def piece_of(self, text: str) -> str:
        """How the file spells a text; added tokens are spelled as they are."""
        return text if text in self._added else spell(text.replace(SPACE_MARK, " ").encode())

    def text_of(self, piece: str) -> str:
        """The text of a piece, with U+2581 for a space; U+FFFD for bytes that are no whole character."""
        data = None if piece in self._added else unspell(piece)
        return piece if data is None else data.decode(errors="replace").replace(" ", SPACE_MARK)

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        tokenizer = Tokenizer.from_str(orjson.dumps(self.json).decode())
        return list(tokenizer.encode(text.replace(SPACE_MARK, " "), add_special_tokens=False).ids)

    def base(self, size: int) -> "ByteLevelFolder":
        """The tokenizer of the first `size` ids: their vocabulary, and the merges that make them."""
        model = self.json["model"]
        added = [token for token in self.json["added_tokens"] if token["id"] < size]
        vocab = {text: index for text, index in model["vocab"].items() if index < size}
        merges = [pair for pair in map(_pair, model["merges"]) if "".join(pair) in vocab]
        return ByteLevelFolder(
            {**self.json, "added_tokens": added, "model": {**model, "vocab": vocab, "merges": merges}}
        )

    @cached_property
    def _added(self) -> frozenset[str]:
        return frozenset(token["content"] for token in self.json["added_tokens"])


FolderTokenizer = SentencePieceFolder | ByteLevelFolder


def read_folder_tokenizer(folder: str) -> FolderTokenizer:
    """Read the tokenizer of a folder.

    Raises:
        BadInputError: it has none that can be read.
    """
    if files.exists(files.join(folder, MODEL_FILE)):
        return SentencePieceFolder(parse_model(read_model(folder), files.join(folder, MODEL_FILE)))
    return ByteLevelFolder(orjson.loads(files.read_bytes(files.join(folder, TOKENIZER_FILE))))


def _pair(merge: str | Sequence[str]) -> tuple[str, str]:
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right
