"""An extended `tokenizer.json` beside its base: what is new in it, and what its merges make of a token."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from tokenizers import Tokenizer

from malmoi_tokenizer_lab.byte_level.base import ByteLevelBase
from malmoi_tokenizer_lab.row_names import ROW_NAME


@dataclass(frozen=True, eq=False)
class Extension:
    """An extended `tokenizer.json` beside its base."""

    base: ByteLevelBase
    data: bytes

    @cached_property
    def json(self) -> dict[str, Any]:
        """The parsed file."""
        value: dict[str, Any] = orjson.loads(self.data)
        return value

    @cached_property
    def before(self) -> Tokenizer:
        """The base, loaded."""
        return Tokenizer.from_buffer(orjson.dumps(self.base.json))

    @cached_property
    def after(self) -> Tokenizer:
        """The extension, loaded."""
        return Tokenizer.from_buffer(self.data)

    @cached_property
    def masks(self) -> dict[str, int]:
        """Id of each new added token; a special one would be a reserved row that text can make."""
        new = (token for token in self.json["added_tokens"] if token["id"] >= self.base.size)
        return {token["content"]: token["id"] for token in new if not token["special"]}

    @cached_property
    def names(self) -> dict[str, int]:
        """Id of each reserved or padding row."""
        names = ((text, index) for text, index in self.json["model"]["vocab"].items() if ROW_NAME.fullmatch(text))
        own = {token["content"] for token in self.base.json.get("added_tokens") or ()} | self.masks.keys()
        return {text: i for text, i in names if text not in own and text not in self.base.json["model"]["vocab"]}

    @cached_property
    def tokens(self) -> dict[str, int]:
        """Id of each new token, by its spelling, in id order."""
        rows = self.json["model"]["vocab"].items()
        return {
            text: i for text, i in rows if i >= self.base.size and text not in self.masks and text not in self.names
        }


def merge_table(model: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Rank of each merge of a `tokenizer.json`'s model."""
    pairs = (merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"])
    return {(left, right): rank for rank, (left, right) in enumerate(pairs)}


def parents_of(text: str, merges: Mapping[tuple[str, str], int]) -> list[str]:
    """What merging makes of a token's bytes when the token itself is taken away: two tokens, if it can be reached.

    >>> parents_of("abc", {("a", "b"): 0, ("ab", "c"): 1})
    ['ab', 'c']
    """
    symbols = list(text)
    while True:
        pairs = enumerate(itertools.pairwise(symbols))
        ranked = [(merges[pair], i) for i, pair in pairs if pair in merges and "".join(pair) != text]
        if not ranked:
            return symbols
        place = min(ranked)[1]
        symbols[place : place + 2] = ["".join(symbols[place : place + 2])]
