"""Raw files of every kind for the clean tests, and reading them back."""

import bz2
import gzip
import io
import lzma

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from malmoi_pipelines.contracts import files
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.inputs import find_inputs
from malmoi_pipelines.raw.readers import read_blocks
from malmoi_pipelines.raw.tasks import FilePart


def jsonl(records):
    return b"".join(orjson.dumps(record) + b"\n" for record in records)


def _cut(data, parts):
    size = max(1, -(-len(data) // parts))
    return [data[start : start + size] for start in range(0, max(1, len(data)), size)]


def zstd(data, frames=1):
    return b"".join(zstandard.ZstdCompressor().compress(part) for part in _cut(data, frames))


def gz(data, members=1):
    return b"".join(gzip.compress(part, mtime=0) for part in _cut(data, members))


def bz(data, streams=1):
    return b"".join(bz2.compress(part, 1) for part in _cut(data, streams))  # the smallest blocks


def xz(data, streams=1):
    return b"".join(map(lzma.compress, _cut(data, streams)))


COMPRESS = {"": lambda data, _parts=1: data, ".gz": gz, ".zst": zstd, ".bz2": bz, ".xz": xz}


def parquet(table, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def arrow(table, rows=None):
    """An Arrow file with batches of so many rows; None: as the table has them."""
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
    return sink.getvalue()


def put(root, name, data):
    """Write a file below a folder of any filesystem; returns its path."""
    path = files.join(str(root), name)
    files.write_bytes(path, data)
    return path


def find(path, options=None):
    """The files that a path stands for."""
    return find_inputs([str(path)], lambda _source: options or ReadOptions()).files


def blocks(path, options=None, block_bytes=1 << 20, of=1):
    """The blocks of all files at a path, each read in `of` parts."""
    options = options or ReadOptions()
    parts = [FilePart(file, number, of) for file in find(path, options) for number in range(of)]
    return [block for part in parts for block in read_blocks(part, options, block_bytes)]


def rows(found):
    """Documents as (id, source, text, meta, line), bad lines as (line, reason, bytes)."""
    documents = [row for b in found for row in zip(b.ids, b.sources, b.texts, b.metas, b.lines, strict=True)]
    return documents, [(bad.line, bad.reason, bad.num_bytes) for block in found for bad in block.bad]


def read(path, options=None, block_bytes=1 << 20):
    """All documents and bad lines at a path, as `rows`."""
    return rows(blocks(path, options, block_bytes))


def texts(path, options=None):
    return [text for _, _, text, _, _ in read(path, options)[0]]
