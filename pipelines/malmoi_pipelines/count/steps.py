"""The steps of `malmoi count`: count files, merge hash partitions, number the sources and write.

Sources are numbered by name over the whole job, and no step knows all names before the second has ended: so the second
makes rows in their final order with numbers of its own, and the third replaces these and writes.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts.arrays import I8, I64, U64
from malmoi_pipelines.contracts.ledger import DROPPED, IN, Ledger
from malmoi_pipelines.contracts.result import Accounted, Result
from malmoi_pipelines.contracts.schemas import GROWTH, HELD_OUT, LETTERS, SOURCES, WORDS, Table
from malmoi_pipelines.contracts.tables import read_batches, write_parquet
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.count.added import AddedFile
from malmoi_pipelines.count.grouping import Group, group_documents
from malmoi_pipelines.count.growth import Growth, curve
from malmoi_pipelines.count.letters import count_letters
from malmoi_pipelines.count.order import digests, digests_and_hashes
from malmoi_pipelines.count.statistics import STATISTICS, statistics_batch, sum_statistics, text_statistics
from malmoi_pipelines.count.uncleaned import Uncleaned
from malmoi_pipelines.count.words import (
    I32,
    UnitCounts,
    check_sources,
    chunks_of,
    code_units,
    count_codes,
    from_rows,
    merge_counts,
    ordered_rows,
)
from malmoi_pipelines.count.written import GrowthWritten, LettersWritten, SourceRow, SourcesWritten, UnitsWritten
from malmoi_pipelines.engine.chunk_kind import by_kind, notes, of_kind
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import partition_of
from malmoi_pipelines.raw.documents import TEXTS, Documents, source_totals
from malmoi_pipelines.text.units import unit_slices

FLUSH_BYTES = 32 << 20  # bytes of text whose units a task holds before it counts and sends them
MERGE_BYTES = 256 << 20  # Arrow bytes of chunks a task holds before it merges them
ROW_GROUP_ROWS = 1 << 18
NAMES = of_kind("names", pa.schema([("source", pa.string())]))
"""The names of all sources, in order."""
ROWS = "rows"
"""The kind of the rows between the last two steps, as `ordered_rows` makes them. Noted are `sources`, the names of the
sources by the numbers in them, and `row`, the place of the first among those of its file."""


@dataclass(frozen=True)
class TableLayout:
    """How the table is laid out: a partition a file."""

    words: int
    """Partitions of `data`."""
    held_out: int
    """Partitions of `held_out`: those after the ones of `data`. 0: nothing is held out."""

    @property
    def statistics(self) -> int:
        """The partition of the second and the third step that gets the statistics of the sources."""
        return self.words + self.held_out

    @property
    def growth(self) -> int:
        """The partition of the second and the third step that gets the growth."""
        return self.statistics + 1

    @property
    def letters(self) -> int:
        """The partition of the third step that gets the letters."""
        return self.growth + 1

    def partitions(self, digests: U64, held_out: bool) -> I64:
        """The partition of each unit, by its digest."""
        number, first = (self.held_out, self.words) if held_out else (self.words, 0)
        return partition_of(digests, number) + first


@dataclass(frozen=True)
class CountFiles:
    """Step 0, a partition a task of the corpus or a file of an added table: its units by hash, statistics, growth."""

    documents: Documents
    added: tuple[AddedFile, ...]
    out: str
    layout: TableLayout
    rule: UnitKind
    held_out_share: float

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Count one task or file."""
        if partition < len(self.documents.tasks):
            yield from self._count(partition)
        else:
            yield from self._add(self.added[partition - len(self.documents.tasks)])

    def _count(self, number: int) -> Iterator[Send | Result]:
        statistics: dict[tuple[str, bool], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        parts: dict[bool, _CutUnits] = {False: _CutUnits(), True: _CutUnits()}
        growth, uncleaned = Growth(), Uncleaned()
        with self.documents.open(number, self.out, TEXTS) as reader:
            for batch in reader:
                filled = pc.greater(pc.binary_length(batch.column("text")), 0)
                yield from _drop_empty(batch.filter(pc.invert(filled)))
                for group in group_documents(batch.filter(filled), self.held_out_share):
                    found = text_statistics(group.texts)
                    uncleaned.add(group.source, group.texts)
                    for name, value in found.items():
                        statistics[group.source, group.held_out][name] += value
                    if not group.held_out:
                        growth.add_documents(group.depth, found["documents"], found["bytes"])
                    parts[group.held_out].add(group, self.rule)
                if sum(part.num_bytes for part in parts.values()) >= FLUSH_BYTES:
                    yield from self._flush(parts, growth)
        yield from self._flush(parts, growth)
        yield Send(self.layout.growth, growth.to_batch())
        yield reader.unread
        yield uncleaned
        rows = [{"source": source, "held_out": held_out, **row} for (source, held_out), row in statistics.items()]
        yield from self._send_statistics(statistics_batch(rows))

    def _flush(self, parts: dict[bool, "_CutUnits"], growth: Growth) -> Iterator[Send]:
        for held_out, part in parts.items():
            units, codes = code_units(part.units)
            found, hashes = digests_and_hashes(units)
            if not held_out:
                growth.add_units(hashes, part.depths_of_units(codes, len(units)))
            yield from self._send(count_codes(units, part.sources, codes), found, held_out)
            part.clear()

    def _add(self, file: AddedFile) -> Iterator[Send | Result]:
        for batch in read_batches(file.path):
            if file.table == SOURCES.name:
                rows = batch.select(STATISTICS.names).to_pylist()
                # Units and letters are counted in the merged table.
                yield from self._send_statistics(statistics_batch(row | {"units": 0, "letters": 0} for row in rows))
            elif file.table == GROWTH.name:
                yield Send(self.layout.growth, batch)
            else:
                counts = from_rows(batch, file.names)
                yield from self._send(counts, digests(counts.units), file.table == HELD_OUT.name)

    def _send(self, counts: UnitCounts, digests: U64, held_out: bool) -> Iterator[Send]:
        for partition, chunk in chunks_of(counts, self.layout.partitions(digests, held_out)):
            yield Send(partition, chunk)

    def _send_statistics(self, batch: pa.RecordBatch) -> Iterator[Send | Result]:
        yield Send(self.layout.statistics, batch)
        yield Accounted(_ledger(batch))


def _drop_empty(batch: pa.RecordBatch) -> Iterator[Accounted]:
    """Documents without text are not in the table: encoders put no dummy space before nothing."""
    if batch.num_rows:
        ledger = Ledger()
        for source, (documents, _) in source_totals(batch).items():
            ledger.add(source, IN, documents)
            ledger.add(source, f"{DROPPED}empty", documents)
        yield Accounted(ledger)


@dataclass
class _CutUnits:
    """Units that were cut and not yet counted."""

    units: list[pa.LargeStringArray] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    """Of each array of units."""
    depths: list[int] = field(default_factory=list)
    """Of each array of units."""
    num_bytes: int = 0

    def add(self, group: Group, rule: UnitKind) -> None:
        """Cut texts."""
        units = list(unit_slices(group.texts, rule))
        self.units += units
        self.sources += [group.source] * len(units)
        self.depths += [group.depth] * len(units)
        self.num_bytes += group.texts.nbytes

    def depths_of_units(self, codes: list[I32], size: int) -> I8:
        """The greatest depth of each distinct unit, from the numbers of the units of each array."""
        deepest = np.zeros(size, np.int8)
        for place in sorted(range(len(codes)), key=self.depths.__getitem__):  # the deepest write last
            if self.depths[place]:
                deepest[codes[place].astype(np.int64)] = self.depths[place]  # by 32 bits NumPy takes twice as long
        return deepest

    def clear(self) -> None:
        """Forget them."""
        self.units, self.sources, self.depths, self.num_bytes = [], [], [], 0


@dataclass(frozen=True)
class MergeCounts:
    """Step 1, a partition a file of the table: its rows in order, its letters; then: all source names, the growth."""

    layout: TableLayout

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Merge one partition's chunks."""
        if partition == self.layout.statistics:
            yield from self._names(sum_statistics(chunks))
        elif partition == self.layout.growth:
            growth = Growth()
            for chunk in chunks:
                growth.add(chunk)
            yield Send(self.layout.growth, growth.to_batch())
        else:
            yield from self._merge(partition, _merge_by_size(chunks))

    def _names(self, statistics: pa.Table) -> Iterator[Send]:
        names = pa.RecordBatch.from_arrays([statistics["source"].combine_chunks().unique()], schema=NAMES)
        check_sources(names.num_rows)
        for target in range(self.layout.statistics):
            yield Send(target, names)
        for batch in statistics.to_batches():
            yield Send(self.layout.statistics, batch)

    def _merge(self, partition: int, counts: UnitCounts) -> Iterator[Send]:
        held_out = partition >= self.layout.words
        letters, inside = count_letters(counts.units, counts.totals)
        yield Send(self.layout.statistics, _unit_statistics(counts, inside, held_out))
        if not held_out:
            yield Send(self.layout.letters, letter_batch(letters))
        rows = ordered_rows(counts)
        for row in range(0, rows.num_rows, ROW_GROUP_ROWS):
            schema = of_kind(ROWS, rows.schema, sources=counts.names, row=row)
            yield Send(partition, rows.slice(row, ROW_GROUP_ROWS).replace_schema_metadata(schema.metadata))


@dataclass(frozen=True)
class WriteCounts:
    """Step 2, a partition a file: `data` and `held_out` with the final numbers of the sources, and the other tables."""

    out: str
    layout: TableLayout

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Write one file."""
        if partition == self.layout.letters:
            yield self._letters(chunks)
        elif partition == self.layout.statistics:
            yield self._statistics(sum_statistics(chunks))
        elif partition == self.layout.growth:
            yield self._growth(list(chunks))
        else:
            yield self._rows(partition, chunks)

    def _rows(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> UnitsWritten:
        table, number = (
            (WORDS, partition) if partition < self.layout.words else (HELD_OUT, partition - self.layout.words)
        )
        (names,), rows = by_kind(chunks, NAMES, of_kind(ROWS, pa.schema([])))
        rows.sort(key=lambda chunk: notes(chunk)["row"])
        numbers = {name: place for place, name in enumerate(names.column("source").to_pylist())}
        batches = [_numbered(chunk, numbers, table) for chunk in rows]
        info = write_parquet(self.out, table, f"part-{number:05d}", batches)
        occurrences = num_bytes = 0
        for batch in batches:
            occurrences += pc.sum(batch["count"]).as_py()
            num_bytes += pc.sum(pc.multiply(pc.binary_length(batch["unit"]).cast(pa.int64()), batch["count"])).as_py()
        return UnitsWritten(info, table is HELD_OUT, info.rows, occurrences, num_bytes)

    def _statistics(self, statistics: pa.Table) -> SourcesWritten:
        numbers = statistics["source"].combine_chunks().dictionary_encode().indices.cast(pa.int16())
        table = pa.table([numbers, *statistics.columns], schema=SOURCES.schema).combine_chunks()
        info = write_parquet(self.out, SOURCES, "sources", table.to_batches())
        return SourcesWritten(info, [SourceRow(**row) for row in table.to_pylist()])

    def _growth(self, rows: list[pa.RecordBatch]) -> GrowthWritten:
        info = write_parquet(self.out, GROWTH, "growth", rows)
        return GrowthWritten(info, curve(row for batch in rows for row in batch.to_pylist()))

    def _letters(self, chunks: Iterable[pa.RecordBatch]) -> LettersWritten:
        table = pa.Table.from_batches(chunks, letter_batch(np.zeros(0, np.int64)).schema)
        table = table.group_by("letter").aggregate([("count", "sum")])
        table = table.sort_by([("count_sum", "descending"), ("letter", "ascending")])
        typed = pa.table([table["letter"], table["count_sum"]], schema=LETTERS.schema).combine_chunks()
        info = write_parquet(self.out, LETTERS, "letters", typed.to_batches())
        return LettersWritten(info, info.rows, pc.sum(typed["count"]).as_py() or 0)


def letter_batch(occurrences: I64) -> pa.RecordBatch:
    """Occurrences by code point as a chunk of letters that occur."""
    points = np.flatnonzero(occurrences)
    columns = [pa.array(list(map(chr, points.tolist())), pa.string()), pa.array(occurrences[points])]
    return pa.RecordBatch.from_arrays(columns, names=["letter", "count"])


def _ledger(statistics: pa.RecordBatch) -> Ledger:
    ledger = Ledger()
    for row in statistics.select(["source", "documents", "bytes"]).to_pylist():
        ledger.add(row["source"], IN, row["documents"], row["bytes"])
    return ledger


def _merge_by_size(chunks: Iterable[pa.RecordBatch]) -> UnitCounts:
    """Merge chunks, by size as they come, so that a partition is held as distinct units and never as all its chunks."""
    parts: list[pa.RecordBatch] = []
    held = 0
    for chunk in chunks:
        parts.append(chunk)
        held += chunk.nbytes
        if held > MERGE_BYTES and len(parts) > 1:
            counts = merge_counts(parts)
            parts = [chunk for _, chunk in chunks_of(counts, np.zeros(len(counts.units), np.int64))]
            held = 0  # of new chunks, so that a table larger than this is not merged again for each of them
    return merge_counts(parts)


def _unit_statistics(counts: UnitCounts, letters: I64, held_out: bool) -> pa.RecordBatch:
    """Units and letters by source. `letters`: how many each unit has."""
    units = [counts.counts[start:end] for start, end in zip(counts.bounds[:-1], counts.bounds[1:], strict=True)]
    inside = np.split(letters[counts.codes], counts.bounds[1:-1])
    return statistics_batch(
        {"source": name, "held_out": held_out, "units": int(number.sum()), "letters": int(number @ each)}
        for name, number, each in zip(counts.names, units, inside, strict=False)
    )


def _numbered(rows: pa.RecordBatch, numbers: dict[str, int], table: Table) -> pa.RecordBatch:
    """Rows as the file has them. Names ascend in both numberings, so lists stay in order."""
    own = np.array([numbers[name] for name in notes(rows)["sources"]], np.int16)
    lists = rows.column("sources")
    ends = pa.array(np.concatenate([[0], np.cumsum(lists.value_lengths().to_numpy())]).astype(np.int32))
    sources = pa.ListArray.from_arrays(ends, pa.array(own[lists.flatten().to_numpy()]))
    columns = [rows.column("unit").cast(pa.string()), rows.column("count"), sources, rows.column("source_counts")]
    return pa.RecordBatch.from_arrays(
        [column.cast(kind.type) for column, kind in zip(columns, table.schema, strict=True)], schema=table.schema
    )
