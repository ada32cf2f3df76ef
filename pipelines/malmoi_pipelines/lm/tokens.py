"""The first steps: texts to tokens, with a dictionary for each segment; and the vocabulary of the model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from malmoi_pipelines.contracts.ledger import IN, KEPT, Ledger
from malmoi_pipelines.contracts.result import Accounted, Result
from malmoi_pipelines.contracts.streams import open_stream
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import PartitionBuffer, partition_of
from malmoi_pipelines.lm.config import LmConfig
from malmoi_pipelines.lm.sentences import UNKNOWN, Tokenizer, load_tokenizer, sentences
from malmoi_pipelines.lm.work_files import (
    HELD_OUT,
    SEGMENT,
    WORD_COUNT,
    held_out_path,
    segments_path,
    vocabulary_path,
    write_stream,
)
from malmoi_pipelines.raw.readers import read_blocks
from malmoi_pipelines.raw.rows import RawBlock
from malmoi_pipelines.raw.tasks import Task
from malmoi_pipelines.raw.unread import Unread
from malmoi_pipelines.text.normalise import normalise_all
from malmoi_pipelines.text.pii import find_spans_all, mask

SEGMENT_BYTES = 16 << 20  # UTF-8 bytes of sentences that share a dictionary
HELD_OUT_BYTES = 1 << 20  # UTF-8 bytes of held-out text that a task keeps for the report
BLANK, HELD = "dropped:blank", "dropped:held_out"
MERGE_BYTES = 64 << 20


@dataclass(frozen=True)
class Tokenise:
    """Partition n reads task n: its tokens go to a work file, its words with their counts to their hash partitions."""

    tasks: tuple[Task, ...]
    work: str
    config: LmConfig
    partitions: int

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Read one task, block by block."""
        del chunks  # the first step gets none
        texts = _Texts(self.config)
        tokenizer = load_tokenizer(self.config.tokenizer)
        words = PartitionBuffer()
        tokens = 0
        with open_stream(segments_path(self.work, partition), SEGMENT) as writer:
            for lines in texts.segments(self.tasks[partition]):
                segment, counts = cut_segment(lines, tokenizer)
                writer.write_batch(segment)
                tokens += len(segment.column("ids")[0])
                yield from words.add(counts, word_partitions(counts.column("word"), self.partitions))
        yield from words.flush()
        held_out = pa.record_batch([pa.array(texts.held_out, pa.large_string())], schema=HELD_OUT)
        write_stream(held_out_path(self.work, partition), HELD_OUT, [held_out])
        yield Tokenised(texts.ledger, texts.sentences, tokens)
        yield texts.unread


@dataclass
class Tokenised(Accounted):
    """The sentences of a task to learn from."""

    sentences: int = 0
    tokens: int = 0


class _Texts:
    """Reads the documents of a task and counts what becomes of each."""

    def __init__(self, config: LmConfig) -> None:
        self._config = config
        self.ledger = Ledger()
        self.unread = Unread()
        self.held_out: list[str] = []
        self.sentences = 0
        self._held_out_bytes = 0
        self._lines: list[bytes] = []
        self._bytes = 0

    def segments(self, task: Task) -> Iterator[list[bytes]]:
        """The sentences to learn from, `SEGMENT_BYTES` at a time."""
        for part in task.parts:
            for block in read_blocks(part, self._config.read):
                self.unread.add(block, part)
                self._add(block)
                if self._bytes >= SEGMENT_BYTES:
                    yield self._take()
        self.unread.read = self.unread.read.worth_telling(task.parts)
        if self._lines:
            yield self._take()

    def _take(self) -> list[bytes]:
        lines, self._lines, self._bytes = self._lines, [], 0
        self.sentences += len(lines)
        return lines

    def _add(self, block: RawBlock) -> None:
        totals: dict[tuple[str, str], list[int]] = {}
        options = self._config.normalise
        texts = normalise_all(block.texts, options.of_shown() if block.without_markup else options).texts
        spans = find_spans_all(texts, self._config.pii)
        texts = [mask(text, some) for text, some in zip(texts, spans, strict=True)]
        for source, raw, text in zip(block.sources, block.texts, texts, strict=True):
            outcome = self._learn(text)
            total = totals.setdefault((source, outcome), [0, 0])
            total[0] += 1
            total[1] += len(raw.encode("utf-8", "surrogatepass"))
        for (source, outcome), (documents, num_bytes) in totals.items():
            self._count(source, outcome, documents, num_bytes)

    def _learn(self, text: str) -> str:
        """Take the sentences of a text, or keep the text for the report; returns its outcome."""
        lines = sentences(text, self._config.normalisation)
        if not lines:
            return BLANK
        data = text.encode("utf-8", "replace")
        if xxhash.xxh3_64_intdigest(data) < self._config.held_out * 2**64:
            if self._held_out_bytes < HELD_OUT_BYTES:
                self.held_out.append(text)
                self._held_out_bytes += len(data)
            return HELD
        self._lines += lines
        self._bytes += len(data)
        return KEPT

    def _count(self, source: str, outcome: str, documents: int, num_bytes: int) -> None:
        self.ledger.add(source, IN, documents, num_bytes)
        self.ledger.add(source, outcome, documents, num_bytes)


