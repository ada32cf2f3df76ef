"""A base tokenizer as the stage `expand` needs it; the two kinds that can be extended implement it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from malmoi_pipelines.contracts.arrays import Bool
from malmoi_pipelines.contracts.unit_kind import UnitKind

from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_tokenizer_lab.evaluate import Subject
from malmoi_tokenizer_lab.gates.result import GateResult
from malmoi_tokenizer_lab.loop.candidates import Candidates
from malmoi_tokenizer_lab.loop.intermediate import CandidateSource
from malmoi_tokenizer_lab.loop.merges import Symbols
from malmoi_tokenizer_lab.loop.spelling import Inventory, Spelling
from malmoi_tokenizer_lab.words import Ints, Words

RowKind = Literal["multi", "letter", "mask", "reserved"]
"""Of a new row: a token of two or more characters, one of a letter, a mask, or a row for special tokens and padding."""


@dataclass(frozen=True)
class NewRow:
    """One row that is added to the base's vocabulary."""

    piece: str
    """As `tokenizer.json` spells it."""
    kind: RowKind
    score: float
    text: str | None
    """What it stands for; None if it is no whole text."""
    candidate: int = -1
    """Its candidate; -1 for masks and reserved rows."""


@dataclass(frozen=True)
class Artefact:
    """An extended tokenizer: its new rows in id order, and the files of its folder."""

    rows: tuple[NewRow, ...]
    files: dict[str, bytes]
    subject: Subject
    """How it encodes."""
    facts: dict[str, Any]
    """What its report and card say beside the figures."""


@dataclass(frozen=True)
class OtherTokens:
    """Tokens of the units without Hangul: as with the base, except where a mask stands."""

    before: int
    after: int
    fixed_counts: Ints
    """Occurrences of each reserved row and mask, in id order."""


class Base(Protocol):
    """A tokenizer to extend."""

    name: str
    place: str
    """Where it lies: a folder or a file."""
    units: UnitKind
    """How the word table must be cut for counts by unit to be exact."""
    candidate_sources: tuple[CandidateSource, ...]
    """Where its candidates may come from, the default first."""
    size: int
    """Rows of its vocabulary: the first new id."""
    inputs: dict[str, str]
    """Digests of all that is read of it, by role."""

    def has_row(self, name: str) -> bool:
        """Whether a row of this name is in the vocabulary already."""

    def read_words(self, folders: Sequence[str], config: ExpandConfig) -> Words:
        """The word tables, cut into the units that merge on their own."""

    def spell(self, words: Words, config: ExpandConfig) -> Spelling:
        """The Korean units as the base merges them."""

    def characters(self, inventory: Inventory, words: Words) -> tuple[Symbols, Symbols]:
        """The Korean units as single characters (bytes, where a piece spells bytes), and how many each has."""

    def propose(
        self, source: CandidateSource, words: Words, units: Spelling, config: ExpandConfig, cutoff: int
    ) -> list[str]:
        """Pieces that may become tokens, in merge order, none in the base."""

    def may_add(self, piece: str) -> bool:
        """Whether a piece that the user wants may become a token."""

    def is_part(self, piece: str) -> bool:
        """Whether a piece is no whole text: such a one can only be a scaffold."""

    def text_of(self, piece: str) -> str:
        """The text of a piece, a space for a mark; of a part of a letter nothing."""

    def piece_of(self, text: str) -> str:
        """How a text with plain spaces is spelled as a piece."""

    def count_others(self, words: Words, config: ExpandConfig) -> OtherTokens:
        """Tokens of the units without Hangul, now and with the new masks."""

    def spellings(self, inventory: Inventory, rows: Sequence[NewRow]) -> list[list[int]]:
        """The ids that the base makes of each new row's text."""

    def build(self, name: str, candidates: Candidates, alive: Bool, config: ExpandConfig) -> Artefact:
        """The extended tokenizer."""

    def subject(self) -> Subject:
        """How the base encodes."""

    def gates(self, artefact: Artefact, words: Words) -> Iterator[GateResult]:
        """All gates over what was built: each runs when its result is asked for."""
