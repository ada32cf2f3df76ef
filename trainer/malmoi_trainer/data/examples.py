"""Reading packed examples from Arrow stream files, memory-mapped: what is not asked for is not read.

Shape suffixes: E examples of one record batch, B batch, T tokens of an example.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, CheckError
from malmoi_pipelines.contracts.manifest import Manifest
from malmoi_pipelines.contracts.schemas import EXAMPLES, check_schema


@dataclass(frozen=True)
class Block:
    """One record batch; the arrays are views of the mapped file."""

    ids_et: npt.NDArray[np.unsignedinteger]
    lengths: pa.ListArray
    n_new: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Rows:
    """Some examples."""

    ids_bt: npt.NDArray[np.int64]
    lengths: list[npt.NDArray[np.int32]]
    """For each example, the lengths of its document pieces."""
    n_new: npt.NDArray[np.int32]
    """For each example, its new tokens."""


class ExampleStore:
    """All examples of a local shards folder, numbered in the order of the manifest's files.

    Raises:
        BadInputError: no examples, or a file that is not a stream of them.
        CheckError: examples of unequal length, pieces that do not sum to it, or an id outside the vocabulary.
    """

    def __init__(self, folder: str, manifest: Manifest, vocab_size: int) -> None:
        self._blocks: list[Block] = []
        for info in manifest.table_files():
            path = files.join(folder, info.path)
            self._blocks += [_block(batch, vocab_size, path) for batch in _record_batches(path) if batch.num_rows]
        if not self._blocks:
            raise BadInputError(
                f"{folder} holds no examples.", hint="shard more text, or use a shorter sequence_length"
            )
        widths = {block.ids_et.shape[1] for block in self._blocks}
        if len(widths) > 1:
            raise CheckError(f"{folder}: all examples must have one length. Got {sorted(widths)}.")
        self.sequence_length = widths.pop()
        self._starts = np.cumsum([0, *(len(block.ids_et) for block in self._blocks)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def read(self, indices: npt.NDArray[np.int64]) -> Rows:
        """Copy the examples with these numbers out of the mapped files."""
        owners = np.searchsorted(self._starts, indices, side="right") - 1
        found = [
            (self._blocks[owner], int(index - self._starts[owner]))
            for owner, index in zip(owners, indices, strict=True)
        ]
        return Rows(
            ids_bt=np.stack([block.ids_et[row] for block, row in found]).astype(np.int64),
            lengths=[block.lengths[row].values.to_numpy() for block, row in found],
            n_new=np.array([block.n_new[row] for block, row in found], np.int32),
        )


def _record_batches(path: str) -> list[pa.RecordBatch]:
    """The record batches of a stream file: only their headers are read."""
    try:
        with pa.ipc.open_stream(pa.memory_map(path)) as stream:
            ids = stream.schema.field("input_ids").type if "input_ids" in stream.schema.names else None
            wide = EXAMPLES.schema.set(0, pa.field("input_ids", pa.list_(pa.uint32())))
            check_schema(stream.schema, wide if ids == pa.list_(pa.uint32()) else EXAMPLES.schema, path)
            return list(stream)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInputError(f"{path} is not an Arrow stream of examples: {error}") from None


def _block(batch: pa.RecordBatch, vocab_size: int, path: str) -> Block:
    ids, lengths = batch.column("input_ids"), batch.column("lengths")
    widths = np.diff(ids.offsets.to_numpy())
    if (widths != widths[0]).any():
        raise CheckError(f"{path}: all examples must have one length. Got {sorted(set(widths.tolist()))}.")
    ends = np.cumsum(np.concatenate([[0], lengths.values.to_numpy()]))[lengths.offsets.to_numpy()]
    sums = np.diff(ends)
    if (sums != widths).any():
        raise CheckError(f"{path}: the lengths of an example must sum to {widths[0]}. Got {sums[sums != widths][0]}.")
    flat = ids.flatten().to_numpy(zero_copy_only=True)
    if len(flat) and flat.max() >= vocab_size:
        raise CheckError(f"{path}: every token id must be below {vocab_size}. Got {flat.max()}.")
    return Block(flat.reshape(len(ids), -1), lengths, batch.column("n_new").to_numpy(zero_copy_only=True))
