"""Step 1, by input file: read the texts once; all that follows works on their digests."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import xxhash

from pipelines.contracts import tables
from pipelines.contracts.arrays import U64
from pipelines.contracts.streams import open_stream
from pipelines.dedupe import work_files
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.messages import (
    EXACT_KEY,
    Columns,
    locators,
    ranks,
    to_batch,
)
from pipelines.dedupe.minhash import band_digests, signatures
from pipelines.dedupe.normalise import Block, normalise
from pipelines.dedupe.shingles import shingles
from pipelines.engine.job import Result, Send
from pipelines.engine.partition import PartitionBuffer, partition_of

BLOCK_BYTES = 1 << 20  # bytes of documents normalised at once


def bands_schema(bands: int) -> pa.Schema:
    """The work file of band digests: one row a document of at least one shingle."""
    return pa.schema([("locator", pa.uint64()), ("rank", pa.uint64()), ("bands", pa.list_(pa.uint64(), bands))])


@dataclass(frozen=True)
class DigestFile:
    """Read one input file: send every document's exact key, leave the band digests in a work file."""

    files: tuple[str, ...]
    work: str
    config: DedupeConfig
    partitions: int
    """Partitions of the next step."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file."""
        buffer = PartitionBuffer()
        row = short = 0
        schema = bands_schema(self.config.bands)
        with open_stream(work_files.bands_path(self.work, partition), schema) as bands:
            for batch in tables.read_batches(self.files[partition], ["id", "source", "text"]):
                for part in tables.cut_by_size(batch, BLOCK_BYTES):
                    block = normalise(part.column("text").to_pylist())
                    keys = _exact_keys(part, block, locators(partition, row, part.num_rows))
                    yield from buffer.add(to_batch(EXACT_KEY, keys), partition_of(keys["key_high"], self.partitions))
                    if self.config.near:
                        bands.write_batch(self._bands(block, keys))
                    short += int(np.count_nonzero(block.word_counts < self.config.shingle_words))
                    row += part.num_rows
        yield from buffer.flush()
        yield Result({"short_documents": short})

    def _bands(self, block: Block, keys: Columns) -> pa.RecordBatch:
        config = self.config
        hashes, bounds = shingles(block, config.shingle_words, config.max_chars)
        # A document without a shingle can only equal its exact duplicates; one signature for all such would merge them.
        rows = np.flatnonzero(np.diff(bounds))
        signature = signatures(hashes, np.append(bounds[rows], bounds[-1]), config.permutations, config.seed)
        digests = band_digests(signature, config.bands, config.seed)
        columns = [pa.array(keys["locator"][rows]), pa.array(keys["rank"][rows])]
        bands = pa.FixedSizeListArray.from_arrays(pa.array(digests.ravel()), config.bands)
        return pa.record_batch([*columns, bands], schema=bands_schema(config.bands))


def _exact_keys(batch: pa.RecordBatch, block: Block, locator: U64) -> Columns:
    """The rows of EXACT_KEY for one block; equal raw texts are told apart by source and id (`tie`)."""
    raw = _raw_texts(batch.column("text"))
    keys = np.frombuffer(b"".join(_normalised_digests(raw, block)), ">u8").reshape(-1, 2).astype(np.uint64)
    content = np.fromiter((xxhash.xxh3_64_intdigest(text) for text in raw), np.uint64, len(raw))
    names = zip(batch.column("source").to_pylist(), batch.column("id").to_pylist(), strict=True)
    ties = (xxhash.xxh3_64_intdigest("\0".join(name).encode()) for name in names)
    return {
        "key_high": np.ascontiguousarray(keys[:, 0]),
        "key_low": np.ascontiguousarray(keys[:, 1]),
        "rank": ranks(np.fromiter(map(len, raw), np.int64, len(raw)), content),
        "tie": np.fromiter(ties, np.uint64, len(raw)),
        "locator": locator,
    }


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
