r"""JSON as a stream: one value after the other out of a text of any length, in the memory of one value.

Python's own parser reads a value at a place of a text and says where it ends, which is all that a stream needs beside a
window that grows until the value is whole. It also reads what no standard has and Python and pandas write: NaN and the
infinities (null here), raw line breaks in strings, halves of surrogate pairs (left out).
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from malmoi_pipelines.raw.compression import TRUNCATED, DamagedFileError
from malmoi_pipelines.raw.json_lines import BROKEN, INVALID, whole

SLACK = 16  # an error so close to the end of the window may only mean that a token is cut there
_SPACES = " \t\r\n"
_SPACE = re.compile(f"[{_SPACES}]*")
_TOKEN = re.compile(r'\\.|["\[\]{}]', re.DOTALL)
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_DECODER = json.JSONDecoder(strict=False, parse_constant=lambda name: None)
_SCAN: Callable[[str, int], tuple[Any, int]] = vars(_DECODER)["scan_once"]  # what `raw_decode` wraps


class JsonFaultError(Exception):
    """A text stops being JSON, or being readable at all."""

    def __init__(self, reason: str, byte: int) -> None:
        super().__init__(reason)
        self.reason = reason
        """As `read_blocks` names it."""
        self.byte = byte
        """Bytes of the stream before the fault."""


class ValueTooLongError(Exception):
    """A value was passed over, because it has more bytes than one may have."""


class JsonText:
    r"""A window that moves over a stream of UTF-8.

    >>> text = JsonText(iter([b'{"a": [1, ', b'2]}  "\xed\x95', b'\x9c" ']), 100)
    >>> text.value(), text.value(), text.peek()
    ({'a': [1, 2]}, '한', '')
    """

    def __init__(self, chunks: Iterator[bytes], max_bytes: int) -> None:
        """Begin at the first byte, behind a byte order mark.

        Args:
            chunks: the stream; a `DamagedFileError` ends it.
            max_bytes: the most that one value may have.
        """
        self._chunks = chunks
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._max_bytes = max_bytes
        self._window = ""
        self._at = 0
        self._bytes = 0  # of the stream, up to the end of the window
        self._chars_before = 0
        self._end: str | None = None
        """Why nothing comes behind the window: the reason of a fault, or "" at the end of the stream."""
        self._damage_lost = 0
        self._widen()
        self._at = int(self._window.startswith("\ufeff"))

    @property
    def characters(self) -> int:
        """Characters gone past."""
        return self._chars_before + self._at

    def peek(self) -> str:
        """The next character that is no white space; "" at the end.

        Raises:
            JsonFaultError: the stream is damaged here.
        """
        while True:
            if self._at < len(self._window):
                char = self._window[self._at]
                if char not in _SPACES:
                    return char
                space = _SPACE.match(self._window, self._at)
                self._at = space.end() if space else self._at
                continue
            if self._end:
                raise self._fault(self._end, self._at)
            if self._end == "":
                return ""
            self._widen()

    def take(self, expected: str) -> str:
        """Go past the next character that is no white space.

        Args:
            expected: the characters of which it must be one.

        Raises:
            JsonFaultError: it is another.
        """
        char = self.peek()
        if not char or char not in expected:
            raise self._fault(BROKEN if char else TRUNCATED, self._at)
        self._at += 1
        return char

    def key(self) -> str:
        """The next value, which must be a string: the name of a field.

        Raises:
            JsonFaultError: it is none, or longer than a value may be.
        """
        if (char := self.peek()) != '"':
            raise self._fault(BROKEN if char else TRUNCATED, self._at)
        try:
            return str(self.value())
        except ValueTooLongError:
            raise self._fault("line_too_long", self._at) from None

    def value(self) -> Any:
        """The next value.

        Raises:
            JsonFaultError: there is none that is whole.
            ValueTooLongError: it is longer than a value may be.
        """
        self.peek()
        while True:
            try:
                value, end = _SCAN(self._window, self._at)
            except json.JSONDecodeError as error:
                self._check_cut(error.msg, error.pos)
            except StopIteration as nothing:
                self._check_cut("", nothing.value)
            except RecursionError:
                raise self._fault(BROKEN, self._at) from None
            else:
                if end < len(self._window) - SLACK or self._end is not None:
                    break
            if len(self._window) - self._at > self._max_bytes:
                self._pass_over()
                raise ValueTooLongError
            self._widen()
        start, self._at = self._at, end
        if 4 * (end - start) > self._max_bytes and len(self._window[start:end].encode()) > self._max_bytes:
            raise ValueTooLongError  # no character has more than 4 bytes
        escaped = self._window.find("\\u", start, end) >= 0
        return whole(value) if escaped and _HALF.search(self._window, start, end) else value

    def rest(self, keep: int) -> tuple[bytes, int]:
        """What can be read from here on: its first `keep` bytes or somewhat more, and the number of further bytes.

        The stream is used up for it.
        """
        head = self._window[self._at :].encode()
        lost = 0
        try:
            for chunk in self._chunks:
                if len(head) < keep:
                    head += chunk
                else:
                    lost += len(chunk)
        except DamagedFileError as error:  # one failure is enough
            self._damage_lost = error.lost_bytes
        return head, lost

    def lost_stored(self, fault: JsonFaultError, rest: int, stored: int) -> int:
        """About how many stored bytes of a file a fault costs: the share that its rest has of all bytes unfolded.

        All of a file whose end is missing: nobody knows how much that is.

        Args:
            fault: where reading stopped.
            rest: bytes of the stream behind it.
            stored: bytes of the file.
        """
        if fault.reason == TRUNCATED:
            return stored
        return self._damage_lost or stored * rest // max(1, fault.byte + rest)

    def _check_cut(self, message: str, position: int) -> None:
        """Fail unless what the parser complains of may only be that the window ends there."""
        unclosed = message.startswith("Unterminated string")
        if self._end is None and (unclosed or position >= len(self._window) - SLACK):
            return
        if unclosed or position >= len(self._window.rstrip()):
            raise self._fault(self._end or TRUNCATED, len(self._window)) from None
        raise self._fault(BROKEN, position) from None

    def _pass_over(self) -> None:
        """Go past the object, list or string here without keeping it."""
        depth, quoted = 0, False
        while True:
            end = self._at
            for token in _TOKEN.finditer(self._window, self._at):
                char, end = token.group(), token.end()
                if char == '"':
                    quoted = not quoted
                elif not quoted:
                    depth += (char in "[{") - (char in "]}")
                if not depth and not quoted:
                    self._at = end
                    return
            self._at = len(self._window) - self._window.endswith("\\", end)  # the half of an escape
            if self._end is not None:
                raise self._fault(self._end or TRUNCATED, self._at)
            self._widen()

    def _widen(self) -> None:
        """Let go of what is behind, and take in at least as much as is left, or all there is."""
        self._chars_before += self._at
        pieces = [self._window[self._at :]]
        self._at = 0
        wanted = max(1, len(pieces[0]))
        while wanted > 0 and self._end is None:
            pieces.append(self._more())
            wanted -= len(pieces[-1])
        self._window = "".join(pieces)

    def _more(self) -> str:
        """The text of the next piece of the stream."""
        chunk = None
        try:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._end = ""
            self._bytes += len(chunk or b"")
            return self._decoder.decode(chunk or b"", final=chunk is None)
        except DamagedFileError as error:
            self._end, self._damage_lost = error.reason, error.lost_bytes
            return ""
        except UnicodeDecodeError as error:
            self._end = TRUNCATED if chunk is None else INVALID  # cut inside a character
            self._bytes -= len(error.object) - error.start
            return bytes(error.object[: error.start]).decode()

    def _fault(self, reason: str, at: int) -> JsonFaultError:
        pending, _ = self._decoder.getstate() if self._end is None else (b"", 0)
        return JsonFaultError(reason, self._bytes - len(pending) - len(self._window[at:].encode()))
