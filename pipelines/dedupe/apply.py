"""Steps 8 to 10, by input file: settle and name the removals, and write the corpus without them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts import tables
from pipelines.contracts.arrays import I64, Bool
from pipelines.contracts.ledger import IN, KEPT, MERGED, Ledger
from pipelines.contracts.schemas import DOCUMENTS, REMOVALS
from pipelines.contracts.streams import read_stream
from pipelines.dedupe import work_files
from pipelines.dedupe.messages import (
    EXACT_EDGE,
    NAMED_REMOVAL,
    REMOVAL,
    Columns,
    file_of,
    from_chunks,
    row_of,
    take,
    to_batch,
)
from pipelines.dedupe.parquet_rows import read_rows
from pipelines.engine.job import Result, Send
from pipelines.engine.partition import PartitionBuffer

_ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class SettleRemovals:
    """Join a file's near duplicates with the exact duplicates that had been merged into them.

    A ≡ B (exact) and B → C (near) make A → C, near and as similar as B, whose normalised text it shares: the partner of
    every removal is then in the output.
    """

    work: str

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file of the near duplicates. Each removal goes to its survivor's file."""
        near = from_chunks(chunks, REMOVAL)
        near = take(near, np.argsort(near["document"]))
        exact = from_chunks(read_stream(work_files.exact_path(self.work, partition)), EXACT_EDGE)
        buffer = PartitionBuffer()
        for columns in (near, _redirect(exact, near)):
            yield from buffer.add(to_batch(REMOVAL, columns), file_of(columns["partner"]))
        yield from buffer.flush()


def _redirect(exact: Columns, near: Columns) -> Columns:
    place = np.searchsorted(near["document"], exact["partner"])
    fell = np.isin(exact["partner"], near["document"])
    partner, similarity = exact["partner"].copy(), np.ones(len(fell))
    partner[fell], similarity[fell] = near["partner"][place[fell]], near["similarity"][place[fell]]
    return {"document": exact["document"], "partner": partner, "near": fell, "similarity": similarity}


@dataclass(frozen=True)
class NameSurvivors:
    """Add the survivors' ids and sources, read from their own file."""

    files: tuple[str, ...]

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file of the survivors. Each removal goes to the removed document's file."""
        removals = from_chunks(chunks, REMOVAL)
        rows, place, counts = np.unique(row_of(removals["partner"]), return_inverse=True, return_counts=True)
        pieces = [batch for _, batch in read_rows(self.files[partition], rows, ["id", "source"])]
        yield Result({"largest_group": int(counts.max(initial=0)) + 1})
        if not pieces:
            return
        names = pa.Table.from_batches(pieces)
        buffer = PartitionBuffer()
        for start in range(0, len(place), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            named = names.take(pa.array(place[part])).combine_chunks()
            columns = [pa.array(removals[name][part]) for name in REMOVAL.names]
            texts = [named.column(name).combine_chunks().cast(pa.string()) for name in ("id", "source")]
            batch = pa.record_batch([*columns, *texts], schema=NAMED_REMOVAL)
            yield from buffer.add(batch, file_of(removals["document"][part]))
        yield from buffer.flush()


@dataclass(frozen=True)
class ApplyRemovals:
    """Write one input file without its removed documents, and the table that explains them."""

    files: tuple[str, ...]
    out: str

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file."""
        removals = pa.Table.from_batches(list(chunks), NAMED_REMOVAL)
        removals = removals.take(pa.array(np.argsort(removals.column("document").to_numpy())))
        result = _FileResult(removals)
        name = f"part-{partition:05d}"
        batches = tables.read_batches(self.files[partition], DOCUMENTS.schema.names)
        kept = tables.write_parquet(self.out, DOCUMENTS, name, result.survivors(batches))
        explained = tables.write_parquet(self.out, REMOVALS, name, result.explanations)
        yield Result(
            {
                "files": [kept.model_dump(), explained.model_dump()],
                "ledger": result.ledger.to_json(),
                "removed": result.removed,
            }
        )


class _FileResult:
    """What the removals (sorted by row) do to one file: the surviving rows, and what is to be told of the others."""

    def __init__(self, removals: pa.Table) -> None:
        self._removals = removals
        self._rows = row_of(removals.column("document").to_numpy())
        self.explanations: list[pa.RecordBatch] = []
        self.ledger = Ledger()
        self.removed: dict[str, Counter[str]] = {}
        """source → Counter of "exact" and "near" removals."""

    def survivors(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches without removed rows; batches that lose all their rows are left out."""
        start = 0
        for batch in batches:
            first, last = np.searchsorted(self._rows, [start, start + batch.num_rows])
            gone = np.zeros(batch.num_rows, np.bool_)
            gone[self._rows[first:last] - start] = True
            sizes = pc.binary_length(batch.column("text")).to_numpy()
            self._account(batch.column("source"), sizes, gone)
            if last > first:
                self._explain(batch.filter(pa.array(gone)), sizes[gone], self._removals.slice(first, last - first))
            start += batch.num_rows
            if last - first < batch.num_rows:
                yield batch.filter(pa.array(~gone)) if last > first else batch

    def _account(self, source: pa.Array, sizes: I64, gone: Bool) -> None:
        encoded = source.dictionary_encode()
        codes = encoded.indices.to_numpy()
        names = encoded.dictionary.to_pylist()
        for outcome, chosen in ((IN, slice(None)), (KEPT, ~gone), (MERGED, gone)):
            documents = np.bincount(codes[chosen], minlength=len(names)).tolist()
            num_bytes = np.bincount(codes[chosen], sizes[chosen], len(names)).astype(np.int64).tolist()
            for name, count, size in zip(names, documents, num_bytes, strict=True):
                if count:
                    self.ledger.add(name, outcome, count, size)

    def _explain(self, gone: pa.RecordBatch, sizes: I64, removals: pa.Table) -> None:
        near = removals.column("near").combine_chunks()
        kind = pc.if_else(near, "near", "exact")
        columns = {
            "id": gone.column("id"),
            "source": gone.column("source"),
            "bytes": pa.array(sizes.astype(np.int64)),
            "kind": kind,
            "partner_id": removals.column("partner_id").combine_chunks(),
            "partner_source": removals.column("partner_source").combine_chunks(),
            "similarity": removals.column("similarity").combine_chunks().cast(pa.float32()),
        }
        schema = REMOVALS.schema
        self.explanations.append(pa.record_batch([columns[name] for name in schema.names], schema=schema))
        pairs = zip(gone.column("source").to_pylist(), kind.to_pylist(), strict=True)
        for (source, name), count in Counter(pairs).items():
            self.removed.setdefault(source, Counter())[name] += count
