"""Reading word tables: every distinct unit with its count, Korean units apart from the others.

A Korean unit is a run of spaces and the run of Hangul letters after it. New tokens can only occur in these: no other
unit holds a letter, and every new token holds one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.errors import BadInputError, UsageError
from pipelines.contracts.fingerprint import fingerprint
from pipelines.contracts.manifest import read_manifest
from pipelines.contracts.schemas import LETTERS, WORD_TABLE, WORDS
from pipelines.contracts.tables import read_table
from tokenizer_lab.hangul import LETTER_CLASS, SPACE_MARK

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
    """Units of spaces and Hangul letters."""
    other: Units
    """All other units: no Hangul letter in them."""
    letters: dict[str, int]
    """Occurrences of each Hangul letter."""

    @property
    def num_bytes(self) -> int:
        """UTF-8 bytes of the corpus, the one space before each document included."""
        return self.korean.num_bytes + self.other.num_bytes


def words_fingerprint(folders: list[str]) -> str:
    """Digest of the word tables' content, whatever the order they are named in."""
    return fingerprint(sorted(_word_manifest(folder) for folder in folders))


def _word_manifest(folder: str) -> str:
    manifest = read_manifest(folder)
    if manifest.kind != WORD_TABLE.name:
        raise UsageError(
            f"{folder} must be a word table (kind {WORD_TABLE.name!r}). Its kind is {manifest.kind!r}.",
            hint="make one with `malmoi count`",
        )
    return manifest.content_fingerprint


def read_words(folders: list[str]) -> Words:
    """Read and merge word tables; the result does not depend on how they were partitioned.

    Raises:
        BadInputError: no Korean unit, or a unit that mixes Hangul letters with other characters.
    """
    units = _merged([read_table(folder, WORDS) for folder in folders])
    korean = pc.match_substring_regex(units.text, f"[{LETTER_CLASS}]")
    words = Words(units.where(korean), units.where(pc.invert(korean)), _read_letters(folders))
    well_formed = pc.match_substring_regex(words.korean.text, _KOREAN_UNIT)
    if not pc.all(well_formed, min_count=0).as_py():
        wrong = words.korean.text.filter(pc.invert(well_formed))
        raise BadInputError(
            f"{', '.join(folders)}: a unit with a Hangul letter is spaces and then Hangul letters only. "
            f"{len(wrong)} of {len(words.korean)} are not: they have {_what_is_wrong(wrong)}."
        )
    if not len(words.korean):
        raise BadInputError(f"no Korean unit in {', '.join(folders)}: nothing to extend the tokenizer with.")
    return words


def _what_is_wrong(units: pa.LargeStringArray) -> str:
    """The code points that must not be in units; never a unit, which is text of the corpus."""
    rest = pc.replace_substring_regex(units, f"[ {SPACE_MARK}{LETTER_CLASS}]", "")
    points = sorted({ord(character) for unit in rest.to_pylist() for character in unit})
    if not points:
        return "a space after a letter"
    shown = ", ".join(f"U+{point:04X}" for point in points[:NUM_SHOWN])
    return shown + (f" and {len(points) - NUM_SHOWN} other characters" if len(points) > NUM_SHOWN else "")


def _merged(tables: list[pa.Table]) -> Units:
    """The units of all tables in byte order; within a table they are distinct, between tables they are summed."""
    table = pa.concat_tables(tables)
    table = table.set_column(0, "unit", table["unit"].cast(pa.large_string()))
    if len(tables) > 1:
        table = table.group_by("unit").aggregate([("count", "sum")]).rename_columns(["unit", "count"])
    table = table.sort_by("unit").combine_chunks()
    if not len(table):
        return Units(pa.array([], pa.large_string()), np.zeros(0, np.int64))
    return Units(table["unit"].chunk(0), table["count"].to_numpy())


def _read_letters(folders: list[str]) -> dict[str, int]:
    table = pa.concat_tables([read_table(folder, LETTERS) for folder in folders])
    table = table.group_by("letter").aggregate([("count", "sum")]).sort_by("letter")
    return dict(zip(table["letter"].to_pylist(), table["count_sum"].to_pylist(), strict=True))
