"""Lines that many documents share are removed from all of them but the first in the total order.

    SendLines ─▶ MeetLines ─▶ NameKeepers ─▶ LineRemover, inside ApplyRemovals
     by file      by key       by file        by file

A line here is a line or a paragraph, as the settings say. Only documents that survive the removal of duplicates count,
so a line of a thousand copies of one document is not yet a repeated line.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts import tables
from malmoi_pipelines.contracts.arrays import I64, U64, Bool, offsets, repeated, run_starts
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.schemas import REPEATED_LINES
from malmoi_pipelines.contracts.streams import open_stream, read_stream
from malmoi_pipelines.dedupe import work_files
from malmoi_pipelines.dedupe.config import RepeatedLines
from malmoi_pipelines.dedupe.lines.text_lines import LineLedger, cut, line_keys, size, without
from malmoi_pipelines.dedupe.messages import (
    NAMED_REMOVAL,
    Columns,
    file_of,
    from_chunks,
    locators,
    row_of,
    take,
    to_batch,
)
from malmoi_pipelines.dedupe.parquet_rows import read_rows
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import PartitionBuffer, partition_of

LINE_KEY = pa.schema([(name, pa.uint64()) for name in ("key_high", "key_low", "rank", "tie", "locator")])
"""One row a distinct line of a document, with the document's place in the total order."""
LINE_DROP = pa.schema([(name, pa.uint64()) for name in ("document", "partner", "key_high", "key_low")])
"""A line to remove from a document, and the document that keeps it."""
NAMED_LINE_DROP = pa.schema([*LINE_DROP, ("partner_id", pa.string()), ("partner_source", pa.string())])
"""A line to remove, on its way to the file that has it, with the name of the document that keeps it."""

_BLOCK_BYTES = 1 << 20  # bytes of documents cut at once
_ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class SendLines:
    """Send the key of every line of the surviving documents, once a document."""

    files: tuple[str, ...]
    work: str
    """The digests are read here, and the removals left until `ApplyRemovals`."""
    options: RepeatedLines
    partitions: int
    """Partitions of the next step."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file; the chunks are the removals of its documents (`NAMED_REMOVAL`)."""
        gone = _leave_removals(work_files.removals_path(self.work, partition), chunks)
        rank, tie = _read_order(work_files.digests_path(self.work, partition))
        buffer = PartitionBuffer()
        for rows, texts in _surviving_texts(self.files[partition], gone):
            owner, keys = self._distinct_keys(texts)
            keys |= {"rank": rank[rows[owner]], "tie": tie[rows[owner]]}
            keys["locator"] = locators(partition, 0, 1) | rows[owner].astype(np.uint64)
            yield from buffer.add(to_batch(LINE_KEY, keys), partition_of(keys["key_high"], self.partitions))
        yield from buffer.flush()

    def _distinct_keys(self, texts: list[str]) -> tuple[I64, Columns]:
        """The distinct keys of each text, and whose they are: numbers of the texts."""
        lines = [cut(text, self.options.unit)[1::2] for text in texts]
        chars, digests = line_keys([line for part in lines for line in part], self.options.min_chars)
        owner = np.repeat(np.arange(len(texts)), [len(part) for part in lines])[chars >= self.options.min_chars]
        keys = np.frombuffer(b"".join(digests), ">u8").reshape(-1, 2).astype(np.uint64)
        order = np.lexsort((keys[:, 1], keys[:, 0], owner))
        order = order[run_starts(owner[order], keys[order, 0], keys[order, 1])]
        return owner[order], {"key_high": keys[order, 0], "key_low": keys[order, 1]}


def _leave_removals(path: str, chunks: Iterable[pa.RecordBatch]) -> I64:
    """Write the removals of one file, sorted by document, and return their rows."""
    removals = pa.Table.from_batches(list(chunks), NAMED_REMOVAL)
    removals = removals.take(pa.array(np.argsort(removals.column("document").to_numpy())))
    with open_stream(path, NAMED_REMOVAL) as writer:
        for batch in removals.combine_chunks().to_batches(max_chunksize=_ROWS_AT_ONCE):
            writer.write_batch(batch)
    return row_of(removals.column("document").to_numpy())


def _read_order(path: str) -> tuple[U64, U64]:
    """Rank and tie of every document of a file; of the digests no more than one batch is held."""
    ranks, ties = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
    for batch in read_stream(path):
        # Copied, because a view would hold the whole batch.
        ranks.append(batch.column("rank").to_numpy().copy())
        ties.append(batch.column("tie").to_numpy().copy())
    return np.concatenate(ranks), np.concatenate(ties)


