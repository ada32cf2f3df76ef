"""Reading a file as a stream, decompressed, with damage noticed.

Libraries' stream readers take a cut file for a whole one. Several frames or members behind each other are one file. NUL
bytes between and behind the members of gzip and the streams of xz are legal padding (gzip manual, "Tapes"; the .xz file
format, section 2.2).
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

import zstandard

from malmoi_pipelines.contracts import files
from malmoi_pipelines.raw.formats import Compression

FEED_BYTES = 16 << 10  # compressed bytes a step
OUTPUT_BYTES = 1 << 20  # most bytes that one call may unfold to, where the library can be told
ZSTD_FEED_BYTES = 4 << 10  # zstandard cannot: 4 bytes may stand for a block of 128 KiB, so this for 128 MiB
MAX_WINDOW = 1 << 31  # files made with `zstd --long=31` are legal

MAGIC: dict[Compression, bytes] = {
    "gz": b"\x1f\x8b\x08",
    "zst": b"\x28\xb5\x2f\xfd",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
}
"""With what a frame or member begins."""

TRUNCATED = "truncated_file"
CORRUPT = "corrupt_file"


class DamagedFileError(Exception):
    """Raised after the last readable bytes of a file."""

    def __init__(self, reason: str, lost_bytes: int = 0, frame: int = 0, frames: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        """`TRUNCATED` or `CORRUPT`."""
        self.lost_bytes = lost_bytes
        """Stored bytes behind the damage; of a file whose end is missing all, since nobody knows how much is."""
        self.frame = frame
        """Stored byte where the frame or member begins that is damaged."""
        self.frames = frames
        """Whole frames that were read before it."""


def read_chunks(path: str, compression: Compression, first: int = 0) -> Iterator[bytes]:
    """The uncompressed bytes of a file, in pieces.

    Compressed files may hold several frames or members. A file of zero bytes is empty, whatever its name says.

    Args:
        path: of the file.
        compression: of the file.
        first: stored byte from which it is read; of a compressed file one where a frame begins.

    Raises:
        DamagedFileError: after everything before the damage has been given, what a wrong checksum is for with it.
    """
    if not compression:
        return read_range(path, first, None)
    return _decompress(path, _CODECS[compression], first)


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


def _decompress(path: str, codec: _Codec, first: int) -> Iterator[bytes]:
    frame = None
    padding = False
    begun, frames = first, 0
    for at, fed in _pieces(path, codec, first, None):
        piece, end = fed, at + len(fed)
        while piece := piece.lstrip(b"\0") if padding else piece:  # the rest is the next frame's
            if frame is None:
                frame, begun = codec.new_frame(), end - len(piece)
            padding = False
            given = 0
            try:
                for data in codec.unfold(frame, piece):
                    given += len(data)
                    yield data
            except codec.errors:
                damage = yield from _before_damage(path, codec, begun, end - len(piece), piece, given)
                raise DamagedFileError(CORRUPT, files.size(path) - damage, begun, frames) from None
            piece = frame.unused_data if frame.eof else b""
            if frame.eof:
                frame, padding, frames = None, codec.padded, frames + 1
    if frame is not None:
        raise DamagedFileError(TRUNCATED, files.size(path), begun, frames)


def _pieces(path: str, codec: _Codec, first: int, end: int | None) -> Iterator[tuple[int, bytes]]:
    """The stored bytes of a file as they are fed to a decompressor, with the place of each piece."""
    at = first
    for block in read_range(path, first, end):
        for start in range(0, len(block), codec.feed_bytes):
            yield at + start, block[start : start + codec.feed_bytes]
        at += len(block)


def _before_damage(
    path: str, codec: _Codec, begun: int, at: int, piece: bytes, given: int
) -> Generator[bytes, None, int]:
    """What a damaged piece unfolds to before the damage: libraries throw it away with their error.

    The frame is read again from where it begins, and the piece byte by byte. Only damaged files pay for it.

    Args:
        path: of the file.
        codec: of the file.
        begun: stored byte where the frame begins.
        at: stored byte where the piece begins.
        piece: the damaged piece.
        given: the bytes of it that were given already.

    Returns:
        The stored byte behind the last that could be read.
    """
    frame = codec.new_frame()
    for _, whole in _pieces(path, codec, begun, at):
        for _ in codec.unfold(frame, whole):
            pass
    for number in range(len(piece)):
        try:
            for data in codec.unfold(frame, piece[number : number + 1]):
                yield data[given:]
                given = max(0, given - len(data))
        except codec.errors:
            return at + number
    return at + len(piece)


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
