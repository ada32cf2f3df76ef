"""Lists of the user: pieces that must become tokens, and pieces that must not."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.hangul import is_letter, letters_of

from malmoi_tokenizer_lab.loop.candidates import Candidates
from malmoi_tokenizer_lab.loop.merges import merge_units
from malmoi_tokenizer_lab.loop.spelling import Inventory


@dataclass(frozen=True)
class Curation:
    """The two lists, as pieces."""

    allowed: tuple[str, ...] = ()
    denied: frozenset[str] = frozenset()
    text_of: Callable[[str], str] = str
    """The text of a piece."""

    @cached_property
    def denied_letters(self) -> frozenset[str]:
        """The denied pieces that are one letter."""
        return frozenset(filter(is_letter, map(self.text_of, self.denied)))

    def denies(self, piece: str) -> bool:
        """Whether a piece must not become a token: it is denied itself, or a letter of it is."""
        return piece in self.denied or not self.denied_letters.isdisjoint(letters_of(self.text_of(piece)))


def read_curation(
    allow: str | None,
    deny: str | None,
    piece_of: Callable[[str], str],
    may_add: Callable[[str], bool],
    text_of: Callable[[str], str] = str,
) -> Curation:
    """Read the lists.

    Args:
        allow: path of the pieces to keep, one a line; None: no list.
        deny: path of the pieces to leave out.
        piece_of: how a text is spelled as a piece.
        may_add: whether a piece may become a token.
        text_of: the text of a piece.

    Raises:
        BadInputError: a list is no UTF-8 text.
        UsageError: there is no such file, a piece cannot become a token, or it is allowed and denied.
    """
    allowed, denied = (tuple(dict.fromkeys(map(piece_of, _lines(path)))) for path in (allow, deny))
    if wrong := [piece for piece in allowed if not may_add(piece)]:
        raise UsageError(
            f"{allow}: {text_of(wrong[0])!r} cannot become a token, nor can {len(wrong) - 1} others.",
            hint="a new token is an optional space and then Hangul letters, 16 characters at most",
        )
    curation = Curation(allowed, frozenset(denied), text_of)
    if both := list(filter(curation.denies, allowed)):
        raise UsageError(f"{text_of(both[0])!r} is in both lists, {allow} and {deny}, or a letter of it is denied.")
    return curation


def _lines(path: str | None) -> list[str]:
    """The pieces of a list: a line each, comments and empty lines left out. A space in front is part of a piece."""
    if path is None:
        return []
    if not files.exists(path):
        raise UsageError(f"there is no file {path}.")
    try:
        text = files.read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInputError(f"{path} is not UTF-8 text.") from None
    lines = [line.split("#", 1)[0].rstrip() for line in text.splitlines()]
    return [line for line in lines if line.strip()]


def with_wanted(
    multis: Sequence[str], wanted: Sequence[str], inventory: Inventory, may_add: Callable[[str], bool]
) -> list[str]:
    """Add wanted pieces to the end of the candidates, each with the pieces between that merging needs to make it.

    Args:
        multis: candidates in merge order.
        wanted: pieces; those of the base, letters among them, are left where they are.
        inventory: the symbols of the base.
        may_add: whether a piece may become a token.

    Raises:
        UsageError: a piece with a letter that is nowhere else, or one that allowed merges do not lead to.
    """
    ranks = {piece: rank for rank, piece in enumerate(multis)}
    for piece in wanted:
        if strange := sorted(set(piece) - inventory.ids.keys()):
            raise UsageError(f"{piece!r} cannot become a token: neither the base nor the corpus has {strange[0]!r}.")
        while len(parts := _parts(piece, ranks, inventory)) > 1:
            between = (left + right for left, right in itertools.pairwise(parts))
            made = next((text for text in between if text not in inventory.ids and may_add(text)), None)
            if made is None:
                raise UsageError(f"{piece!r} cannot become a token: no piece that may be added leads to it.")
            ranks[made] = len(ranks)
    return list(ranks)


def _parts(piece: str, ranks: Mapping[str, int], inventory: Inventory) -> list[str]:
    """What merging makes of a piece; only candidates inside of it take part. One of the base is whole."""
    if piece in inventory.ids:
        return [piece]
    inside = {piece[start:end] for start in range(len(piece)) for end in range(start + 2, len(piece) + 1)}
    own = sorted(inside & ranks.keys(), key=ranks.__getitem__)
    symbols, lengths = inventory.spell(pa.array([piece], pa.large_string()))
    merges = Candidates(tuple(own), len(own), np.zeros(0, np.int64), inventory).merges
    texts = [*inventory.texts, *own]
    return [texts[symbol] for symbol in merge_units(merges, merges.ranks, symbols, lengths)[0].tolist()]
