"""Fingerprints: what a stage's output depends on, and nothing else."""

import os
from collections.abc import Iterable
from typing import Any

import orjson
import xxhash

from malmoi_pipelines.contracts import files


def canonical_json(value: Any) -> bytes:
    """The one JSON form of a value: sorted keys, no spaces, UTF-8."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def fingerprint(value: Any) -> str:
    """xxh3-128 of the canonical JSON of `value`, 32 hex digits.

    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    return xxhash.xxh3_128_hexdigest(canonical_json(value))


def fingerprint_files(paths: Iterable[str]) -> str:
    """Fingerprint of raw input files: name and content hash of each, in sorted order.

    A remote file is identified by the store's own checksum (etag, generation): reading 10 TB twice would add nothing.
    """
    entries = [(os.path.basename(path), content_identity(path)) for path in sorted(paths)]
    return fingerprint(entries)


def content_identity(path: str) -> str:
    """What stands for a raw file's content: its hash, or a remote store's own checksum."""
    if files.is_local(path) or path.startswith("memory://"):
        return files.hash_file(path)
    fs, inner = files.filesystem(path)
    return str(fs.checksum(inner))
