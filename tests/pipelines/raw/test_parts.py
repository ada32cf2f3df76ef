"""The parts of a file hold what the whole file holds, wherever it is cut, and read no more than they own."""

import contextlib
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts import files
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.readers import read_blocks
from malmoi_pipelines.raw.tasks import FilePart

from tests.pipelines.raw.raw_files import arrow, blocks, find, parquet, put, rows

OPTIONS = ReadOptions(max_line_bytes=60)
LINES = [
    b"",
    b"   ",
    b"\xef\xbb\xbf",
    b'{"text": "one"}',
    '{"id": "b", "text": "둘", "page": 2}'.encode(),
    b'{"text": "CRLF"}\r',
    b'\xef\xbb\xbf{"text": "marked"}',
    b'{"text": "broken',
    b'{"text": "\xed\x95"}',
    b'{"text": "' + b"long" * 30 + b'"}',
    b"[1, 2]",
    b"\r",
]
contents = st.tuples(st.lists(st.sampled_from(LINES), max_size=12), st.booleans()).map(
    lambda drawn: b"\n".join(drawn[0]) + (b"\n" if drawn[1] else b"")
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("parts")


def placed(found, data):
    """Documents in order and bad lines by line, both with their line number in the whole file."""
    documents, bad = [], []
    for block in found:
        before = data[: block.start].count(b"\n")
        columns = (block.ids, block.sources, block.texts, block.metas, block.given)
        documents += zip([before + line for line in block.lines], *columns, strict=True)
        bad += [(before + bad.line, bad.reason, bad.raw, bad.num_bytes) for bad in block.bad]
    return documents, sorted(bad)


def without_lines(found):
    documents = [document[:-1] for document in rows(found)[0]]
    return documents, [(bad.reason, bad.raw, bad.num_bytes) for block in found for bad in block.bad]


@pytest.mark.long
@pytest.mark.parametrize("name", ["a.jsonl", "a.txt"])
@settings(max_examples=300)
@given(data=contents, of=st.integers(1, 40), block_bytes=st.integers(1, 100))
def test_parts_of_lines_hold_what_the_file_holds(folder, name, data, of, block_bytes):
    path = put(folder, f"lines/{name}", data)
    found = blocks(path, OPTIONS, block_bytes, of)
    assert placed(found, data) == placed(blocks(path, OPTIONS), data)
    assert all(block.start == 0 or data[block.start - 1 : block.start] == b"\n" for block in found)


@pytest.mark.long
@settings(max_examples=100)
@given(
    counts=st.lists(st.integers(0, 5), max_size=9),
    of=st.integers(1, 12),
    block_bytes=st.integers(1, 200),
    null=st.integers(0, 20),
)
def test_parts_of_parquet_hold_what_the_file_holds(folder, counts, of, block_bytes, null):
    texts = [f"글 {n}" if n != null else None for n in range(sum(counts))]
    table = pa.table({"text": pa.array(texts, pa.string())})
    path = put(folder, "tables/a.parquet", parquet(table, row_group_size=3))
    documents, bad = rows(blocks(path, None, block_bytes, of))
    assert [(text, line) for _, _, text, _, line in documents] == [
        (t, n) for n, t in enumerate(texts, 1) if t is not None
    ]
    assert bad == [(n, "missing_text", len(b'{"text":null}')) for n, t in enumerate(texts, 1) if t is None]


def ipc(writer, counts, null=-1):
    """An Arrow file or stream with record batches of so many rows."""
    sink = io.BytesIO()
    schema = pa.schema({"text": pa.string()})
    with writer(sink, schema) as target:
        row = 0
        for count in counts:
            texts = [f"글 {n}" if n != null else None for n in range(row, row + count)]
            target.write_batch(pa.record_batch([pa.array(texts, pa.string())], schema=schema))
            row += count
    return sink.getvalue()


@pytest.mark.long
@pytest.mark.parametrize("writer", [pa.ipc.new_file, pa.ipc.new_stream])
@settings(max_examples=100)
@given(counts=st.lists(st.integers(0, 5), max_size=9), of=st.integers(1, 12), block_bytes=st.integers(1, 200))
def test_parts_of_arrow_hold_what_the_file_holds(folder, writer, counts, of, block_bytes):
    data = ipc(writer, counts, null=4)
    path = put(folder, "tables/a.arrow", data)
    found = blocks(path, None, block_bytes, of)
    assert without_lines(found) == without_lines(blocks(path))
    for block in found:  # the rows are counted from the record batch that begins at `start`
        if block.start:
            batch = pa.ipc.read_record_batch(
                pa.ipc.read_message(pa.BufferReader(data[block.start :])), pa.schema({"text": pa.string()})
            )
            named = dict(enumerate(batch.column(0).to_pylist(), 1))
            assert all(named.get(line, text) == text for line, text in zip(block.lines, block.texts, strict=True))


class Watched:
    """A file that notes which bytes are read."""

    def __init__(self, file, spans):
        self._file = file
        self._spans = spans

    def __getattr__(self, name):
        return getattr(self._file, name)

    def read(self, size=-1):
        start = self._file.tell()
        data = self._file.read(size)
        self._spans.append((start, start + len(data)))
        return data


def spans_read(monkeypatch, part):
    spans = []
    opened = files.open_read

    @contextlib.contextmanager
    def watched(path):
        with opened(path) as file:
            yield Watched(file, spans)

    with monkeypatch.context() as patch:
        patch.setattr(files, "open_read", watched)
        list(read_blocks(part, ReadOptions()))
    return spans


@pytest.mark.parametrize("line_bytes", [100, 900_000])
def test_a_part_of_lines_reads_its_own_bytes_only(tmp_path, monkeypatch, line_bytes):
    monkeypatch.setattr(files, "READ_SIZE", 1000)
    line = b'{"text": "' + b"x" * line_bytes + b'"}\n'
    [file] = find(put(tmp_path, "a.jsonl", line * (2_000_000 // len(line) + 1)))
    part = FilePart(file, 3, 10)
    spans = spans_read(monkeypatch, part)
    assert min(start for start, _ in spans) >= part.first_byte - 1
    # The last own line ends one line behind the share; then at most one read is too long.
    assert max(end for _, end in spans) <= part.end_byte + len(line) + 1000


def test_a_part_within_one_line_reads_no_more_than_its_share(tmp_path, monkeypatch):
    [file] = find(put(tmp_path, "a.jsonl", b'{"text": "' + b"x" * 100_000))
    part = FilePart(file, 3, 10)
    spans = spans_read(monkeypatch, part)
    assert (min(spans)[0], max(end for _, end in spans)) == (part.first_byte - 1, part.end_byte - 1)
    assert rows(list(read_blocks(part, ReadOptions()))) == ([], [])


@pytest.mark.parametrize(("name", "make"), [
    ("a.parquet", lambda table: parquet(table, row_group_size=100, compression="none", use_dictionary=False)),
    ("a.arrow", lambda table: arrow(table, rows=100)),
])  # fmt: skip
def test_a_part_of_a_table_reads_its_share_and_the_footer(tmp_path, monkeypatch, name, make):
    data = make(pa.table({"text": [f"{n:06d}" * 200 for n in range(1000)]}))
    [file] = find(put(tmp_path, name, data))
    for number in (0, 4, 9):
        spans = spans_read(monkeypatch, FilePart(file, number, 10))
        assert sum(end - start for start, end in spans) < len(data) * 0.25


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
@pytest.mark.fault("broken input")
def test_a_table_whose_end_is_missing_is_one_failure_in_any_number_of_parts(tmp_path, name):
    table = pa.table({"text": [f"{n:06d}" * 20 for n in range(1000)]})
    data = parquet(table) if name == "a.parquet" else arrow(table, rows=100)
    path = put(tmp_path, name, data[: len(data) * 3 // 4])
    for of in (1, 7):
        documents, bad = rows(blocks(path, of=of))
        assert len(bad) == 1
        assert len(documents) == (0 if name == "a.parquet" else 700)


@pytest.mark.fault("broken input")
def test_damage_in_the_middle_of_a_table_costs_its_row_group_in_any_number_of_parts(tmp_path):
    table = pa.table({"text": [f"{n:06d}" * 200 for n in range(1000)]})
    data = bytearray(parquet(table, row_group_size=100, compression="zstd", use_dictionary=False))
    offset = pq.read_metadata(pa.BufferReader(bytes(data))).row_group(4).column(0).data_page_offset
    data[offset : offset + 200] = b"\xff" * 200
    path = put(tmp_path, "a.parquet", bytes(data))
    for of in (1, 5, 10):
        documents, bad = rows(blocks(path, of=of))
        assert [line for *_, line in documents] == [*range(1, 401), *range(501, 1001)]
        assert bad == [(line, "corrupt_file", 0) for line in range(401, 501)]
