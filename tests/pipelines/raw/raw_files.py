"""Raw files of every kind for the clean tests, and reading them back."""

import gzip
import io

import orjson
import pyarrow.parquet as pq
import zstandard

from pipelines.contracts import files
from pipelines.raw.config import ReadOptions
from pipelines.raw.inputs import find_inputs
from pipelines.raw.readers import read_blocks


def jsonl(records):
    return b"".join(orjson.dumps(record) + b"\n" for record in records)


def _cut(data, parts):
    size = max(1, -(-len(data) // parts))
    return [data[start : start + size] for start in range(0, max(1, len(data)), size)]


def zstd(data, frames=1):
    return b"".join(zstandard.ZstdCompressor().compress(part) for part in _cut(data, frames))


def gz(data, members=1):
    return b"".join(gzip.compress(part, mtime=0) for part in _cut(data, members))


COMPRESS = {"": lambda data, _parts=1: data, ".gz": gz, ".zst": zstd}


def parquet(table, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def put(root, name, data):
    """Write a file below a folder of any filesystem; returns its path."""
    path = files.join(str(root), name)
    files.write_bytes(path, data)
    return path


def blocks(path, config=None, block_bytes=1 << 20):
    config = config or ReadOptions()
    return [block for file in find_inputs([str(path)]) for block in read_blocks(file, config, block_bytes)]


def read(path, config=None, block_bytes=1 << 20):
    """All documents as (id, source, text, meta, line), all bad lines as (line, reason, bytes)."""
    found = blocks(path, config, block_bytes)
    documents = [row for b in found for row in zip(b.ids, b.sources, b.texts, b.metas, b.lines, strict=True)]
    return documents, [(bad.line, bad.reason, bad.num_bytes) for block in found for bad in block.bad]


def texts(path, config=None):
    return [text for _, _, text, _, _ in read(path, config)[0]]
