"""Repeated lines that near dedupe does not look at: headers and footers make all pages of a site alike.

    FindLines ─▶ GatherLines ─▶ `without_repeated`, inside DigestFile and DescribeCandidates
     by file       by key        by file

Here the lines of all documents count, not of the survivors, which are not known yet; copies of one document count once.
The texts stay as they are: what is removed of them is decided later, among the survivors.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from malmoi_pipelines.contracts import tables
from malmoi_pipelines.contracts.arrays import repeated, run_starts
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.streams import open_stream, read_stream
from malmoi_pipelines.dedupe import work_files
from malmoi_pipelines.dedupe.config import DedupeConfig, RepeatedLines
from malmoi_pipelines.dedupe.exact_key import exact_keys
from malmoi_pipelines.dedupe.lines.text_lines import cut, distinct_keys, line_keys, without
from malmoi_pipelines.dedupe.messages import from_chunks, take, to_batch
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import PartitionBuffer, partition_of

LINE_HOLDER = pa.schema([(name, pa.uint64()) for name in ("key_high", "key_low", "document", "file")])
"""A distinct line of a document, with the document's exact key (its upper half) and the number of its file."""
LINE = pa.schema([(name, pa.uint64()) for name in ("key_high", "key_low")])
"""A line that enough documents hold, sent to each file that has it."""

_BLOCK_BYTES = 1 << 20  # bytes of documents cut at once


@dataclass(frozen=True)
class FindLines:
    """Send the key of every line of every document."""

    files: tuple[str, ...]
    config: DedupeConfig
    partitions: int
    """Partitions of the next step."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = input file."""
        del chunks  # the first step gets none
        options = _options(self.config)
        buffer = PartitionBuffer()
        for batch in tables.read_batches(self.files[partition], ["text"]):
            for part in tables.cut_by_size(batch, _BLOCK_BYTES):
                texts = part.column("text")
                owner, keys = distinct_keys(texts.to_pylist(), options.unit, options.min_chars, self.config.fold)
                keys["document"] = exact_keys(texts, self.config.exact_fold)[owner, 0]
                keys["file"] = np.full(len(owner), partition, np.uint64)
                yield from buffer.add(to_batch(LINE_HOLDER, keys), partition_of(keys["key_high"], self.partitions))
        yield from buffer.flush()


@dataclass(frozen=True)
class GatherLines:
    """Find the lines that enough different documents hold."""

    min_documents: int

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Partition = range of keys. Each line goes to the files that have it."""
        keys = from_chunks(chunks, LINE_HOLDER)
        keys = take(keys, repeated(keys["key_high"]))
        keys = take(keys, np.lexsort([keys[name] for name in ("document", "key_low", "key_high")]))
        lines = run_starts(keys["key_high"], keys["key_low"])
        different = np.zeros(len(keys["file"]) + 1, np.int64)
        different[run_starts(keys["key_high"], keys["key_low"], keys["document"]) + 1] = 1
        holders = np.diff(np.cumsum(different)[np.append(lines, len(keys["file"]))])
        found = take(keys, np.repeat(holders >= self.min_documents, np.diff(np.append(lines, len(keys["file"])))))
        found = take(found, np.lexsort([found[name] for name in ("key_low", "key_high", "file")]))
        found = take(found, run_starts(found["file"], found["key_high"], found["key_low"]))
        buffer = PartitionBuffer()
        yield from buffer.add(to_batch(LINE, found), found["file"].astype(np.int64))
        yield from buffer.flush()


class RepeatedLineKeys:
    """The repeated lines of one file, by their keys."""

    def __init__(self, work: str, file: int, config: DedupeConfig) -> None:
        """Read what `keep` wrote of a file."""
        self._options, self._fold = _options(config), config.fold
        batches = read_stream(work_files.lines_path(work, file))
        pairs = [np.stack([batch.column(name).to_numpy() for name in LINE.names], axis=1) for batch in batches]
        data = np.concatenate([np.zeros((0, 2), np.uint64), *pairs]).astype(">u8").tobytes()
        self._keys = {data[start : start + 16] for start in range(0, len(data), 16)}

    @staticmethod
    def keep(work: str, file: int, chunks: Iterable[pa.RecordBatch]) -> None:
        """Write the lines that were sent to a file, for all steps that read its texts."""
        with open_stream(work_files.lines_path(work, file), LINE) as writer:
            for batch in chunks:
                writer.write_batch(batch)

    def without_repeated(self, texts: list[str]) -> list[str]:
        """The texts without these lines; one that is nothing else stays whole."""
        if not self._keys:
            return texts
        cuts = [cut(text, self._options.unit) for text in texts]
        chars, keys = line_keys([line for pieces in cuts for line in pieces[1::2]], self._options.min_chars, self._fold)
        left = []
        start = 0
        for text, pieces in zip(texts, cuts, strict=True):
            end = start + len(pieces) // 2
            gone = {number for number, key in enumerate(keys[start:end]) if key in self._keys}
            rest = sum(count for number, count in enumerate(chars[start:end].tolist()) if number not in gone)
            left.append(without(pieces, gone) if gone and rest else text)
            start = end
        return left


def _options(config: DedupeConfig) -> RepeatedLines:
    return config.repeated_lines or RepeatedLines()
