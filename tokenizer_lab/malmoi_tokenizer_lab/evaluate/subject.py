"""A tokenizer under evaluation."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.tokenizers.countable import check_countable
from malmoi_pipelines.tokenizers.encoder import Encoder
from malmoi_pipelines.tokenizers.tokens import Tokens


@dataclass(frozen=True)
class Subject:
    """One tokenizer under evaluation."""

    name: str
    """What the report calls it: "base", "leaf-first", a folder's name."""
    units: UnitKind
    """How a word table must be cut for its units to be encoded one by one."""
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
    spellings: Callable[[list[int]], list[bytes]]
    """The bytes of text that tokens stand for; of a special token none."""
    mergeable: Callable[[], Iterable[str]]
    """The pieces that text can be merged to, in between or at the end."""


def subject_of(name: str, encoder: Encoder, first_new: int | None = None, num_threads: int = 1) -> Subject:
    """A tokenizer to evaluate.

    Args:
        name: what the report calls it.
        encoder: the tokenizer.
        first_new: the first id beyond the base; None if it is no extension.
        num_threads: threads to encode with.

    Raises:
        UsageError: its units cannot be encoded one by one.
    """
    pieces, spellings = [piece or "" for piece in encoder.pieces()], encoder.spellings()
    return Subject(
        name=name,
        units=check_countable(encoder, name),
        encode_units=lambda units: encoder.encode_units(units, num_threads),
        encode_texts=lambda texts: encoder.encode_texts(texts, num_threads),
        vocab_size=encoder.vocab_size,
        first_new=encoder.vocab_size if first_new is None else first_new,
        byte_ids=encoder.byte_ids(),
        pieces=lambda ids: [pieces[index] for index in ids],
        spellings=lambda ids: [spellings[index] or b"" for index in ids],
        mergeable=encoder.mergeable,
    )
