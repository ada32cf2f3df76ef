r"""Reading ARPA files, plain or gzip, a block of lines at a time.

The grammar is kenlm's: comments and blank lines, `\data\`, the number of n-grams of each order, then a section each:
log10 probability, tab, words with a space between them, and unless it is the longest order a tab and a back-off weight.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.arrays import I64
from malmoi_pipelines.raw.compression import read_chunks

F32 = npt.NDArray[np.float32]
BLOCK_BYTES = 8 << 20
GZIP = b"\x1f\x8b"
_COUNT = re.compile(rb"ngram +(\d+) *= *(\d+)")
_LINE_ENDS = "\r\n"


class ArpaError(ValueError):
    """What was read is no ARPA file."""


class NgramBlock(NamedTuple):
    """Some n-grams of one order."""

    order: int
    words: pa.LargeBinaryArray
    """`order` words of the first n-gram, then of the second, and so on."""
    log_p: F32
    """log10 probabilities."""
    log_backoff: F32
    """log10 back-off weights, 0 where there is none."""


def read_arpa(path: str) -> Iterator[NgramBlock]:
    """The n-grams of a file, unigrams first; of each order at least one block, be it empty.

    Raises:
        ArpaError: it is none, or is damaged.
        DamagedFileError: its compression is damaged.
    """
    lines = _Lines(read_chunks(path, "gz" if starts_with(path, GZIP) else ""))
    counts = _read_counts(lines)
    for order, count in enumerate(counts, 1):
        if lines.next_filled() != b"\\%d-grams:" % order:
            raise ArpaError(f"the section of {order}-grams is missing")
        for block in lines.blocks(count):
            yield _parse(block, order, longest=order == len(counts))
    if lines.next_filled() != b"\\end\\":
        raise ArpaError("the end is missing")


def starts_with(path: str, magic: bytes) -> bool:
    """Whether a file begins with some bytes."""
    with files.open_read(path) as file:
        return bool(file.read(len(magic)) == magic)


def _read_counts(lines: "_Lines") -> list[int]:
    """How many n-grams there are of each order."""
    line = lines.next_filled()
    while line.startswith(b"#"):
        line = lines.next_filled()
    if line != b"\\data\\":
        raise ArpaError("the heading \\data\\ is missing")
    counts: list[int] = []
    while line := lines.next():
        match = _COUNT.fullmatch(line)
        if match is None or int(match[1]) != len(counts) + 1:
            raise ArpaError("the numbers of n-grams cannot be read")
        counts.append(int(match[2]))
    if len(counts) < 2:
        raise ArpaError("a model has at least bigrams")
    return counts


class _Lines:
    """The lines of a stream: one by one for headings, in blocks for rows."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._data = b""
        self._starts: I64 = np.zeros(1, np.int64)  # where each line of the data starts, and where the last one ends
        self._next = 0

    def _fill(self) -> None:
        """Read on until there is a whole line.

        Raises:
            ArpaError: the file ends.
        """
        if self._next < len(self._starts) - 1:
            return
        rest = self._data[self._starts[-1] :]
        pieces, size, whole = [rest], len(rest), False
        for chunk in self._chunks:
            pieces.append(chunk)
            size += len(chunk)
            whole = whole or b"\n" in chunk
            if whole and size >= BLOCK_BYTES:
                break
        self._data = b"".join(pieces)
        ends = np.flatnonzero(np.frombuffer(self._data, np.uint8) == ord("\n")) + 1
        if not len(ends):
            raise ArpaError("the file ends too early")
        self._starts, self._next = np.concatenate([np.zeros(1, np.int64), ends]), 0

    def next(self) -> bytes:
        """The next line, without white space around it."""
        self._fill()
        start, end = self._starts[self._next : self._next + 2].tolist()
        self._next += 1
        return self._data[start:end].strip()

    def next_filled(self) -> bytes:
        """The next line that is not blank."""
        while not (line := self.next()):
            pass
        return line

    def blocks(self, count: int) -> Iterator[pa.LargeStringArray]:
        """The next `count` lines, without their ends. Their type says text, but nobody has checked it."""
        if not count:
            yield pa.array([], pa.large_string())
        while count:
            self._fill()
            starts = self._starts[self._next : self._next + count + 1]
            taken = len(starts) - 1
            bounds, data = pa.py_buffer(np.ascontiguousarray(starts)), pa.py_buffer(self._data)
            yield pc.ascii_rtrim(pa.LargeStringArray.from_buffers(taken, bounds, data), _LINE_ENDS)
            self._next += taken
            count -= taken


def _parse(lines: pa.LargeStringArray, order: int, longest: bool) -> NgramBlock:
    """The columns of rows."""
    fields = pc.split_pattern(lines, "\t")
    lengths = fields.value_lengths().to_numpy()
    if not np.isin(lengths, (2, 3)).all():
        raise ArpaError(f"a {order}-gram has not two or three columns")
    flat, starts = fields.flatten(), fields.offsets.to_numpy()[:-1]
    has_backoff = lengths == 3
    backoff = np.zeros(len(lines), np.float32)
    backoff[has_backoff] = _numbers(flat, starts[has_backoff] + 2)
    words = flat.take(pa.array(starts + 1)).cast(pa.large_binary())
    if order > 1:
        spelled = pc.split_pattern(words, b" ")
        if (spelled.value_lengths().to_numpy() != order).any():
            raise ArpaError(f"a {order}-gram has not {order} words")
        words = spelled.flatten()
    log_p = _numbers(flat, starts)
    if not (log_p <= 0).all() or not np.isfinite(backoff).all() or (longest and backoff.any()):
        raise ArpaError(f"a {order}-gram has a number that cannot be")
    return NgramBlock(order, words, log_p, backoff)


def _numbers(fields: pa.LargeStringArray, rows: I64) -> F32:
    try:
        return fields.take(pa.array(rows)).cast(pa.float32()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:  # its message would quote the file
        raise ArpaError("a number cannot be read") from None
