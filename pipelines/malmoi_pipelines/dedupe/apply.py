"""The last step, by input file: write the corpus without the removed documents, and what explains them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts import files, tables
from malmoi_pipelines.contracts.arrays import I64, Bool
from malmoi_pipelines.contracts.ledger import IN, KEPT, MERGED, Ledger
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.result import Accounted, Result
from malmoi_pipelines.contracts.schemas import DIGESTS, DOCUMENTS, REMOVALS, REPEATED_LINES
from malmoi_pipelines.contracts.streams import read_stream
from malmoi_pipelines.dedupe import work_files
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.digest import digest_documents
from malmoi_pipelines.dedupe.lines.line_remover import LineRemover
from malmoi_pipelines.dedupe.lines.text_lines import LineLedger
from malmoi_pipelines.dedupe.messages import NAMED_REMOVAL, locators, row_of
from malmoi_pipelines.dedupe.names import CLUSTER
from malmoi_pipelines.dedupe.removals import RemovalTable
from malmoi_pipelines.engine.job import Send


@dataclass(frozen=True)
class ApplyRemovals:
    """Write one input file without its removed documents, the tables that explain them, and the survivors' digests."""

    files: tuple[str, ...]
    """The input files."""
    out: str
    work: str
    config: DedupeConfig

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file. The chunks are its removals, or its repeated lines where these are looked for."""
        remover = None
        if self.config.repeated_lines is not None:
            remover = LineRemover(chunks, self.config.repeated_lines, self.config.fold)
            chunks = read_stream(work_files.removals_path(self.work, partition))
        file = _DedupedFile(
            partition, pa.Table.from_batches(list(chunks), NAMED_REMOVAL), self._clusters(partition), remover
        )
        tables_of = {
            DOCUMENTS: file.survivors(tables.read_batches(self.files[partition], DOCUMENTS.schema.names)),
            REMOVALS: file.removals.tables,
            **({REPEATED_LINES: file.lines} if remover is not None else {}),
            **({DIGESTS: self._digests(partition, file)} if self.config.digests else {}),
        }
        name = f"part-{partition:05d}"
        infos = [tables.write_parquet(self.out, table, name, batches) for table, batches in tables_of.items()]
        yield FileDeduped(file.ledger, infos, remover.ledger if remover is not None else LineLedger())
        yield file.removals.told

    def _clusters(self, partition: int) -> pa.Table:
        return pa.Table.from_batches(read_stream(work_files.clusters_path(self.work, partition)), CLUSTER)

    def _digests(self, partition: int, file: "_DedupedFile") -> Iterator[pa.RecordBatch]:
        """The digests of the survivors, once these are written. With lines cut out, they are those of what is left."""
        if self.config.repeated_lines is not None:
            yield from _regrouped(
                digest_documents(files.join(self.out, DOCUMENTS.name, f"part-{partition:05d}.parquet"), self.config)
            )
            return
        yield from _kept_digests(work_files.digests_path(self.work, partition), np.array(sorted(file.gone), np.int64))


def _kept_digests(path: str, gone: I64) -> Iterator[pa.RecordBatch]:
    """The digests of the survivors."""

    def survivors() -> Iterator[pa.RecordBatch]:
        start = 0
        for batch in read_stream(path):
            kept = np.isin(np.arange(start, start + batch.num_rows), gone, invert=True)
            yield batch.filter(pa.array(kept))
            start += batch.num_rows

    return _regrouped(survivors())


def _regrouped(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Small batches joined to row groups."""
    groups = tables.RowGroups()
    for batch in batches:
        yield from groups.add(batch)
    yield from groups.rest()


@dataclass
class FileDeduped(Accounted):
    """One input file."""

    files: list[FileInfo] = field(default_factory=list)
    """The files of all tables that it became."""
    lines: LineLedger = field(default_factory=LineLedger)
    """Its lines, where repeated ones are looked for."""


class _DedupedFile:
    """What becomes of one file: the surviving rows, and what is to be told of the others."""

    def __init__(self, file: int, removals: pa.Table, clusters: pa.Table, remover: LineRemover | None) -> None:
        self._file = file
        self._found = removals.take(pa.array(np.argsort(removals.column("document").to_numpy())))
        self._rows = row_of(self._found.column("document").to_numpy())
        self._survivors = clusters.column("row").to_numpy()
        self._sizes = clusters.column("size").to_numpy()
        self._remover = remover
        self.ledger = Ledger()
        self.removals = RemovalTable()
        self.lines: list[pa.RecordBatch] = []
        """The table of repeated lines."""
        self.gone: set[int] = set()
        """The rows that are not in the output."""

    def survivors(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches without removed rows; batches that lose all their rows are left out."""
        start = 0
        for batch in batches:
            kept = self._survivors_of(batch, start)
            start += batch.num_rows
            if kept.num_rows:
                yield kept

    def _survivors_of(self, batch: pa.RecordBatch, start: int) -> pa.RecordBatch:
        first, last = np.searchsorted(self._rows, [start, start + batch.num_rows])
        rows = np.arange(start, start + batch.num_rows)
        kept = np.isin(rows, self._rows[first:last], invert=True)
        sizes = pc.binary_length(batch.column("text")).to_numpy().astype(np.int64)
        self.removals.duplicates(batch.filter(pa.array(~kept)), sizes[~kept], self._found.slice(first, last - first))
        place = batch.schema.get_field_index("cluster_size")
        sized = batch.set_column(place, DOCUMENTS.schema.field(place), self._cluster_sizes(start, batch.num_rows))
        survivors = sized if kept.all() else sized.filter(pa.array(kept))
        if self._remover is not None and survivors.num_rows:
            # What others were merged into must stay, even if it is made of repeated lines.
            needed = np.isin(rows[kept], self._survivors)
            cut = self._remover.remove(survivors, locators(self._file, start, batch.num_rows)[kept], needed)
            self.lines.append(cut.lines)
            survivors = cut.documents.filter(pa.array(~cut.emptied))
            emptied = np.flatnonzero(kept)[cut.emptied]
            self.removals.emptied(batch.take(pa.array(emptied)), sizes[emptied], cut.partner_ids, cut.partner_sources)
            kept[emptied] = False
        self.gone.update(rows[~kept].tolist())
        self._account(batch.column("source"), sizes, kept)
        return survivors

    def _cluster_sizes(self, start: int, count: int) -> pa.Array:
        sizes = np.ones(count, np.int32)
        first, last = np.searchsorted(self._survivors, [start, start + count])
        sizes[self._survivors[first:last] - start] = self._sizes[first:last]
        return pa.array(sizes)

    def _account(self, source: pa.Array, sizes: I64, kept: Bool) -> None:
        encoded = source.dictionary_encode()
        codes = encoded.indices.to_numpy()
        names = encoded.dictionary.to_pylist()
        for outcome, chosen in ((IN, slice(None)), (KEPT, kept), (MERGED, ~kept)):
            documents = np.bincount(codes[chosen], minlength=len(names)).tolist()
            num_bytes = np.bincount(codes[chosen], sizes[chosen], len(names)).astype(np.int64).tolist()
            for name, count, size in zip(names, documents, num_bytes, strict=True):
                if count:
                    self.ledger.add(name, outcome, count, size)
