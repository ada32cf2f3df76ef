"""Counts of units by source, in memory: one hash table for many arrays of units, sums by arrays of numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import I64, offsets, run_starts
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.count.order import by_count

I32 = npt.NDArray[np.int32]
I16 = npt.NDArray[np.int16]

MAX_SOURCES = 1 << 15  # their numbers have 16 bits
_SPARSE = 16  # a source with fewer rows than a 16th of the units is summed by sorting, not by an array of all units


def check_sources(number: int) -> None:
    """Refuse more sources than there are numbers.

    Raises:
        BadInputError: with the remedy.
    """
    if number > MAX_SOURCES:
        raise BadInputError(
            f"a word table must have at most {MAX_SOURCES:,} sources. Got {number:,} or more.",
            hint="is it the right column? Map another: --set read.columns.source=NAME",
        )


@dataclass(frozen=True)
class UnitCounts:
    """Units with their counts in each source: one row a pair that occurs."""

    units: pa.LargeStringArray
    """Distinct."""
    names: tuple[str, ...]
    """Names of the sources, ascending."""
    codes: I32
    """Of each row the number of its unit. Rows are ordered by source, then by this."""
    bounds: I64
    """Where the rows of each source start, and the end of the last."""
    counts: I64
    """Of each row."""

    @property
    def totals(self) -> I64:
        """Occurrences of each unit in all sources."""
        return _sums(self.codes, self.counts, len(self.units))

    @property
    def sources(self) -> I16:
        """Of each row the number of its source in `names`."""
        return np.repeat(np.arange(len(self.names), dtype=np.int16), np.diff(self.bounds))


def code_units(parts: Sequence[pa.LargeStringArray]) -> tuple[pa.LargeStringArray, list[I32]]:
    """The distinct units of all parts, and for each part the numbers of its units. No part may be empty."""
    encoded = pa.chunked_array(parts, pa.large_string()).dictionary_encode()
    return _dictionary(encoded), [chunk.indices.to_numpy() for chunk in encoded.chunks]


def count_codes(units: pa.LargeStringArray, sources: Sequence[str], codes: Sequence[I32]) -> UnitCounts:
    """Count units that have numbers: what `code_units` gives, and the source of each part."""
    found: dict[str, list[I32]] = {}
    for source, part in zip(sources, codes, strict=True):
        found.setdefault(source, []).append(part)
    return _by_source(units, {name: (np.concatenate(parts), None) for name, parts in found.items()})


def merge_counts(chunks: Sequence[pa.RecordBatch]) -> UnitCounts:
    """Add up the counts of chunks as `chunks_of` makes them."""
    chunks = [chunk for chunk in chunks if chunk.num_rows]
    encoded = pa.chunked_array([chunk.column("unit") for chunk in chunks], pa.large_string()).dictionary_encode()
    rows: dict[str, list[tuple[I32, I64]]] = {}
    for chunk, coded in zip(chunks, encoded.chunks, strict=True):
        codes, counts = coded.indices.to_numpy(), chunk.column("count").to_numpy()
        source = chunk.column("source")
        names = source.dictionary.to_pylist()
        bounds = np.searchsorted(source.indices.to_numpy(), np.arange(len(names) + 1))
        for name, start, end in zip(names, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            if start < end:
                rows.setdefault(name, []).append((codes[start:end], counts[start:end]))
    joined = {
        name: (np.concatenate([codes for codes, _ in found]), np.concatenate([counts for _, counts in found]))
        for name, found in rows.items()
    }
    return _by_source(_dictionary(encoded), joined)


def _dictionary(encoded: pa.ChunkedArray) -> pa.LargeStringArray:
    """The units that all chunks share."""
    return encoded.chunk(0).dictionary if encoded.num_chunks else pa.array([], pa.large_string())


def _by_source(units: pa.LargeStringArray, rows: Mapping[str, tuple[I32, I64 | None]]) -> UnitCounts:
    """Sum the rows of each source by unit; no weights: each row counts one."""
    check_sources(len(rows))
    names = tuple(sorted(rows))
    summed = [_sum_codes(*rows[name], len(units)) for name in names]
    bounds = offsets(np.array([len(codes) for codes, _ in summed], np.int64))
    codes = np.concatenate([np.zeros(0, np.int32), *(codes for codes, _ in summed)])
    return UnitCounts(units, names, codes, bounds, np.concatenate([np.zeros(0, np.int64), *(n for _, n in summed)]))


def _sum_codes(codes: I32, weights: I64 | None, size: int) -> tuple[I32, I64]:
    """The different codes, ascending, and the sum of the weights of each."""
    if len(codes) < size // _SPARSE:
        found, places = np.unique(codes, return_inverse=True)
        return found, _sums(places, weights, len(found))
    sums = _sums(codes, weights, size)
    present = np.flatnonzero(sums)
    return present.astype(np.int32), sums[present]


def _sums(codes: npt.NDArray[np.integer], weights: I64 | None, size: int) -> I64:
    """Sums of weights by code. As float64 they are exact below 2^53: no corpus has so many bytes."""
    return np.bincount(codes, weights, minlength=size).astype(np.int64, copy=False)


def ordered_rows(counts: UnitCounts) -> pa.RecordBatch:
    """The rows of a word table in its order; `sources` are the numbers of `counts.names`."""
    totals = counts.totals
    order = by_count(counts.units, totals)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    rows = place[counts.codes]
    starts = offsets(np.bincount(rows, minlength=len(order)))
    # Rows come by source, and a source has a unit once: so each goes behind those of the sources before it.
    following = starts[:-1].copy()
    target = np.empty(len(rows), np.int64)
    for number in range(len(counts.names)):
        own = slice(counts.bounds[number], counts.bounds[number + 1])
        target[own] = following[rows[own]]
        following[rows[own]] += 1
    sources, source_counts = np.empty(len(rows), np.int16), np.empty(len(rows), np.int64)
    sources[target], source_counts[target] = counts.sources, counts.counts
    ends = pa.array(starts.astype(np.int32))
    columns = {
        "unit": counts.units.take(pa.array(order)),
        "count": pa.array(totals[order]),
        "sources": pa.ListArray.from_arrays(ends, pa.array(sources)),
        "source_counts": pa.ListArray.from_arrays(ends, pa.array(source_counts)),
    }
    return pa.RecordBatch.from_pydict(columns)


def from_rows(batch: pa.RecordBatch, names: Sequence[str]) -> UnitCounts:
    """The inverse of `ordered_rows`: counts of the rows of a word table.

    Args:
        batch: rows of distinct units.
        names: of the sources, by number.
    """
    lists = batch.column("sources")
    codes = np.repeat(np.arange(batch.num_rows, dtype=np.int32), lists.value_lengths().to_numpy())
    sources, weights = lists.flatten().to_numpy(), batch.column("source_counts").flatten().to_numpy()
    order = np.argsort(sources, kind="stable")
    rows = {
        names[sources[order[start]]]: (codes[order[start:end]], weights[order[start:end]])
        for start, end in runs(sources[order])
    }
    return _by_source(batch.column("unit").cast(pa.large_string()), rows)


def chunks_of(counts: UnitCounts, partitions: I64) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The counts as one chunk a partition: rows of unit, source and count, ordered by source.

    Args:
        counts: the counts.
        partitions: the partition of each unit.
    """
    own = partitions[counts.codes]
    # Numbers of 16 bits are sorted by radix, without comparisons; a table of 65,536 files is one of 8 TB of text.
    order = np.argsort(own.astype(np.uint16) if own.max(initial=0) < 1 << 16 else own, kind="stable")
    units = counts.units.take(pa.array(counts.codes[order]))
    sources = pa.DictionaryArray.from_arrays(pa.array(counts.sources[order]), pa.array(counts.names, pa.string()))
    names = ["unit", "source", "count"]
    chunk = pa.RecordBatch.from_arrays([units, sources, pa.array(counts.counts[order])], names=names)
    for start, end in runs(own[order]):
        yield int(own[order[start]]), chunk.slice(start, end - start)


def runs(keys: npt.NDArray[np.integer]) -> list[tuple[int, int]]:
    """Where the runs of equal keys start and end.

    >>> runs(np.array([7, 7, 8]))
    [(0, 2), (2, 3)]
    """
    starts = run_starts(keys).tolist()
    return list(zip(starts, [*starts[1:], len(keys)], strict=True)) if starts else []
