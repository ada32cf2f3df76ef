"""Cutting a stream of bytes into blocks of whole lines, in bounded memory and the same way for any chunks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.raw.compression import DamagedFileError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class LineBlock:
    """Consecutive lines of a file."""

    first: int
    """Number of the first line, from 1."""
    lines: list[bytes]
    """Without their line ends."""
    lost: int = 0
    """Bytes of the last line (or of `rest`) that were not kept, because it is longer than any line may be."""
    damage: str | None = None
    """Why the file cannot be read further; None if it can, or ends."""
    rest: bytes = b""
    """With `damage`: what could be read of the line after `lines`."""


def cut_lines(chunks: Iterable[bytes], block_bytes: int, max_line_bytes: int) -> Iterator[LineBlock]:
    """Cut a stream into blocks of lines.

    A block ends with the first line that brings it to `block_bytes`; at most `block_bytes + max_line_bytes` are held.

    Args:
        chunks: the stream; a `DamagedFileError` ends it and is noted in the last block.
        block_bytes: bytes a block, line ends included.
        max_line_bytes: of a longer line the end is not kept.
    """
    cutter = _Cutter(block_bytes, max_line_bytes)
    damage = None
    try:
        for chunk in chunks:
            yield from cutter.add(chunk)
    except DamagedFileError as error:
        damage = error.reason
    yield from cutter.finish(damage)


class _Cutter:
    def __init__(self, block_bytes: int, max_line_bytes: int) -> None:
        self._block_bytes = block_bytes
        self._hold = block_bytes + max_line_bytes
        self._buffer = bytearray()
        self._searched = block_bytes - 1  # no line end that could close the block comes before this position
        self._lost = 0
        self._line = 1
        self._started = False

    def add(self, chunk: bytes) -> Iterator[LineBlock]:
        self._buffer += chunk
        if not self._started and len(self._buffer) >= len(BYTE_ORDER_MARK):
            self._start()
        while (end := self._buffer.find(b"\n", self._searched)) >= 0:
            yield self._take(end)
        self._searched = max(self._searched, len(self._buffer))
        if (excess := len(self._buffer) - self._hold) > 0:
            # The open line began before `block_bytes`, so what is held of it already exceeds the longest line.
            del self._buffer[self._hold :]
            self._lost += excess
            self._searched = self._hold

    def finish(self, damage: str | None) -> Iterator[LineBlock]:
        self._start()
        if self._buffer or damage:
            yield self._take(len(self._buffer), damage)

    def _start(self) -> None:
        if not self._started and self._buffer.startswith(BYTE_ORDER_MARK):
            del self._buffer[: len(BYTE_ORDER_MARK)]
        self._started = True

    def _take(self, end: int, damage: str | None = None) -> LineBlock:
        lines = bytes(self._buffer[:end]).split(b"\n")
        block = LineBlock(self._line, lines, self._lost, damage, lines.pop() if damage else b"")
        del self._buffer[: end + 1]
        self._line += len(lines)
        self._lost = 0
        self._searched = self._block_bytes - 1
        return block
