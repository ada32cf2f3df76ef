"""Reading a file as a stream, decompressed, with damage noticed.

Libraries' stream readers take a cut file for a whole one. Several frames or members behind each other are one file. NUL
bytes between and behind the members of gzip and the streams of xz are legal padding (gzip manual, "Tapes"; the .xz file
format, section 2.2).
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import zstandard

from malmoi_pipelines.contracts import files
from malmoi_pipelines.raw.formats import Compression

FEED_BYTES = 16 << 10  # compressed bytes a step
OUTPUT_BYTES = 1 << 20  # most bytes that one call may unfold to, where the library can be told
ZSTD_FEED_BYTES = 4 << 10  # zstandard cannot: 4 bytes may stand for a block of 128 KiB, so this for 128 MiB
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
        return read_range(path, 0, None)
    return _decompress(path, _CODECS[compression])


def read_range(path: str, first: int, end: int | None) -> Iterator[bytes]:
    """The bytes of a file from `first` up to `end` (None: to its end) as they are stored, in pieces."""
    with files.open_read(path) as file:
        if first:
            file.seek(first)
        left = end - first if end is not None else None
        while block := file.read(files.READ_SIZE if left is None else min(files.READ_SIZE, left)):
            left = left if left is None else left - len(block)
            yield block


class _Codec(NamedTuple):
    """One kind of compression."""

    new_frame: Callable[[], Any]
    """An object with `eof`, `unused_data` and the method that `unfold` calls."""
    unfold: Callable[[Any, bytes], Iterator[bytes]]
    errors: tuple[type[Exception], ...]
    feed_bytes: int
    padded: bool
    """NUL bytes may follow a frame."""


def _decompress(path: str, codec: _Codec) -> Iterator[bytes]:
    frame = None
    padding = False
    for block in read_range(path, 0, None):
        for start in range(0, len(block), codec.feed_bytes):
            piece = block[start : start + codec.feed_bytes]
            while piece := piece.lstrip(b"\0") if padding else piece:  # the rest is the next frame's
                frame = frame or codec.new_frame()
                padding = False
                try:
                    yield from codec.unfold(frame, piece)
                except codec.errors:
                    raise DamagedFileError(CORRUPT) from None
                piece = frame.unused_data if frame.eof else b""
                if frame.eof:
                    frame, padding = None, codec.padded
    if frame is not None:
        raise DamagedFileError(TRUNCATED)


def _unfold_zlib(frame: Any, piece: bytes) -> Iterator[bytes]:
    full = False
    while piece or full:
        data = frame.decompress(piece, OUTPUT_BYTES)
        full = len(data) == OUTPUT_BYTES  # more may be waiting although all input is taken
        if data:
            yield data
        piece = frame.unconsumed_tail


def _unfold_bounded(frame: Any, piece: bytes) -> Iterator[bytes]:
    """As `bz2` and `lzma` do it."""
    while True:
        if data := frame.decompress(piece, OUTPUT_BYTES):
            yield data
        if frame.eof or frame.needs_input:
            return
        piece = b""


def _unfold_zstd(frame: Any, piece: bytes) -> Iterator[bytes]:
    if data := frame.decompress(piece):
        yield data


_CODECS: dict[Compression, _Codec] = {
    "gz": _Codec(lambda: zlib.decompressobj(wbits=31), _unfold_zlib, (zlib.error,), FEED_BYTES, padded=True),
    "zst": _Codec(
        lambda: zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj(),
        _unfold_zstd,
        (zstandard.ZstdError,),
        ZSTD_FEED_BYTES,
        padded=False,
    ),
    "bz2": _Codec(bz2.BZ2Decompressor, _unfold_bounded, (OSError,), FEED_BYTES, padded=False),
    "xz": _Codec(
        lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ), _unfold_bounded, (lzma.LZMAError,), FEED_BYTES, padded=True
    ),
}
