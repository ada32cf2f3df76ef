"""Step 1, by input file: read the texts once; all that follows works on their digests."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import xxhash

from malmoi_pipelines.contracts import tables
from malmoi_pipelines.contracts.arrays import U64, Bool, offsets
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.schemas import DIGESTS
from malmoi_pipelines.contracts.streams import open_stream
from malmoi_pipelines.dedupe import order, work_files
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.messages import EXACT_KEY, Columns, locators, to_batch
from malmoi_pipelines.dedupe.near.minhash import band_digests, signatures
from malmoi_pipelines.dedupe.near.shingles import shingles, unit_counts
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
        del chunks  # the first step gets none
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
            return digest_documents(self.files[partition], self.config, short)
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


def digest_documents(path: str, config: DedupeConfig, short: ShortDocuments | None = None) -> Iterator[pa.RecordBatch]:
    """The digests of a Parquet file of documents: batches of `DIGESTS`, row by row."""
    for batch in tables.read_batches(path, ["id", "source", "text"]):
        for part in tables.cut_by_size(batch, BLOCK_BYTES):
            block = normalise(part.column("text").to_pylist())
            is_short = unit_counts(block, config.shingle) < config.size
            if short is not None:
                short.add(part.filter(pa.array(is_short)))
            yield _batch(_exact_keys(part, block, config.source_priority), _bands(block, is_short, config))


def _bands(block: Block, is_short: Bool, config: DedupeConfig) -> pa.ListArray:
    if not config.near:
        return pa.array([[]] * len(is_short), DIGESTS.schema.field("bands").type)
    hashes, bounds = shingles(block, config.shingle, config.size, config.max_chars)
    counts = np.diff(bounds)
    chosen = counts > 0
    if config.shingle == "eojeol":
        # As one shingle, such a document is similar only to those with the same eojeol: its exact duplicates.
        chosen &= ~is_short
    kept = hashes[np.repeat(chosen, counts)]
    signature = signatures(kept, offsets(counts[chosen]), config.permutations, config.seed)
    digests = band_digests(signature, config.bands, config.seed)
    ends = offsets(chosen * config.bands).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(digests.ravel()))


def _batch(keys: Columns, bands: pa.ListArray) -> pa.RecordBatch:
    columns = [pa.array(keys[name]) for name in DIGESTS.schema.names[:-1]]
    return pa.record_batch([*columns, bands.cast(DIGESTS.schema.field("bands").type)], schema=DIGESTS.schema)


def _as_old(digests: pa.RecordBatch) -> pa.RecordBatch:
    place = DIGESTS.schema.get_field_index("rank")
    columns = digests.columns
    columns[place] = pa.array(order.old(columns[place].to_numpy()))
    return pa.record_batch(columns, schema=DIGESTS.schema)


def _exact_keys(batch: pa.RecordBatch, block: Block, priority: tuple[str, ...]) -> Columns:
    """The columns of `DIGESTS` but the bands, for one block."""
    raw = _raw_texts(batch.column("text"))
    keys = _keys(raw, block)
    content = np.fromiter((xxhash.xxh3_64_intdigest(text) for text in raw), np.uint64, len(raw))
    sources, ids = batch.column("source").to_pylist(), batch.column("id").to_pylist()
    names = (xxhash.xxh3_64_intdigest(f"{source}\0{id_}".encode()) for source, id_ in zip(sources, ids, strict=True))
    place = {source: number for number, source in enumerate(priority)}
    priorities = np.fromiter((place.get(source, len(place)) for source in sources), np.int64, len(raw))
    return {
        "key_high": np.ascontiguousarray(keys[:, 0]),
        "key_low": np.ascontiguousarray(keys[:, 1]),
        "rank": order.ranks(np.fromiter(map(len, raw), np.int64, len(raw)), priorities),
        "tie": order.ties(content, np.fromiter(names, np.uint64, len(raw))),
    }


def exact_keys(texts: pa.LargeStringArray) -> U64:
    """The exact key of each text, two numbers: documents with equal keys are exact duplicates."""
    return _keys(_raw_texts(texts), normalise(texts.to_pylist()))


def _keys(raw: list[memoryview], block: Block) -> U64:
    return np.frombuffer(b"".join(_normalised_digests(raw, block)), ">u8").reshape(-1, 2).astype(np.uint64)


def _raw_texts(column: pa.LargeStringArray) -> list[memoryview]:
    """The UTF-8 bytes of each text, not copied."""
    _, bounds, data = column.buffers()
    ends = np.frombuffer(bounds, np.int64)[column.offset : column.offset + len(column) + 1].tolist()
    view = memoryview(data if data is not None else b"")
    return [view[start:end] for start, end in itertools.pairwise(ends)]


def _normalised_digests(raw: list[memoryview], block: Block) -> Iterator[bytes]:
    """xxh3-128 of the normalised texts as UTF-32-LE.

    Texts without a letter or digit ("...", "♡♡") have no normalised form. They are keyed by their raw bytes, under
    another seed: they merge with equal texts only.
    """
    view = block.codes.data
    bounds: list[int] = block.documents.tolist()
    for text, start, end in zip(raw, bounds, bounds[1:], strict=False):
        yield xxhash.xxh3_128_digest(view[start:end]) if end > start else xxhash.xxh3_128_digest(text, seed=1)
