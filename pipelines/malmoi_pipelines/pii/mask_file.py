"""Mask a file of JSON lines: every line stays, in its order, with every field."""

import contextlib
import gzip
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import zstandard

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.pii.config import MaskConfig
from malmoi_pipelines.pii.json_line import MaskedLine, mask_line
from malmoi_pipelines.raw.compression import DamagedFileError, read_chunks
from malmoi_pipelines.raw.file_start import what_is_wrong
from malmoi_pipelines.raw.formats import kind_of

LINES = ("jsonl", "json")
"""What is read line by line; of `.json` that is none, each line is masked as text."""


@dataclass
class MaskCounts:
    """What was done."""

    lines: int = 0
    changed: int = 0
    bytes: int = 0
    """Uncompressed bytes read."""
    masks: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(kind, rule) → masks put."""
    left: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(kind, rule) → found in keys and kept fields, where nothing is touched."""
    not_json: int = 0
    """Lines that are no JSON, masked as text."""
    invalid_utf8: int = 0
    """Lines with bytes that are no UTF-8, which stay; whatever else is in the line is masked."""


def mask_file(path: str, out: str, config: MaskConfig, *, overwrite: bool = False) -> MaskCounts:
    """Mask one file of JSON lines into another, which appears whole or not at all.

    Memory holds one line (and what a decompressor needs). Blank lines and line ends stay as they are.

    Args:
        path: a `.jsonl` file, plain or compressed.
        out: the file to write: plain, `.gz` or `.zst` by its name.
        config: what is masked, and where not.
        overwrite: replace `out` if it is there.

    Raises:
        UsageError: both are the same file, `out` exists, or a name tells no format that fits.
        BadInputError: the input is missing, truncated or corrupt; nothing is written.
    """
    compression = _check(path, out, overwrite)
    counts = MaskCounts()
    try:
        with files.atomic_write(out) as raw, _compressor(out, raw) as file:
            for line in _lines(read_chunks(path, compression)):
                file.write(_masked(line, config, counts))
    except DamagedFileError as error:
        cause = None if counts.lines else what_is_wrong(path, kind_of(path, None))
        raise BadInputError(
            f"{path} is damaged ({cause or error.reason}) behind line {counts.lines}; nothing was written.",
            hint="fetch the file again",
        ) from None
    return counts


def _check(path: str, out: str, overwrite: bool) -> Any:
    if not files.exists(path):
        raise BadInputError(f"there is no file {path}.")
    kind = kind_of(path, None)
    if kind.format not in LINES or kind_of(out, None).format not in LINES:
        raise UsageError(f"pii mask reads and writes JSON lines. Got {path} and {out}.", hint="name files .jsonl")
    if kind_of(out, None).compression not in _COMPRESSORS:
        raise UsageError(f"pii mask writes plain, .gz and .zst files. Got {out}.")
    if files.absolute(path) == files.absolute(out):
        raise UsageError(f"input and output are the same file: {path}.", hint="give --out another name")
    if files.exists(out) and not overwrite:
        raise UsageError(f"{out} exists.", hint="replace it with --overwrite, or give --out another name")
    return kind.compression


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines with their line feeds."""
    rest: list[bytes] = []  # pieces of the open line: a long one is not joined at every chunk
    for chunk in chunks:
        *whole, last = chunk.split(b"\n")
        for line in whole:
            yield b"".join([*rest, line, b"\n"])
            rest = []
        if last:
            rest.append(last)
    if rest:
        yield b"".join(rest)


def _masked(line: bytes, config: MaskConfig, counts: MaskCounts) -> bytes:
    counts.lines += 1
    counts.bytes += len(line)
    body = line.rstrip(b"\r\n")
    if not body.strip():
        return line
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode(errors="surrogateescape")
        counts.invalid_utf8 += 1
    result: MaskedLine = mask_line(text, config, config.keep)
    counts.not_json += not result.is_json
    counts.masks.update((span.kind, span.rule) for span in result.spans)
    counts.left.update((span.kind, span.rule) for span in result.left)
    if not result.spans:
        return line
    counts.changed += 1
    return result.text.encode(errors="surrogateescape") + line[len(body) :]


@contextlib.contextmanager
def _compressor(out: str, raw: Any) -> Iterator[Any]:
    with _COMPRESSORS[kind_of(out, None).compression](raw) as file:
        yield file


_COMPRESSORS: dict[str, Callable[[Any], Any]] = {
    "": contextlib.nullcontext,
    "gz": lambda raw: gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0),  # no name, no clock
    "zst": lambda raw: zstandard.ZstdCompressor().stream_writer(raw, closefd=False),
}
