"""Bands on their way: packed by partition, and met again, against a dictionary."""

import itertools
import random
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts.schemas import DIGESTS
from malmoi_pipelines.contracts.streams import open_stream, read_stream
from malmoi_pipelines.dedupe import work_files
from malmoi_pipelines.dedupe.messages import BANDS, EXACT_EDGE, MEETING, file_of, from_chunks, locators, to_batch
from malmoi_pipelines.dedupe.near.bands import BandsSent, MeetBands, SendBands, band_blocks
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.partition import partition_of

from tests.pipelines.dedupe.conftest import recut

VALUES = np.random.default_rng(1).integers(0, 2**64, 24, np.uint64)
"""Few digests, so that many documents meet; spread over all partitions."""

BLOCKS = st.lists(  # of blocks, each of one file: (row, numbers of its digests)
    st.tuples(
        st.integers(0, 5),
        st.lists(
            st.tuples(st.integers(0, 2**16 - 1), st.lists(st.integers(0, 23), min_size=2, max_size=2, unique=True)),
            min_size=1,
            max_size=8,
            unique_by=lambda row: row[0],
        ).map(sorted),
    ),
    max_size=8,
    unique_by=lambda block: block[0],
)


def unpack(blocks: pa.RecordBatch) -> list[tuple[int, int]]:
    """The (digest, locator) pairs of rows of `BANDS`."""
    return [
        (digest, row["first"] + distance)
        for row in blocks.to_pylist()
        for digest, distance in zip(row["digests"], row["rows"], strict=True)
    ]


@pytest.mark.long
@given(BLOCKS, st.integers(1, 40), st.integers(0, 6), st.integers(0, 2**32))
@settings(max_examples=150)
def test_documents_meet_as_in_a_dictionary(blocks, partitions, first_old, seed):
    holders: dict[int, set[int]] = defaultdict(set)
    sent: dict[int, list[pa.RecordBatch]] = defaultdict(list)
    for file, documents in blocks:
        rows = np.array([row for row, _ in documents])
        digests = VALUES[[numbers for _, numbers in documents]]
        for row, values in zip(rows.tolist(), digests.tolist(), strict=True):
            for digest in values:
                holders[digest].add((file << 32) + row)
        first = (file << 32) + int(rows[0])
        batch, targets = band_blocks(first, rows - rows[0], digests, partitions)
        assert batch.schema == BANDS
        assert len(set(targets.tolist())) == batch.num_rows
        for place, target in enumerate(targets.tolist()):
            sent[target].append(batch.slice(place, 1))
            digests_there = np.array(batch.column("digests")[place].as_py(), np.uint64)
            assert (partition_of(digests_there, partitions) == target).all()
    expected = {
        (digest, document)
        for digest, found in holders.items()
        if len(found) > 1 and min(found) >> 32 < first_old
        for document in found
    }
    rng = random.Random(seed)
    met = []
    for partition, chunks in sent.items():
        for output in MeetBands(first_old)(partition, recut(chunks, rng)):
            assert isinstance(output, Send)
            columns = from_chunks([output.chunk], MEETING)
            assert (file_of(columns["locator"]) == output.partition).all()
            met += zip(columns["digest"].tolist(), columns["locator"].tolist(), strict=True)
    assert len(met) == len(set(met))
    assert set(met) == expected


def write_digests(work: str, file: int, rows: int, banded: np.ndarray, bands: int, batch: int) -> np.ndarray:
    """A work file of digests where only some rows have bands; returns them, uint64[banded, bands]."""
    digests = np.random.default_rng(2).integers(0, 2**64, (len(banded), bands), np.uint64)
    with open_stream(work_files.digests_path(work, file), DIGESTS.schema) as writer:
        for start in range(0, rows, batch):
            count = min(batch, rows - start)
            first, last = np.searchsorted(banded, [start, start + count])
            lengths = np.zeros(count, np.int32)
            lengths[banded[first:last] - start] = bands
            ends = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
            lists = pa.ListArray.from_arrays(ends, pa.array(digests[first:last].ravel()))
            zeros = pa.array(np.zeros(count, np.uint64))
            columns = [zeros, zeros, zeros, zeros, lists.cast(DIGESTS.schema.field("bands").type)]
            writer.write_batch(pa.record_batch(columns, schema=DIGESTS.schema))
    return digests


