"""Step 1, by input file: read the texts once; all that follows works on their digests."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import xxhash

from malmoi_pipelines.contracts import tables
from malmoi_pipelines.contracts.arrays import I64, Bool, offsets
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.schemas import DIGESTS
from malmoi_pipelines.contracts.streams import open_stream
from malmoi_pipelines.dedupe import order, work_files
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.exact_key import keys_of, raw_texts
from malmoi_pipelines.dedupe.lines.before_near import RepeatedLineKeys
from malmoi_pipelines.dedupe.messages import EXACT_KEY, Columns, locators, to_batch
from malmoi_pipelines.dedupe.near.minhash import band_digests, signatures
from malmoi_pipelines.dedupe.near.shingles import distinct_counts, shingles, unit_counts
from malmoi_pipelines.dedupe.normalise import Block, normalise
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import PartitionBuffer, partition_of

BLOCK_BYTES = 1 << 20  # bytes of documents normalised at once
_EXAMPLES = 3  # short documents of a source that are named when a guard stops the stage


@dataclass(frozen=True)
class DigestFile:
    """Make the digests of one input file, or take those of a file of an earlier corpus; send every exact key."""

    files: tuple[str, ...]
    """The input files."""
    old_digests: tuple[str, ...]
    """The digests of the earlier corpora's files, which are numbered after the input files."""
    work: str
    config: DedupeConfig
    partitions: int
    """Partitions of the next step."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = file. The digests stay in a work file."""
        if self.config.lines_before_near:
            RepeatedLineKeys.keep(self.work, partition, chunks)
        buffer = PartitionBuffer()
        row = 0
        short = ShortDocuments()
        with open_stream(work_files.digests_path(self.work, partition), DIGESTS.schema) as writer:
            for digests in self._digests(partition, short):
                writer.write_batch(digests)
                keys = {name: digests.column(name).to_numpy() for name in EXACT_KEY.names[:-1]}
                keys["locator"] = locators(partition, row, digests.num_rows)
                yield from buffer.add(to_batch(EXACT_KEY, keys), partition_of(keys["key_high"], self.partitions))
                row += digests.num_rows
        yield from buffer.flush()
        yield short

    def _digests(self, partition: int, short: "ShortDocuments") -> Iterator[pa.RecordBatch]:
        if partition < len(self.files):
            before_near = self.config.lines_before_near
            lines = RepeatedLineKeys(self.work, partition, self.config) if before_near else None
            return digest_documents(self.files[partition], self.config, short, lines)
        return map(_as_old, tables.read_batches(self.old_digests[partition - len(self.files)]))


@dataclass
class ShortDocuments(Result):
    """The documents that are shorter than a shingle."""

    counts: Counter[str] = field(default_factory=Counter)
    """Source → how many."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    """Source → the first ids."""

    def add(self, documents: pa.RecordBatch) -> None:
        """Add short documents, with `id` and `source`."""
        for source, id_ in zip(documents.column("source").to_pylist(), documents.column("id").to_pylist(), strict=True):
            self.counts[source] += 1
            told = self.examples.setdefault(source, [])
            if len(told) < _EXAMPLES:
                told.append(id_)


def digest_documents(
    path: str,
    config: DedupeConfig,
    short: ShortDocuments | None = None,
    lines: RepeatedLineKeys | None = None,
) -> Iterator[pa.RecordBatch]:
    """The digests of a Parquet file of documents: batches of `DIGESTS`, row by row.

    Args:
        path: of the file.
        config: what counts as a duplicate.
        short: gets the documents that are shorter than a shingle.
        lines: repeated lines that near dedupe does not look at.
    """
    for batch in tables.read_batches(path, ["id", "source", "text"]):
        for part in tables.cut_by_size(batch, BLOCK_BYTES):
            texts = part.column("text").to_pylist()
            block = normalise(texts if lines is None else lines.without_repeated(texts), config.fold)
            same = lines is None and set(config.exact_fold) == set(config.fold)
            exact = block if same else normalise(texts, config.exact_fold)
            is_short = unit_counts(block, config.shingle) < config.size
            if short is not None:
                short.add(part.filter(pa.array(is_short)))
            bands, fresh = _bands(block, is_short, config)
            yield _batch(_exact_keys(part, exact, fresh, config.source_priority), bands)


class Fresh(NamedTuple):
    """Of each document how much of it is said for the first time: what its length is worth in the order."""

    shingles: I64
    """All of them; 0 where none were made."""
    repeats: I64
    """Those that stand in the same document before."""

    def of(self, lengths: I64) -> I64:
        """Lengths; from a third of repeats on without what is repeated, and without as much again.

        An article that is pasted twice never beats the article itself.
        """
        once = np.maximum(self.shingles - 2 * self.repeats, 0)
        pasted = (self.repeats > 0) & (3 * self.repeats >= self.shingles)
        return np.where(pasted, lengths * once // np.maximum(self.shingles, 1), lengths)


def _bands(block: Block, is_short: Bool, config: DedupeConfig) -> tuple[pa.ListArray, Fresh]:
    if not config.near:
        none = np.zeros(len(is_short), np.int64)
        return pa.array([[]] * len(is_short), DIGESTS.schema.field("bands").type), Fresh(none, none)
    hashes, bounds = shingles(block, config.shingle, config.size, config.max_chars)
    counts = np.diff(bounds)
    chosen = (counts > 0) & ~is_short
    kept = hashes[np.repeat(chosen, counts)]
    signature = signatures(kept, offsets(counts[chosen]), config.permutations, config.seed)
    digests = band_digests(signature, config.bands, config.seed)
    ends = offsets(chosen * config.bands).astype(np.int32)
    bands = pa.ListArray.from_arrays(pa.array(ends), pa.array(digests.ravel()))
    return bands, Fresh(counts, counts - distinct_counts(hashes, bounds))


def _batch(keys: Columns, bands: pa.ListArray) -> pa.RecordBatch:
    columns = [pa.array(keys[name]) for name in DIGESTS.schema.names[:-1]]
    return pa.record_batch([*columns, bands.cast(DIGESTS.schema.field("bands").type)], schema=DIGESTS.schema)


def _as_old(digests: pa.RecordBatch) -> pa.RecordBatch:
    place = DIGESTS.schema.get_field_index("rank")
    columns = digests.columns
    columns[place] = pa.array(order.old(columns[place].to_numpy()))
    return pa.record_batch(columns, schema=DIGESTS.schema)


def _exact_keys(batch: pa.RecordBatch, block: Block, fresh: Fresh, priority: tuple[str, ...]) -> Columns:
    """The columns of `DIGESTS` but the bands, for one block in the form of exact duplicates."""
    raw = raw_texts(batch.column("text"))
    keys = keys_of(raw, block)
    content = np.fromiter((xxhash.xxh3_64_intdigest(text) for text in raw), np.uint64, len(raw))
    sources, ids = batch.column("source").to_pylist(), batch.column("id").to_pylist()
    names = (xxhash.xxh3_64_intdigest(f"{source}\0{id_}".encode()) for source, id_ in zip(sources, ids, strict=True))
    place = {source: number for number, source in enumerate(priority)}
    priorities = np.fromiter((place.get(source, len(place)) for source in sources), np.int64, len(raw))
    return {
        "key_high": np.ascontiguousarray(keys[:, 0]),
        "key_low": np.ascontiguousarray(keys[:, 1]),
        "rank": order.ranks(fresh.of(np.fromiter(map(len, raw), np.int64, len(raw))), priorities),
        "tie": order.ties(content, np.fromiter(names, np.uint64, len(raw))),
    }
