"""Decompressing a file as a stream, with damage noticed: libraries' stream readers take a cut file for a whole one."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import zstandard

from pipelines.contracts import files
from pipelines.raw.inputs import Compression

FEED_BYTES = 16 << 10  # compressed bytes a step, so that a file that is one long repetition unfolds in small pieces
MAX_WINDOW = 1 << 31  # files made with `zstd --long=31` are legal

TRUNCATED = "truncated_file"
CORRUPT = "corrupt_file"


class DamagedFileError(Exception):
    """Raised after the last readable bytes of a file; `reason` is `TRUNCATED` or `CORRUPT`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_chunks(path: str, compression: Compression) -> Iterator[bytes]:
    """The uncompressed bytes of a file, in pieces.

    Compressed files may hold several frames or members. A file of zero bytes is empty, whatever its name says.

    Raises:
        DamagedFileError: after everything before the damage has been given.
    """
    if not compression:
        return _read(path, files.READ_SIZE)
    return _GUARDS[compression](_read(path, FEED_BYTES))


def _read(path: str, num_bytes: int) -> Iterator[bytes]:
    with files.open_read(path) as file:
        while block := file.read(files.READ_SIZE):
            yield from (block[start : start + num_bytes] for start in range(0, len(block), num_bytes))


def _decompress(pieces: Iterator[bytes], new_frame: Callable[[], Any]) -> Iterator[bytes]:
    """Frame after frame; both libraries' objects have `decompress`, `eof` and `unused_data`."""
    frame = None
    for piece in pieces:
        while piece:
            if frame is None:
                frame = new_frame()
            if data := frame.decompress(piece):
                yield data
            piece = frame.unused_data if frame.eof else b""  # noqa: PLW2901  # the rest belongs to the next frame
            if frame.eof:
                frame = None
    if frame is not None:
        raise DamagedFileError(TRUNCATED)


def _zstd(pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from _decompress(pieces, zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj)
    except zstandard.ZstdError:
        raise DamagedFileError(CORRUPT) from None


def _gzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from _decompress(pieces, lambda: zlib.decompressobj(wbits=31))
    except zlib.error:
        raise DamagedFileError(CORRUPT) from None


_GUARDS: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {"gz": _gzip, "zst": _zstd}