def sent_bands(work: str, file: int, partitions: int, edges: list[pa.RecordBatch]) -> tuple[list[Send], BandsSent]:
    outputs = list(SendBands(work, partitions)(file, edges))
    (result,) = [output for output in outputs if isinstance(output, BandsSent)]
    return [output for output in outputs if isinstance(output, Send)], result


@pytest.mark.parametrize("batch", [1000, 70_000])
@pytest.mark.parametrize("partitions", [1, 7])
def test_sparse_rows_of_a_large_file_keep_their_places(tmp_path, batch, partitions):
    rows, file = 300_000, 3
    rng = np.random.default_rng(3)
    banded = np.unique(np.concatenate([[2, 65_535, 65_536, 65_537, 65_538, 299_999], rng.integers(0, rows, 400)]))
    digests = write_digests(str(tmp_path), file, rows, banded, 3, batch)
    lost = np.concatenate([banded[5:50], [0, 1]])  # exact duplicates, some without bands
    lost = locators(file, 0, rows)[np.setdiff1d(lost, [2, 65_538])]
    elsewhere = locators(0, 5, 1)
    edges = to_batch(EXACT_EDGE, {"document": lost, "partner": np.repeat(elsewhere, len(lost))})
    sends, result = sent_bands(str(tmp_path), file, partitions, [edges])
    expected = {
        (digest, (file << 32) + row)
        for row, values in zip(banded.tolist(), digests.tolist(), strict=True)
        for digest in values
        if (file << 32) + row not in set(lost.tolist())
    }
    found = list(itertools.chain.from_iterable(unpack(send.chunk) for send in sends))
    assert len(found) == len(expected)
    assert set(found) == expected
    assert result.documents == len(expected) // 3
    assert from_chunks(read_stream(work_files.exact_path(str(tmp_path), file)), EXACT_EDGE)["document"].size == 0


def test_exact_duplicates_wait_with_their_survivor(tmp_path):
    write_digests(str(tmp_path), 1, 10, np.arange(10), 2, 10)
    here, there = locators(1, 0, 10), locators(2, 0, 10)
    edges = {"document": np.array([here[4], there[1], here[5]]), "partner": np.array([here[3], here[3], there[0]])}
    sends, _ = sent_bands(str(tmp_path), 1, 4, [to_batch(EXACT_EDGE, edges)])
    rows = {locator & 0xFFFFFFFF for send in sends for _, locator in unpack(send.chunk)}
    assert rows == {0, 1, 2, 3, 6, 7, 8, 9}
    kept = from_chunks(read_stream(work_files.exact_path(str(tmp_path), 1)), EXACT_EDGE)
    assert set(kept["document"].tolist()) == {int(here[4]), int(there[1])}


@pytest.mark.parametrize("partitions", [1, 64, 4096])
def test_bands_take_150_bytes_a_document_at_most(tmp_path, partitions):
    rows = 100_000
    write_digests(str(tmp_path), 0, rows, np.arange(rows), 14, 8192)
    sends, result = sent_bands(str(tmp_path), 0, partitions, [])
    assert result.documents == rows
    assert result.bytes / rows <= 150
    assert sum(send.chunk.nbytes for send in sends) / rows <= 150


@pytest.mark.parametrize("banded", [[], [5]])
def test_files_with_few_or_no_bands(tmp_path, banded):
    write_digests(str(tmp_path), 0, 20, np.array(banded, np.int64), 14, 6)
    sends, result = sent_bands(str(tmp_path), 0, 3, [])
    assert result.documents == len(banded)
    assert len({locator for send in sends for _, locator in unpack(send.chunk)}) == len(banded)


def test_buckets_of_earlier_corpora_alone_meet_nobody():
    digests = np.array([[VALUES[0]]], np.uint64)
    blocks = [band_blocks(file << 32, np.array([0]), digests, 1)[0] for file in (3, 4)]
    assert list(MeetBands(3)(0, blocks)) == []
    (send, *_) = MeetBands(4)(0, blocks)
    assert send.chunk.num_rows == 1