def _surviving_texts(path: str, gone: I64) -> Iterator[tuple[I64, list[str]]]:
    """The texts of a file in blocks, without the rows that are gone (ascending), and the rows of those that stay."""
    start = 0
    for batch in tables.read_batches(path, ["text"]):
        rows = np.arange(start, start + batch.num_rows)
        first, last = np.searchsorted(gone, [start, start + batch.num_rows])
        stays = np.ones(batch.num_rows, np.bool_)
        stays[gone[first:last] - start] = False
        start += batch.num_rows
        rows = rows[stays]
        for part in tables.cut_by_size(batch.filter(pa.array(stays)), _BLOCK_BYTES):
            yield rows[: part.num_rows], part.column("text").to_pylist()
            rows = rows[part.num_rows :]


@dataclass(frozen=True)
class LinesMet(Result):
    """The lines of one range of keys."""

    repeated: int
    """Distinct lines that enough documents hold."""


@dataclass(frozen=True)
class MeetLines:
    """Find the lines that enough documents hold; the first of these in the total order keeps the line."""

    min_documents: int

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = range of keys. Every line to remove goes to the file of the document that keeps it."""
        keys = from_chunks(chunks, LINE_KEY)
        keys = take(keys, repeated(keys["key_high"]))
        order = ("locator", "tie", "rank", "key_low", "key_high")  # np.lexsort: the last is the primary key
        keys = take(keys, np.lexsort([keys[name] for name in order]))
        starts = run_starts(keys["key_high"], keys["key_low"])
        holders = np.diff(starts, append=len(keys["locator"]))
        partner = np.repeat(keys["locator"][starts], holders)
        dropped = np.repeat(holders >= self.min_documents, holders)
        dropped[starts] = False
        drops = take({**keys, "document": keys["locator"], "partner": partner}, dropped)
        yield LinesMet(int(np.count_nonzero(holders >= self.min_documents)))
        buffer = PartitionBuffer()
        yield from buffer.add(to_batch(LINE_DROP, drops), file_of(drops["partner"]))
        yield from buffer.flush()


@dataclass(frozen=True)
class NameKeepers:
    """Add id and source of the documents that keep lines, read from their own file."""

    files: tuple[str, ...]

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file of the keepers. Every line to remove goes to the file that has it."""
        drops = from_chunks(chunks, LINE_DROP)
        rows, place = np.unique(row_of(drops["partner"]), return_inverse=True)
        pieces = [batch for _, batch in read_rows(self.files[partition], rows, ["id", "source"])]
        if not pieces:
            return
        names = pa.Table.from_batches(pieces)
        buffer = PartitionBuffer()
        for start in range(0, len(place), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            named = names.take(pa.array(place[part])).combine_chunks()
            texts = [named.column(name).combine_chunks().cast(pa.string()) for name in ("id", "source")]
            numbers = [pa.array(drops[name][part]) for name in LINE_DROP.names]
            batch = pa.record_batch([*numbers, *texts], schema=NAMED_LINE_DROP)
            yield from buffer.add(batch, file_of(drops["document"][part]))
        yield from buffer.flush()


@dataclass(frozen=True)
class WithoutLines:
    """A batch of documents after the removal of lines."""

    documents: pa.RecordBatch
    """All rows; those of emptied documents are as they came in."""
    lines: pa.RecordBatch
    """What was removed (`REPEATED_LINES`), with all the repeated lines of emptied documents."""
    emptied: Bool
    """Whether no line with a letter or digit is left of a document."""
    partner_ids: pa.Array
    partner_sources: pa.Array
    """For each emptied document the name of the one that keeps the first of its lines."""


@dataclass
class _Found:
    """What was found in a batch."""

    texts: dict[int, str] = field(default_factory=dict)
    """Changed row → new text."""
    emptied: dict[int, int] = field(default_factory=dict)
    """Emptied row → the drop of its first line."""
    lines: list[tuple[int, int, int, int]] = field(default_factory=list)
    """For each removed line its row, its number there, its bytes and its drop."""


class LineRemover:
    """Cuts the repeated lines out of one file's documents, and counts all lines in a ledger."""

    def __init__(self, chunks: Iterable[pa.RecordBatch], options: RepeatedLines) -> None:
        """Take the lines to remove from one file (`NAMED_LINE_DROP`), in any order."""
        drops = pa.Table.from_batches(list(chunks), NAMED_LINE_DROP)
        self._names = drops.select(["partner_id", "partner_source"])
        columns = {name: drops.column(name).to_numpy() for name in LINE_DROP.names}
        self._order = np.lexsort([columns[name] for name in ("key_low", "key_high", "document")])
        columns = take(columns, self._order)
        self._documents = columns["document"]
        self._keys = np.stack([columns["key_high"], columns["key_low"]], axis=1).astype(">u8").tobytes()
        self._options = options
        self._ledger = LineLedger()

    @property
    def ledger(self) -> LineLedger:
        """The lines of all batches so far.

        Raises:
            CheckError: they do not add up.
        """
        self._ledger.check()
        return self._ledger

    def remove(self, batch: pa.RecordBatch, of: U64, needed: Bool | None = None) -> WithoutLines:
        """Cut the repeated lines out of a batch.

        Args:
            batch: documents that survived the removal of duplicates.
            of: their locators.
            needed: documents that are left as they are rather than emptied; none if not given.

        Raises:
            CheckError: a document lacks a line that was found in it before, so its file has changed since.
        """
        found = _Found()
        needed = np.zeros(batch.num_rows, np.bool_) if needed is None else needed
        start = 0
        for part in tables.cut_by_size(batch.select(["source", "text"]), _BLOCK_BYTES):
            self._search(part, start, of[start : start + part.num_rows], needed, found)
            start += part.num_rows
        return self._result(batch, found)

    def _search(self, block: pa.RecordBatch, start: int, of: U64, needed: Bool, found: _Found) -> None:
        """Look for lines to remove in a block: the rows of a batch from `start` on."""
        cuts = [cut(text, self._options.unit) for text in block.column("text").to_pylist()]
        sources = block.column("source").to_pylist()
        firsts, lasts = (np.searchsorted(self._documents, of, side) for side in ("left", "right"))
        for row in np.flatnonzero(lasts == firsts).tolist():
            self._ledger.count(sources[row], ("in", "kept"), cuts[row])
        affected = np.flatnonzero(lasts > firsts).tolist()
        lines = [cuts[row][1::2] for row in affected]
        chars, keys = line_keys([line for part in lines for line in part], self._options.min_chars)
        bounds = offsets(np.fromiter(map(len, lines), np.int64, len(lines))).tolist()
        for row, begin, end in zip(affected, bounds, bounds[1:], strict=False):
            gone = self._gone(keys[begin:end], firsts[row], lasts[row])
            emptied = gone.keys() >= set(np.flatnonzero(chars[begin:end]).tolist())
            if emptied and needed[start + row]:
                self._ledger.count(sources[row], ("in", "kept"), cuts[row])
                continue
            self._remove_lines(start + row, sources[row], cuts[row], gone, emptied, found)

    def _gone(self, keys: list[bytes], first: int, last: int) -> dict[int, int]:
        """Number of the line → its drop, for one document: the keys of its lines, and the range of its drops."""
        drops = {self._keys[16 * drop : 16 * drop + 16]: drop for drop in range(first, last)}
        gone = {number: drops[key] for number, key in enumerate(keys) if key in drops}
        if len(set(gone.values())) < len(drops):
            raise CheckError(
                f"a document must still hold the {len(drops)} lines that were found in it. "
                f"Got {len(set(gone.values()))} in row {int(row_of(self._documents[first : first + 1])[0])}.",
                hint="did its file change during the run? Start again",
            )
        return gone

    def _remove_lines(
        self, row: int, source: str, pieces: list[str], gone: dict[int, int], emptied: bool, found: _Found
    ) -> None:
        found.lines += [(row, number, size(pieces[2 * number : 2 * number + 2]), drop) for number, drop in gone.items()]
        if emptied:
            found.emptied[row] = next(iter(gone.values()))
            self._ledger.count(source, ("in", "removed"), pieces)
            return
        found.texts[row] = without(pieces, gone)
        self._ledger.count(source, ("in",), pieces)
        self._ledger.count(
            source, ("removed",), [piece for number in gone for piece in pieces[2 * number : 2 * number + 2]]
        )
        # Counted in the new text: that the ledger adds up proves the removal.
        self._ledger.count(source, ("kept",), cut(found.texts[row], self._options.unit))

    def _result(self, batch: pa.RecordBatch, found: _Found) -> WithoutLines:
        emptied = np.zeros(batch.num_rows, np.bool_)
        emptied[list(found.emptied)] = True
        rows, numbers, sizes, drops = np.array(found.lines, np.int64).reshape(-1, 4).T
        names = (batch.column(name).cast(pa.string()).take(pa.array(rows)) for name in ("id", "source"))
        lines = [*names, pa.array(numbers.astype(np.int32)), pa.array(sizes), *self._keepers(drops)]
        return WithoutLines(
            _with_texts(batch, found.texts),
            pa.record_batch(lines, schema=REPEATED_LINES.schema),
            emptied,
            *self._keepers(np.array(list(found.emptied.values()), np.int64)),
        )

    def _keepers(self, drops: I64) -> tuple[pa.Array, pa.Array]:
        """Ids and sources of the documents that keep the lines of these drops."""
        named = self._names.take(pa.array(self._order[drops]))
        return named.column("partner_id").combine_chunks(), named.column("partner_source").combine_chunks()


def _with_texts(batch: pa.RecordBatch, texts: dict[int, str]) -> pa.RecordBatch:
    """The batch with new texts in some rows: row → text, rows ascending."""
    if not texts:
        return batch
    place = batch.schema.get_field_index("text")
    column, name = batch.column(place), batch.schema.field(place)
    changed = np.zeros(batch.num_rows, np.bool_)
    changed[list(texts)] = True
    new = pc.replace_with_mask(column, pa.array(changed), pa.array(list(texts.values()), column.type))
    return batch.set_column(place, name, new)
