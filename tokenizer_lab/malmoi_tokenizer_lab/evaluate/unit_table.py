"""The word table for evaluation: its units, and how often each occurs in every source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from malmoi_pipelines.contracts.arrays import F64, I64, offsets, run_starts
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.schemas import SOURCES, WORD_TABLE, WORDS, Table
from malmoi_pipelines.contracts.sources import check_sources_occur
from malmoi_pipelines.contracts.tables import read_table


@dataclass(frozen=True)
class UnitTable:
    """Distinct units in the order of their UTF-8 bytes, and their counts by source.

    Most units occur in one or two sources, so counts are a list of entries (source, unit, count) and not a matrix.
    """

    text: pa.LargeStringArray
    """[units]"""
    sources: tuple[str, ...]
    """[sources], by name."""
    bounds: I64
    """[sources + 1]: where each source's entries begin."""
    rows: I64
    """[entries]: the unit; ascending within a source."""
    entry_counts: F64
    """[entries]: occurrences times the source's weight; whole numbers, exact below 2^53, if nothing is weighted."""

    def __len__(self) -> int:
        return len(self.text)

    @property
    def counts(self) -> F64:
        """Occurrences in all sources, shape [units]."""
        return np.bincount(self.rows, self.entry_counts, len(self.text)).astype(
            np.float64
        )  # of no entries it is integers

    def of_source(self, source: str) -> tuple[I64, F64]:
        """The units that occur in one source, ascending, and their counts there."""
        number = self.sources.index(source)
        cut = slice(int(self.bounds[number]), int(self.bounds[number + 1]))
        return self.rows[cut], self.entry_counts[cut]

    def weighted(self, weights: Mapping[str, float]) -> "UnitTable":
        """The mixture in which each source counts as often as its weight says; sources without one count once.

        Raises:
            UsageError: a weight below 0, or for a source that is not there.
        """
        check_sources_occur("weights", weights, self.sources)
        for source, weight in weights.items():
            if not 0 <= weight < np.inf:
                raise UsageError(f"weights: {source!r} must have a weight of at least 0. Got {weight}.")
        factors = np.array([weights.get(source, 1.0) for source in self.sources], np.float64)
        return replace(self, entry_counts=self.entry_counts * np.repeat(factors, np.diff(self.bounds)))


def make_unit_table(
    text: pa.LargeStringArray, rows: I64, sources: Sequence[str], numbers: I64, counts: I64
) -> UnitTable:
    """A table of entries in any order; equal entries are added up.

    Args:
        text: units, distinct.
        rows: the unit of each entry, an index into `text`.
        sources: names of sources; a name may stand there twice.
        numbers: the source of each entry, an index into `sources`.
        counts: occurrences of each entry.
    """
    order = pc.sort_indices(text)  # Arrow compares strings by their UTF-8 bytes
    place = np.empty(len(order), np.int64)
    place[order.to_numpy()] = np.arange(len(order))
    names = sorted(set(sources))
    number_of = np.array([names.index(name) for name in sources], np.int64)
    keys = number_of[numbers] * len(order) + place[rows]
    by_key = np.argsort(keys, kind="stable")
    starts = run_starts(keys[by_key])
    summed = np.add.reduceat(counts[by_key], starts) if len(starts) else np.zeros(0, np.int64)
    keys = keys[by_key[starts]]
    return UnitTable(
        text=text.take(order),
        sources=tuple(names),
        bounds=np.searchsorted(keys, np.arange(len(names) + 1) * len(order)).astype(np.int64),
        rows=keys % max(1, len(order)),
        entry_counts=summed.astype(np.float64),
    )


def read_unit_table(
    folders: Sequence[str], table: str = WORDS.name, weights: Mapping[str, float] | None = None
) -> UnitTable:
    """Read word tables; several add up. How they were cut into files, and their order, makes no difference.

    Args:
        folders: word tables.
        table: `data`, or `held_out` for the documents that were held out.
        weights: how often each source counts, for a mixture; see `UnitTable.weighted`.

    Raises:
        BadInputError, CheckError: a folder that is incomplete or damaged.
        UsageError: a weight that cannot be.
    """
    contract = WORD_TABLE.table(table)
    parts = [_read(folder, contract) for folder in folders]
    units = offsets(np.array([len(part.text) for part in parts], np.int64))
    sources = offsets(np.array([len(part.sources) for part in parts], np.int64))
    text, rows = parts[0].text, parts[0].rows
    if len(parts) > 1:  # the units of one table are distinct, those of several are not
        encoded = pa.concat_arrays([part.text for part in parts]).dictionary_encode()
        rows = np.concatenate([part.rows + first for part, first in zip(parts, units, strict=False)])
        text, rows = encoded.dictionary, encoded.indices.to_numpy()[rows]
    result = make_unit_table(
        text,
        rows,
        [name for part in parts for name in part.sources],
        np.concatenate([part.numbers + first for part, first in zip(parts, sources, strict=False)]),
        np.concatenate([part.counts for part in parts]),
    )
    return result.weighted(weights) if weights else result


@dataclass(frozen=True)
class _Entries:
    """One folder's table, as `make_unit_table` takes it."""

    text: pa.LargeStringArray
    sources: list[str]
    rows: I64
    numbers: I64
    counts: I64


def _read(folder: str, contract: Table) -> _Entries:
    table = read_table(folder, contract, columns=["unit", "sources", "source_counts"])
    text = table["unit"].cast(pa.large_string()).combine_chunks()
    lists = table["sources"]
    named = read_table(folder, SOURCES, columns=["number", "source"]).to_pydict()
    numbered = dict(zip(named["number"], named["source"], strict=True))
    sizes = pc.list_value_length(lists).to_numpy()
    return _Entries(
        text=text,
        sources=[numbered[number] for number in range(len(numbered))],
        rows=np.repeat(np.arange(len(text)), sizes),
        numbers=pc.list_flatten(lists).to_numpy().astype(np.int64),
        counts=pc.list_flatten(table["source_counts"]).to_numpy(),
    )
