"""Encoding, shuffling and packing: tokens go to a shard chosen by the document's digest and are ordered there by it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.ledger import DROPPED, IN, KEPT
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.result import Accounted, Result
from malmoi_pipelines.contracts.tables import cut_by_size
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import PartitionBuffer, partition_of
from malmoi_pipelines.raw.documents import TEXTS, Documents
from malmoi_pipelines.shard.config import ShardConfig
from malmoi_pipelines.shard.hf import example_schema
from malmoi_pipelines.shard.packing import pack
from malmoi_pipelines.shard.sampling import copies, copy_digests, document_digests, expected_copies
from malmoi_pipelines.tokenizers.encoder import Encoder

NOT_SAMPLED = f"{DROPPED}not_sampled"
BLOCK_BYTES = 4 << 20  # Arrow bytes of documents encoded at once
BATCH_TOKENS = 1 << 20  # tokens of a record batch in a shard: the unit of reading


@dataclass(frozen=True)
class EncodeFiles:
    """Step 0, one partition a task of the corpus: sample, encode, send each copy of a document to its shard."""

    documents: Documents
    out: str
    tokenizer: Encoder
    config: ShardConfig
    shards: int

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Encode one task."""
        sampled = Sampled()
        buffer = PartitionBuffer()
        with self.documents.open(partition, self.out, TEXTS) as reader:
            for batch in reader:
                for block in cut_by_size(batch, BLOCK_BYTES):
                    encoded, digests = self._encode(block, sampled)
                    yield from buffer.add(encoded, partition_of(digests, self.shards))
        yield from buffer.flush()
        yield sampled
        yield reader.unread

    def _encode(self, batch: pa.RecordBatch, sampled: "Sampled") -> tuple[pa.RecordBatch, npt.NDArray[np.uint64]]:
        sources, texts = batch.column("source").to_pylist(), batch.column("text")
        encoded = self.tokenizer.encode(texts.to_pylist())
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        flat = np.fromiter(chain.from_iterable(encoded), self.tokenizer.dtype, int(lengths.sum()))
        offsets = np.r_[0, np.cumsum(lengths)]
        new = np.r_[0, np.cumsum(flat >= self.tokenizer.first_new)]
        n_new = new[offsets[1:]] - new[offsets[:-1]]
        digests = document_digests(self.config.seed, sources, batch.column("id").to_pylist())
        weights = np.array([self.config.weights.get(source, 1.0) for source in sources])
        number = copies(expected_copies(weights, n_new, lengths, self.config.new_token_bias), digests)
        _count(sampled, sources, pc.binary_length(texts).to_numpy(), number, lengths, n_new)
        documents = np.repeat(np.arange(len(encoded)), number)
        copy_numbers = np.arange(len(documents)) - np.repeat(np.cumsum(number) - number, number)
        keys = copy_digests(digests[documents], copy_numbers)
        ids = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(flat))
        contents = [xxhash.xxh3_64_intdigest(flat[offsets[i] : offsets[i + 1]].tobytes()) for i in range(len(encoded))]
        columns = [pa.array(keys), pa.array(np.array(contents, np.uint64)[documents]), ids.take(pa.array(documents))]
        return pa.RecordBatch.from_arrays(columns, names=["key", "content", "ids"]), keys


@dataclass
class Written:
    """What is written of a source."""

    copies: int = 0
    tokens: int = 0
    new_tokens: int = 0

    def add(self, other: "Written") -> None:
        """Add what is written elsewhere."""
        self.copies += other.copies
        self.tokens += other.tokens
        self.new_tokens += other.new_tokens


@dataclass
class Sampled(Accounted):
    """The documents of one task, or of all."""

    sources: dict[str, Written] = field(default_factory=dict)

    def add(self, source: str, written: Written) -> None:
        """Add what is written of a source."""
        self.sources.setdefault(source, Written()).add(written)


def _count(
    sampled: Sampled,
    sources: list[str],
    num_bytes: npt.NDArray[np.int64],
    number: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    n_new: npt.NDArray[np.int64],
) -> None:
    names = np.array(sources)
    for source in sorted(set(sources)):
        mine = names == source
        kept = mine & (number > 0)
        for outcome, mask in ((IN, mine), (KEPT, kept), (NOT_SAMPLED, mine & (number == 0))):
            if mask.any():
                sampled.ledger.add(source, outcome, int(mask.sum()), int(num_bytes[mask].sum()))
        tokens, new_tokens = int((number * lengths)[mine].sum()), int((number * n_new)[mine].sum())
        sampled.add(source, Written(int(number[mine].sum()), tokens, new_tokens))


@dataclass(frozen=True)
class ShardPacked(Result):
    """One shard."""

    file: FileInfo
    tail: int
    """Tokens at its end that fill no example."""
    new_tokens: int


@dataclass(frozen=True)
class PackShards:
    """Step 1, one partition a shard: order the documents, pack them, write one Arrow stream file."""

    out: str
    tokenizer: Encoder
    config: ShardConfig
    shards: int

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Pack one shard."""
        ids, lengths = self._ordered(list(chunks))
        packed = pack(ids, lengths, self.config.sequence_length)
        path = f"data/data-{partition:05d}-of-{self.shards:05d}.arrow"
        schema = example_schema(self.tokenizer.dtype)
        rows = max(1, BATCH_TOKENS // self.config.sequence_length)
        with files.atomic_write(files.join(self.out, path)) as sink:
            with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), schema) as writer:
                for start in range(0, max(1, len(packed.ids_et)), rows):  # `datasets` reads no stream without a batch
                    ids_et = packed.ids_et[start : start + rows]
                    writer.write_batch(self._batch(ids_et, packed.lengths.slice(start, rows), schema))
            info = FileInfo.of_sink(path, sink, table="data", rows=len(packed.ids_et))
        new = int((packed.ids_et >= self.tokenizer.first_new).sum())
        yield ShardPacked(info, packed.tail, new)

    def _ordered(self, chunks: list[pa.RecordBatch]) -> tuple[npt.NDArray[np.unsignedinteger], npt.NDArray[np.int64]]:
        """All documents' tokens in the shard's order: by digest; equal digests (equal source and id) by content."""
        if not chunks:
            return np.empty(0, self.tokenizer.dtype), np.empty(0, np.int64)
        table = pa.Table.from_batches(chunks)
        order = np.lexsort((table["content"].to_numpy(), table["key"].to_numpy()))
        ids = pa.concat_arrays(table["ids"].chunks)
        lengths = pc.list_value_length(ids).to_numpy()[order]
        return ids.take(pa.array(order)).flatten().to_numpy(), lengths

    def _batch(
        self, ids_et: npt.NDArray[np.unsignedinteger], lengths: pa.ListArray, schema: pa.Schema
    ) -> pa.RecordBatch:
        examples, length = ids_et.shape
        offsets = pa.array(np.arange(0, (examples + 1) * length, length), pa.int32())
        ids = pa.ListArray.from_arrays(offsets, pa.array(ids_et.ravel()))
        n_new = pa.array((ids_et >= self.tokenizer.first_new).sum(axis=1), pa.int32())
        compact = pa.array(lengths.to_pylist(), pa.list_(pa.int32()))  # a slice would carry the other rows' offsets
        return pa.RecordBatch.from_arrays([ids, compact, n_new], schema=schema)
