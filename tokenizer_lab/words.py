"""Reading word tables: every distinct unit with its count, Korean units apart from the others.

New tokens can only occur in Korean units: no other unit holds a Hangul letter, and every new token holds one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.errors import BadInputError, UsageError
from pipelines.contracts.fingerprint import fingerprint
from pipelines.contracts.hangul import LETTER_CLASS, SPACE_MARK
from pipelines.contracts.manifest import Manifest, read_manifest
from pipelines.contracts.schemas import LETTERS, WORD_TABLE, WORDS
from pipelines.contracts.tables import read_table

UnitRule = Literal["metaspace", "byte-level"]
"""How the word table cuts texts into units."""

Ints = npt.NDArray[np.int64]

_KOREAN_UNIT = f"^[ {SPACE_MARK}]*[{LETTER_CLASS}]+$"
NUM_SHOWN = 5  # characters in a message


@dataclass(frozen=True)
class Units:
    """Distinct units and how often each occurs; ordered by the units' UTF-8 bytes."""

    text: pa.LargeStringArray
    counts: Ints

    def __len__(self) -> int:
        return len(self.counts)

    def where(self, mask: pa.BooleanArray) -> "Units":
        """The units where `mask` is true."""
        return Units(self.text.filter(mask), self.counts[mask.to_numpy(zero_copy_only=False)])

    @property
    def num_bytes(self) -> int:
        """UTF-8 bytes of all occurrences."""
        return int(np.dot(pc.binary_length(self.text).to_numpy(), self.counts))


@dataclass(frozen=True)
class Words:
    """A corpus as its units."""

    korean: Units
    """Units with a Hangul letter. Of a SentencePiece base spaces and letters only; of a byte-level base pre-tokens."""
    other: Units
    """All other units: no Hangul letter in them."""
    letters: dict[str, int]
    """Occurrences of each Hangul letter."""
    num_bytes: int
    """UTF-8 bytes of the corpus; of a SentencePiece base with the one space before each document."""
    masks: tuple[int, ...] = ()
    """Occurrences of each mask, where masks were cut out of the units (byte-level bases)."""
    added: int = 0
    """Occurrences of all of the base's own added tokens, where these were cut out of the units."""


def words_fingerprint(folders: Sequence[str]) -> str:
    """Digest of the word tables' content, whatever the order they are named in.

    Raises:
        UsageError: one of them is there twice, and would be counted twice.
    """
    prints = [read_word_manifest(folder).content_fingerprint for folder in folders]
    for number, this in enumerate(prints):
        if this in prints[:number]:
            raise UsageError(
                f"{folders[prints.index(this)]} and {folders[number]} are the same word table.", hint="name it once"
            )
    return fingerprint(sorted(prints))


def read_word_manifest(folder: str) -> Manifest:
    """The manifest of a word table.

    Raises:
        UsageError: the folder holds something else.
    """
    manifest = read_manifest(folder)
    if manifest.kind != WORD_TABLE.name:
        raise UsageError(
            f"{folder} must be a word table (kind {WORD_TABLE.name!r}). Its kind is {manifest.kind!r}.",
            hint="make one with `malmoi count`",
        )
    return manifest


def check_rule(folders: Sequence[str], rule: UnitRule) -> None:
    """Check that word tables are cut by the rule that a kind of base needs.

    Raises:
        UsageError: one is not.
    """
    for folder in folders:
        found = read_word_manifest(folder).config.get("units", "metaspace")
        if found != rule:
            raise UsageError(
                f"{folder} holds {found} units, this tokenizer is counted exactly over {rule} units.",
                hint=f"make the table with `malmoi count --units {rule}`",
            )


def read_units(folders: Sequence[str]) -> Units:
    """Read and sum word tables; the result does not depend on how they were partitioned."""
    tables = [read_table(folder, WORDS, ["unit", "count"]) for folder in folders]
    table = pa.concat_tables(tables)
    table = table.set_column(0, "unit", table["unit"].cast(pa.large_string()))
    if len(tables) > 1:
        table = table.group_by("unit").aggregate([("count", "sum")]).rename_columns(["unit", "count"])
    table = table.sort_by("unit").combine_chunks()
    if not len(table):
        return Units(pa.array([], pa.large_string()), np.zeros(0, np.int64))
    return Units(table["unit"].chunk(0), table["count"].to_numpy())


def read_letters(folders: Sequence[str]) -> dict[str, int]:
    """Occurrences of each Hangul letter in word tables."""
    table = pa.concat_tables([read_table(folder, LETTERS) for folder in folders])
    table = table.group_by("letter").aggregate([("count", "sum")]).sort_by("letter")
    return dict(zip(table["letter"].to_pylist(), table["count_sum"].to_pylist(), strict=True))


def split_korean(units: Units, letters: dict[str, int], num_bytes: int) -> Words:
    """Tell the units with a Hangul letter from the others.

    Raises:
        BadInputError: there is none.
    """
    korean = pc.match_substring_regex(units.text, f"[{LETTER_CLASS}]")
    words = Words(units.where(korean), units.where(pc.invert(korean)), letters, num_bytes)
    if not len(words.korean):
        raise BadInputError("no Korean unit in the word table: nothing to extend the tokenizer with.")
    return words


def check_korean_units(korean: Units) -> None:
    """Check that units with a Hangul letter are spaces and then letters only, as the `metaspace` rule makes them.

    Raises:
        BadInputError: saying what else is in them.
    """
    well_formed = pc.match_substring_regex(korean.text, _KOREAN_UNIT)
    if not pc.all(well_formed, min_count=0).as_py():
        wrong = korean.text.filter(pc.invert(well_formed))
        raise BadInputError(
            "a unit with a Hangul letter is spaces and then Hangul letters only. "
            f"{len(wrong)} of {len(korean)} are not: they have {_what_is_wrong(wrong)}."
        )


def _what_is_wrong(units: pa.LargeStringArray) -> str:
    """The code points that must not be in units; never a unit, which is text of the corpus."""
    rest = pc.replace_substring_regex(units, f"[ {SPACE_MARK}{LETTER_CLASS}]", "")
    points = sorted({ord(character) for unit in rest.to_pylist() for character in unit})
    if not points:
        return "a space after a letter"
    shown = ", ".join(f"U+{point:04X}" for point in points[:NUM_SHOWN])
    return shown + (f" and {len(points) - NUM_SHOWN} other characters" if len(points) > NUM_SHOWN else "")
