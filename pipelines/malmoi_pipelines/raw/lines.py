"""Cutting a stream of bytes into blocks of whole lines, in bounded memory and the same way for any chunks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from malmoi_pipelines.raw.compression import DamagedFileError, read_chunks, read_range
from malmoi_pipelines.raw.tasks import FilePart

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class CutLines:
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
    lost_stored: int = 0
    """With `damage`: the stored bytes that are lost by it."""
    open_end: bool = False
    """Whether the stream ends in its last line, without a line end."""


def own_lines(part: FilePart) -> tuple[int, Iterator[bytes]]:
    """The lines that begin in a part's share of a file: the byte where the first of them begins, and their bytes.

    Nothing but these lines is read, and what comes before the first of them in the share.
    """
    file = part.file
    if part.of == 1:
        return 0, read_chunks(file.path, file.compression)
    start = _line_start(file.path, part.first_byte, part.end_byte)
    if start is None:
        return 0, iter(())
    return start, _to_line_end(read_range(file.path, start, None), part.end_byte - start)


def _line_start(path: str, first: int, end: int) -> int | None:
    """Where the first line begins that begins in `first` .. `end`."""
    if first == 0:
        return 0 if end else None
    position = first - 1  # a line begins behind a line end
    for chunk in read_range(path, position, end - 1):
        if (found := chunk.find(b"\n")) >= 0:
            return position + found + 1
        position += len(chunk)
    return None


def _to_line_end(chunks: Iterator[bytes], num_bytes: int) -> Iterator[bytes]:
    """At least `num_bytes` of a stream, up to and with the line end that ends the line there."""
    for chunk in chunks:
        if num_bytes <= len(chunk) and (end := chunk.find(b"\n", max(0, num_bytes - 1))) >= 0:
            yield chunk[: end + 1]
            return
        yield chunk
        num_bytes -= len(chunk)


def cut_lines(
    chunks: Iterable[bytes], block_bytes: int, max_line_bytes: int, *, from_start: bool = True
) -> Iterator[CutLines]:
    """Cut a stream into blocks of lines.

    A block ends with the first line that brings it to `block_bytes`; at most `block_bytes + max_line_bytes` are held.

    Args:
        chunks: the stream; a `DamagedFileError` ends it and is noted in the last block.
        block_bytes: bytes a block, line ends included.
        max_line_bytes: of a longer line the end is not kept.
        from_start: whether the stream is the start of a file, where a byte order mark may stand.
    """
    cutter = _Cutter(block_bytes, max_line_bytes)
    damage: DamagedFileError | None = None
    try:
        for chunk in _without_mark(chunks) if from_start else chunks:
            yield from cutter.add(chunk)
    except DamagedFileError as error:
        damage = error
    yield from cutter.finish(damage)


def _without_mark(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A stream without the byte order mark at its start."""
    rest = iter(chunks)
    head = b""
    try:
        while len(head) < len(BYTE_ORDER_MARK) and (chunk := next(rest, None)) is not None:
            head += chunk
    except DamagedFileError:
        yield head.removeprefix(BYTE_ORDER_MARK)
        raise
    yield head.removeprefix(BYTE_ORDER_MARK)
    yield from rest


class _Cutter:
    """Gathers pieces of a block; looking at each byte once, and copying it once."""

    def __init__(self, block_bytes: int, max_line_bytes: int) -> None:
        self._block_bytes = block_bytes
        self._hold = block_bytes + max_line_bytes
        self._pieces: list[bytes] = []
        self._held = 0
        self._lost = 0
        self._line = 1

    def add(self, chunk: bytes) -> Iterator[CutLines]:
        position = 0
        # The block is closed by the first line end that brings it to its size.
        while (end := chunk.find(b"\n", position + max(0, self._block_bytes - 1 - self._held))) >= 0:
            self._keep(chunk, position, end)
            yield self._take()
            position = end + 1
        self._keep(chunk, position, len(chunk))

    def finish(self, damage: DamagedFileError | None) -> Iterator[CutLines]:
        if self._held or damage:
            yield self._take(damage, final=True)

    def _keep(self, chunk: bytes, start: int, end: int) -> None:
        # Above what is held, the open line began before `block_bytes`, so what is held of it exceeds the longest line.
        kept = min(end, start + self._hold - self._held)
        self._pieces.append(chunk[start:kept])
        self._held += kept - start
        self._lost += end - kept

    def _take(self, damage: DamagedFileError | None = None, *, final: bool = False) -> CutLines:
        lines = b"".join(self._pieces).split(b"\n")
        block = CutLines(self._line, lines, self._lost)
        if damage is not None:
            block = replace(block, damage=damage.reason, rest=lines.pop(), lost_stored=damage.lost_bytes)
        elif final:
            block = replace(block, open_end=bool(lines[-1]))
        self._line += len(lines)
        self._pieces, self._held, self._lost = [], 0, 0
        return block
