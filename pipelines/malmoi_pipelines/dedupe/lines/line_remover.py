"""Cutting the repeated lines out of the documents of one file."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts import tables
from malmoi_pipelines.contracts.arrays import I64, U64, Bool, offsets
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.schemas import REPEATED_LINES
from malmoi_pipelines.dedupe.config import RepeatedLines
from malmoi_pipelines.dedupe.lines.repeated_lines import LINE_DROP, NAMED_LINE_DROP
from malmoi_pipelines.dedupe.lines.text_lines import LineLedger, cut, line_keys, size, without
from malmoi_pipelines.dedupe.messages import row_of, take
from malmoi_pipelines.dedupe.normalise import Fold

_BLOCK_BYTES = 1 << 20  # bytes of documents cut at once


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

    def __init__(self, chunks: Iterable[pa.RecordBatch], options: RepeatedLines, fold: tuple[Fold, ...] = ()) -> None:
        """Take the lines to remove from one file (`NAMED_LINE_DROP`), in any order."""
        drops = pa.Table.from_batches(list(chunks), NAMED_LINE_DROP)
        self._names = drops.select(["partner_id", "partner_source"])
        columns = {name: drops.column(name).to_numpy() for name in LINE_DROP.names}
        self._order = np.lexsort([columns[name] for name in ("key_low", "key_high", "document")])
        columns = take(columns, self._order)
        self._documents = columns["document"]
        self._keys = np.stack([columns["key_high"], columns["key_low"]], axis=1).astype(">u8").tobytes()
        self._options = options
        self._fold = fold
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
        chars, keys = line_keys([line for part in lines for line in part], self._options.min_chars, self._fold)
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
