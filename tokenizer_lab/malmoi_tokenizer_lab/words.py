"""Reading word tables: every distinct unit with its count, Korean units apart from the others.

New tokens can only occur in Korean units: no other unit holds a Hangul letter, and every new token holds one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from malmoi_pipelines.contracts.arrays import code_points
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.fingerprint import fingerprint
from malmoi_pipelines.contracts.hangul import LETTER_CLASS, SPACE_MARK, is_letter
from malmoi_pipelines.contracts.manifest import open_dataset
from malmoi_pipelines.contracts.schemas import SOURCES, WORD_TABLE, WORDS
from malmoi_pipelines.contracts.sources import check_sources_occur
from malmoi_pipelines.contracts.tables import read_table
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.contracts.word_tables import open_word_tables
from malmoi_pipelines.tokenizers.countable import check_units

Ints = npt.NDArray[np.int64]

_KOREAN_UNIT = f"^[ {SPACE_MARK}]*[{LETTER_CLASS}]+$"
_STEPS = 1_000  # a weight is so many parts of one
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
    return fingerprint(sorted(manifest.content_fingerprint for manifest in open_word_tables(folders).values()))


def check_tables(folders: Sequence[str], units: UnitKind) -> None:
    """Check that word tables are cut as a tokenizer needs them.

    Raises:
        UsageError: one is not.
    """
    for folder in folders:
        check_units(folder, open_dataset(folder, WORD_TABLE).config.get("units", "metaspace"), units)


def read_units(folders: Sequence[str], weights: Mapping[str, float] | None = None) -> Units:
    """Read and sum word tables; the result does not depend on how they were partitioned.

    Args:
        folders: word tables.
        weights: how often each source counts; those not named count once. A unit's sum is rounded, half up.

    Raises:
        UsageError: a weight for a source that no table has.
    """
    if weights:
        return _weighted(folders, weights)
    return _summed([read_table(folder, WORDS, ["unit", "count"]) for folder in folders])


def _summed(tables: Sequence[pa.Table]) -> Units:
    """The rows of tables in the order of their units' bytes, units of several tables added up."""
    table = pa.concat_tables(tables)
    table = table.set_column(0, "unit", table["unit"].cast(pa.large_string()))
    if len(tables) > 1:
        table = table.group_by("unit").aggregate([("count", "sum")]).rename_columns(["unit", "count"])
    table = table.sort_by("unit").combine_chunks()
    if not len(table):
        return Units(pa.array([], pa.large_string()), np.zeros(0, np.int64))
    return Units(table["unit"].chunk(0), table["count"].to_numpy())


def _weighted(folders: Sequence[str], weights: Mapping[str, float]) -> Units:
    # In thousandths, as whole numbers: sums of floats would depend on the order of the tables.
    steps = {source: round(weight * _STEPS) for source, weight in weights.items()}
    names = {folder: read_table(folder, SOURCES, ["number", "source"]).to_pydict() for folder in folders}
    known = {source for table in names.values() for source in table["source"]}
    check_sources_occur("weights", steps, known)
    units = _summed([_in_steps(folder, named, steps) for folder, named in names.items()])
    counts = (units.counts + _STEPS // 2) // _STEPS
    return Units(units.text, counts).where(pa.array(counts > 0))


def _in_steps(folder: str, named: Mapping[str, list[Any]], steps: Mapping[str, int]) -> pa.Table:
    """Units with the sum of what each source counts, in thousandths."""
    table = read_table(folder, WORDS, ["unit", "sources", "source_counts"])
    of_number = np.full(1 + max(named["number"]), _STEPS, np.int64)
    of_number[named["number"]] = [steps.get(source, _STEPS) for source in named["source"]]
    terms = pc.list_flatten(table["source_counts"]).to_numpy() * of_number[pc.list_flatten(table["sources"]).to_numpy()]
    ends = np.cumsum(pc.list_value_length(table["sources"]).to_numpy())
    totals = np.append(0, np.cumsum(terms))[ends]
    return pa.table({"unit": table["unit"], "count": np.diff(totals, prepend=0)})


def letters_in(units: Units) -> dict[str, int]:
    """Occurrences of each Hangul letter in units."""
    weights = np.repeat(units.counts, pc.utf8_length(units.text).to_numpy())
    totals = np.bincount(code_points(units.text), weights)  # exact below 2^53
    found = {chr(point): int(totals[point]) for point in np.flatnonzero(totals).tolist()}
    return {letter: count for letter, count in found.items() if is_letter(letter)}


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
