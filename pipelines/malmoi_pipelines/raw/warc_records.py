r"""The records of a WARC file, of which one that is broken costs itself only.

A record is a head, `Content-Length` bytes and two line ends (WARC 1.1, section 4). Where they are not there, or the
next record is not behind them, the length is wrong, and the next record is looked for: a line that is `WARC/1.1`.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from malmoi_pipelines.raw.compression import CORRUPT, TRUNCATED
from malmoi_pipelines.raw.members import Gap

BEGIN = b"WARC/"
WRONG_LENGTH = "wrong_length"
MAX_HEAD = 1 << 20  # bytes of a record's head
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_NEXT = re.compile(rb"(?:\r?\n){1,2}(?=WARC/\d\.\d\r?\n)")
_LINE_ENDS = re.compile(rb"[\r\n]+")
_OVERLAP = 32  # bytes: a place that `_NEXT` finds is shorter


class Record(NamedTuple):
    """A record that is whole."""

    headers: dict[str, str]
    """Their names in lower case: they count in any."""
    content: bytes
    """Its first bytes, as many as are wanted."""
    length: int
    """Of all of it."""


class Broken(NamedTuple):
    """In the place of a record that is not whole, or of what is none."""

    reason: str
    raw: bytes = b""
    """What can be read of it, its first bytes."""
    lost: int = 0
    """Bytes of it that were read and not kept."""
    gap: Gap | None = None
    """Where the file is damaged."""


def read_records(chunks: Iterator[bytes | Gap], limit: int) -> Iterator[Record | Broken]:
    """The records of a file, in order.

    Args:
        chunks: the file.
        limit: bytes of a record that are kept.
    """
    window = _Window(chunks, limit)
    while window.another():
        yield window.record()


class _Window:
    """The bytes of a file that were read, and not yet gone past."""

    def __init__(self, chunks: Iterator[bytes | Gap], limit: int) -> None:
        self._chunks = chunks
        self._limit = limit
        self._data = bytearray()
        self._gap: Gap | None = None
        self._ended = False

    def another(self) -> bool:
        """Go past line ends; whether there is more."""
        while True:
            if ends := _LINE_ENDS.match(self._data):
                del self._data[: ends.end()]
            if self._data or self._gap or self._ended:
                return bool(self._data or self._gap)
            self._more()

    def record(self) -> Record | Broken:
        """The next record."""
        self._fill(len(BEGIN))
        if not self._data:
            return self._broken(CORRUPT)
        if not self._data.startswith(BEGIN):
            whole = self._gap is not None or not BEGIN.startswith(bytes(self._data))
            return self._broken(CORRUPT if whole else TRUNCATED)
        head = self._head()
        if head is None:
            return self._broken(TRUNCATED if self._ended and not self._gap else CORRUPT)
        headers = _headers(bytes(self._data[:head]))
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            return self._broken(WRONG_LENGTH, head - 1)
        return self._content(headers, head, int(length))

    def _head(self) -> int | None:
        """Where the content begins; None if it does not."""
        while not (found := _HEAD_END.search(self._data)):
            if len(self._data) > MAX_HEAD or not self._more():
                return None
        return found.end()

    def _content(self, headers: dict[str, str], head: int, length: int) -> Record | Broken:
        end = head + min(length, self._limit)
        self._fill(end + _OVERLAP)
        if len(self._data) < end:
            # What ends as records do lacks nothing but a right length.
            ends = len(self._data) >= head + 4 and self._data.endswith(b"\r\n\r\n")
            cut = not ends and not _NEXT.search(self._data, head)
            return self._broken(TRUNCATED if cut and not self._gap else WRONG_LENGTH, head)
        if length > self._limit:
            if _NEXT.search(self._data, head, end):
                return self._broken(WRONG_LENGTH, head)
        elif not self._ends(end):
            return self._broken(WRONG_LENGTH, head)
        with memoryview(self._data) as data:
            content = bytes(data[head:end])
        del self._data[:end]
        if self._skip(length - self._limit):
            return Record(headers, content, length)
        return self._broken(TRUNCATED)

    def _ends(self, end: int) -> bool:
        """Whether a record may end at a byte."""
        behind = bytes(self._data[end : end + _OVERLAP])
        rest = behind.lstrip(b"\r\n")
        return behind.startswith(b"\r\n\r\n") or not rest or BEGIN.startswith(rest[: len(BEGIN)])

    def _broken(self, reason: str, search_from: int = 0) -> Broken:
        """Go past everything up to the next record."""
        raw, lost = bytearray(), 0
        while not (found := _NEXT.search(self._data, search_from)):
            ends = self._ended or self._gap is not None
            gone = len(self._data) if ends else max(0, len(self._data) - _OVERLAP)
            kept = min(gone, self._limit - len(raw))
            raw += self._data[:kept]
            lost += gone - kept
            del self._data[:gone]
            if ends:
                gap, self._gap = self._gap, None
                return Broken(reason if gap is None else gap.reason, bytes(raw), lost, gap)
            search_from = max(0, search_from - gone)
            self._more()
        raw += self._data[: found.start()]
        del self._data[: found.end()]
        return Broken(reason, bytes(raw), lost)

    def _skip(self, size: int) -> bool:
        """Go past so many bytes; whether they are there."""
        while size > 0:
            if not self._data and not self._more():
                return False
            gone = min(size, len(self._data))
            del self._data[:gone]
            size -= gone
        return True

    def _fill(self, size: int) -> None:
        """Hold so many bytes, if there are."""
        while len(self._data) < size and self._more():
            pass

    def _more(self) -> bool:
        """Read on; whether there was more."""
        if self._ended or self._gap is not None:
            return False
        piece = next(self._chunks, None)
        if piece is None:
            self._ended = True
        elif isinstance(piece, Gap):
            self._gap = piece
        else:
            self._data += piece
            return True
        return False


def _headers(head: bytes) -> dict[str, str]:
    r"""The fields of a head, by their names in lower case; of a field that is there twice the first.

    >>> _headers(b"WARC/1.0\r\nwarc-type: response\r\nWARC-Target-URI: <http://a\r\n /b>\r\n\r\n")
    {'warc-type': 'response', 'warc-target-uri': '<http://a /b>'}
    """
    unfolded = re.sub(rb"\r?\n[ \t]+", b" ", head)
    fields: dict[str, str] = {}
    for line in unfolded.split(b"\n")[1:]:
        name, colon, value = line.decode(errors="replace").partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields
