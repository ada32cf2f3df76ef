"""Counting units, columnar: distinct per block, merged per task, shuffled by hash, merged per partition."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipelines.contracts.ledger import IN, KEPT, Ledger
from pipelines.contracts.schemas import LETTERS, WORDS
from pipelines.contracts.tables import write_parquet
from pipelines.documents import DocumentFiles, source_totals
from pipelines.engine.job import Result, Send
from pipelines.engine.partition import partition_of, split
from pipelines.text.units import count_letters, split_units

MERGE_BYTES = 96 << 20  # Arrow bytes of partial tables a task holds before it merges or sends them
ROW_GROUP_ROWS = 1 << 18


def count_units(texts: pa.LargeStringArray) -> pa.Table:
    """Distinct units of a block of documents with their counts, in no particular order."""
    counts = split_units(texts).value_counts()
    return pa.table([counts.field("values").cast(pa.large_string()), counts.field("counts")], names=["unit", "count"])


def merge_counts(tables: list[pa.Table]) -> pa.Table:
    """Sum the counts of equal units. A table's own units are distinct: one alone is returned as it is."""
    tables = [table for table in tables if table.num_rows] or tables[:1]
    if len(tables) == 1:
        return tables[0]
    merged = pa.concat_tables(tables).group_by("unit").aggregate([("count", "sum")])
    return pa.table([merged["unit"], merged["count_sum"]], names=["unit", "count"])


def order_counts(table: pa.Table) -> pa.Table:
    """Order by count descending, then UTF-8 bytes: a total order, whatever the order of arrival was."""
    return table.take(pc.sort_indices(table, sort_keys=[("count", "descending"), ("unit", "ascending")]))


def unit_partitions(units: pa.LargeStringArray, partitions: int) -> npt.NDArray[np.int64]:
    """The hash partition of each unit."""
    encoded = units.cast(pa.large_binary()).to_pylist()
    return partition_of(np.fromiter(map(xxhash.xxh3_64_intdigest, encoded), np.uint64, len(encoded)), partitions)


@dataclass(frozen=True)
class CountFiles:
    """Step 0, one partition a corpus file: its distinct units to their hash partitions, its letters to the last one."""

    documents: DocumentFiles
    partitions: int

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Count one file."""
        ledger = Ledger()
        letters: dict[str, int] = {}
        parts: list[pa.Table] = []
        for batch in self.documents.read(partition):
            for source, (documents, num_bytes) in source_totals(batch).items():
                ledger.add(source, IN, documents, num_bytes)
                ledger.add(source, KEPT, documents, num_bytes)
            for letter, count in count_letters(batch.column("text")).items():
                letters[letter] = letters.get(letter, 0) + count
            parts.append(count_units(batch.column("text")))
            if sum(part.nbytes for part in parts) > MERGE_BYTES:
                parts = [merge_counts(parts)]
                if parts[0].nbytes > MERGE_BYTES // 2:  # merging no longer helps: send
                    yield from self._send(parts.pop())
        if parts:
            yield from self._send(merge_counts(parts))
        yield from self._send_letters(letters)
        yield Result({"ledger": ledger.to_json()})

    def _send(self, table: pa.Table) -> Iterator[Send]:
        for batch in table.combine_chunks().to_batches():
            yield from split(batch, unit_partitions(batch.column("unit"), self.partitions))

    def _send_letters(self, letters: dict[str, int]) -> Iterator[Send]:
        columns = [pa.array(list(letters), pa.large_string()), pa.array(list(letters.values()), pa.int64())]
        yield Send(self.partitions, pa.RecordBatch.from_arrays(columns, names=["unit", "count"]))


@dataclass(frozen=True)
class MergeCounts:
    """Step 1: one file of the word table a partition; the last partition is the table of letters."""

    out: str
    partitions: int

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Merge one partition's chunks and write its file."""
        empty = pa.table({"unit": pa.array([], pa.large_string()), "count": pa.array([], pa.int64())})
        table = order_counts(merge_counts([empty, *_merge_by_size(chunks)]))
        is_letters = partition == self.partitions
        schema = LETTERS if is_letters else WORDS
        typed = pa.table([table["unit"].cast(pa.string()), table["count"]], schema=schema.schema).combine_chunks()
        name = "letters" if is_letters else f"part-{partition:05d}"
        info = write_parquet(self.out, schema, name, typed.to_batches(max_chunksize=ROW_GROUP_ROWS))
        total = pc.sum(table["count"]).as_py() or 0
        bytes_total = pc.sum(pc.multiply(pc.binary_length(table["unit"]).cast(pa.int64()), table["count"])).as_py() or 0
        facts = {"rows": table.num_rows, "occurrences": total, "bytes": bytes_total}
        yield Result({"file": info.model_dump(), "letters" if is_letters else "words": facts})


def _merge_by_size(chunks: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Merge chunks as they come, so that a partition is held as distinct units and never as all its chunks."""
    parts: list[pa.Table] = []
    for chunk in chunks:
        parts.append(pa.Table.from_batches([chunk]))
        if len(parts) > 1 and sum(part.nbytes for part in parts) > MERGE_BYTES:
            parts = [merge_counts(parts)]
    yield from parts