def cut_segment(lines: list[bytes], tokenizer: Tokenizer) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The tokens of sentences as one row of `SEGMENT`, and the words with their counts."""
    tokens, lengths = tokenizer.tokens(lines)
    ids = tokens.indices.to_numpy()
    counts = np.bincount(ids, minlength=len(tokens.dictionary))
    columns = [
        pa.LargeListArray.from_arrays([0, len(tokens.dictionary)], tokens.dictionary),
        pa.LargeListArray.from_arrays([0, len(ids)], tokens.indices),
        pa.LargeListArray.from_arrays([0, len(lengths)], pa.array(lengths)),
    ]
    occurring = np.flatnonzero(counts)
    words = [tokens.dictionary.take(pa.array(occurring)), pa.array(counts[occurring])]
    return pa.record_batch(columns, schema=SEGMENT), pa.record_batch(words, schema=WORD_COUNT)


def word_partitions(words: pa.LargeBinaryArray, partitions: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The hash partition of each word."""
    return partition_of(
        np.fromiter(map(xxhash.xxh3_64_intdigest, words.to_pylist()), np.uint64, len(words)), partitions
    )


@dataclass(frozen=True)
class MergeWords:
    """Partition n adds up the counts of its words and sends on those that are frequent enough."""

    min_count: int

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Merge one partition's words."""
        table = merge_words(chunks)
        is_word = pc.not_equal(table["word"], UNKNOWN)
        is_frequent = pc.greater_equal(table["count"], self.min_count)
        frequent = table.filter(pc.and_(is_word, is_frequent)).combine_chunks()
        yield from (Send(0, batch) for batch in frequent.to_batches())
        known = pc.sum(frequent["count"]).as_py() or 0
        yield WordsMerged(table.num_rows, known)


@dataclass(frozen=True)
class WordsMerged(Result):
    """The words of one hash partition."""

    distinct: int
    known_tokens: int
    """Occurrences of those that the model has."""


@dataclass(frozen=True)
class NumberWords:
    """Its one partition puts the words of the model in order of their ids: count descending, then bytes."""

    work: str

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send]:
        """Write the vocabulary, which the next step reads in all its partitions."""
        table = pa.Table.from_batches(chunks, WORD_COUNT).combine_chunks()
        table = table.take(pc.sort_indices(table, sort_keys=[("count", "descending"), ("word", "ascending")]))
        write_stream(vocabulary_path(self.work), WORD_COUNT, table.combine_chunks().to_batches())
        yield from ()


def merge_words(chunks: Iterable[pa.RecordBatch]) -> pa.Table:
    """Add up the counts of equal words, merging whenever much is held; in no particular order."""
    parts = [WORD_COUNT.empty_table()]
    for chunk in chunks:
        parts.append(pa.Table.from_batches([chunk]))
        if len(parts) > 2 and sum(part.nbytes for part in parts) > max(MERGE_BYTES, 2 * parts[0].nbytes):
            parts = [_sum_words(parts)]
    return _sum_words(parts)


def _sum_words(parts: list[pa.Table]) -> pa.Table:
    table = pa.concat_tables(parts).combine_chunks()
    if table.num_rows == 0:
        return table
    words = table["word"].chunk(0).dictionary_encode()  # faster than Arrow's group_by
    # Sums of counts as floats are exact up to 2^53.
    counts = np.bincount(words.indices.to_numpy(), table["count"].to_numpy()).astype(np.int64)
    return pa.table([words.dictionary, pa.array(counts)], schema=WORD_COUNT)
