"""Reading web crawls: WARC, and WET with the text already taken out.

`conversion` records hold text. Of `response` and `resource` records web pages and plain text are read: the character
set is found, and of pages the text taken out. All other records (requests, metadata, images, error pages) are passed
over: they are no documents. The id of a document is its record's, its line the number of the record in the file, of
whatever type.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from fastwarc.warc import ArchiveIterator, WarcRecord, conversion, resource, response
from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

from malmoi_pipelines.raw.compression import CORRUPT, TRUNCATED, DamagedFileError, read_chunks
from malmoi_pipelines.raw.config import Columns, ReadOptions
from malmoi_pipelines.raw.faults import allow_damage
from malmoi_pipelines.raw.page_text import page_text
from malmoi_pipelines.raw.rows import RawBlock, meta_json, new_block
from malmoi_pipelines.raw.tasks import FilePart

HTML = ("text/html", "application/xhtml+xml")
TEXT = (*HTML, "text/plain")
MAX_DEPTH = 2000  # main content takes the square of it: 0.1 s here, 5 s for 16,000, hours for a page made to do harm
_BLOCK = re.compile(r"<(/?)(?:div|article)\b", re.IGNORECASE)  # the elements for which it does
# What calls itself EUC-KR on the web is its superset (WHATWG Encoding, "euc-kr"); the other names of that are no labels
# of the standard, but in use.
CP949 = {"euc_kr", "euckr", "cp949", "ms949", "uhc", "x-windows-949"}
LATIN = {"cp1252", "iso8859-1", "iso8859-15"}
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_warc(part: FilePart, options: ReadOptions, block_bytes: int) -> Iterator[RawBlock]:
    """The documents and bad records of a file."""
    block = new_block(part)
    taken = 0
    number = 0
    stream = _Stream(read_chunks(part.file.path, part.file.compression))
    try:
        for number, record in enumerate(ArchiveIterator(stream, parse_http=False, stream_detect=False), 1):
            taken += _add(block, number, record, options)
            if taken >= block_bytes:
                yield block
                block, taken = new_block(part), 0
    except (DamagedFileError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk or the network: what fastwarc finds wrong with the content has no number
        reason = error.reason if isinstance(error, DamagedFileError) else CORRUPT
        allow_damage(part.file, options, reason)
        block.reject(max(1, number), reason, None)  # the record that was begun last
    yield block


class _Stream:
    """Chunks as a file that fastwarc reads; it sees a damaged file as its exception."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; none at the end."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = memoryview(chunk)
        taken = self._rest[:size] if size >= 0 else self._rest
        self._rest = self._rest[len(taken) :]
        self._position += len(taken)
        return bytes(taken)

    def tell(self) -> int:
        """Bytes read so far."""
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        """Not possible."""
        raise OSError(f"a stream cannot be moved to {offset} ({whence})")

    def close(self) -> None:
        """Nothing to close: the chunks close their file."""


class _UndecodableError(Exception):
    """A record's payload is no text; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _add(block: RawBlock, number: int, record: WarcRecord, options: ReadOptions) -> int:
    """Add a record's document to a block; returns the bytes read."""
    # An uncompressed file ends without a sign: only a record that is shorter than it says tells that it was cut.
    if not (record.headers.get("Content-Length") or "").isdigit():
        raise DamagedFileError(TRUNCATED)
    limit = options.max_line_bytes
    wanted = record.record_type in (conversion, resource, response)
    content = record.reader.read(min(limit, record.content_length)) if wanted else b""
    if len(content) + record.consume() < record.content_length:
        raise DamagedFileError(TRUNCATED)
    if not wanted:
        return 0
    if record.content_length > limit:
        block.reject(number, "document_too_long", content, record.content_length - limit, keep=limit)
        return limit
    try:
        found = _text(record, content, options)
    except _UndecodableError as error:
        block.reject(number, error.reason, content)
    else:
        if found is not None:
            record_id = (record.record_id or "").strip("<>")
            meta = _meta(record, found.media_type, options.columns)
            block.add_document(number, found.text, record_id, None, meta)
    return len(content)


class _Text(NamedTuple):
    """The text of a record."""

    text: str
    media_type: str


def _text(record: WarcRecord, content: bytes, options: ReadOptions) -> _Text | None:
    """The text of a record's content; None if it is no document."""
    if record.record_type == response:
        return _response_text(content, options)
    media_type = _media_type(record.headers.get("Content-Type"))
    if record.record_type == resource:
        return _page_text(content, media_type, None, options)
    try:
        return _Text(content.decode(), media_type)
    except UnicodeDecodeError:
        raise _UndecodableError("invalid_utf8") from None


def _response_text(content: bytes, options: ReadOptions) -> _Text | None:
    try:
        head = _http(content, "none")
        media_type = _media_type(head.http_content_type)
        if media_type not in TEXT or not 200 <= (head.http_headers.status_code or 200) < 300:
            return None
        body = _http(content, "all").reader.read(options.max_line_bytes + 1)
    except (OSError, ValueError):
        raise _UndecodableError("broken_http") from None
    if len(body) > options.max_line_bytes:
        raise _UndecodableError("document_too_long")
    return _page_text(body, media_type, head.http_charset, options)


def _http(content: bytes, auto_decode: Literal["none", "all"]) -> WarcRecord:
    """A response as a record of its own: behind a record in which decoding fails, the library cannot go on."""
    message = WarcRecord()
    message.is_http = True
    message.set_bytes_content(content)
    message.parse_http(auto_decode=auto_decode)
    return message


def _page_text(body: bytes, media_type: str, charset: str | None, options: ReadOptions) -> _Text | None:
    if media_type not in TEXT:
        return None
    text = _decode(body, charset)
    if media_type in HTML:
        if options.main_content and _depth(text) > MAX_DEPTH:
            raise _UndecodableError("nested_too_deep")
        text = page_text(text, options.main_content)
    return _Text(text, media_type)


def _depth(html: str) -> int:
    """How many open blocks lie in each other, at the most.

    >>> _depth("<DIV><p><article>text</article></p></DIV><div></div>")
    2
    """
    depth = deepest = 0
    for closing in _BLOCK.findall(html):
        depth = max(0, depth - 1) if closing else depth + 1
        deepest = max(deepest, depth)
    return deepest


def _decode(content: bytes, charset: str | None) -> str:
    """Decode strictly: as UTF-8 if it is, else as the page, its look, and the server say, in this order.

    Servers name a character set for all their pages, so what they say counts least. In a Latin one all bytes are text:
    what can be Korean, too, is.
    """
    marked = "utf-16" if content.startswith(UTF_16_MARKS) else None
    found = detect_encoding(content, from_html_meta=True)
    for name in filter(None, ("utf-8-sig", marked, _codec(found), _codec(charset), "cp949")):
        if name in LATIN and (text := _korean(content)) is not None:
            return text
        try:
            text = content.decode(name)
            text.encode()  # no surrogates, whatever the codec
            return text
        except (ValueError, LookupError):
            continue
    raise _UndecodableError("unknown_encoding")


def _korean(content: bytes) -> str | None:
    """Bytes as CP949, if they are, and most of what is no ASCII is Hangul.

    >>> _korean("나라 café".encode("cp949", "ignore")), _korean("café".encode("latin-1"))
    ('나라 caf', None)
    """
    try:
        text = content.decode("cp949")
    except ValueError:
        return None
    beyond = [char for char in text if char > "\x7f"]
    hangul = sum("가" <= char <= "힣" for char in beyond)
    return text if beyond and 2 * hangul >= len(beyond) else None


def _codec(label: str | None) -> str | None:
    """Python's name of an encoding of the web; None for what is none: Python has codecs that are no encodings.

    >>> _codec("KS_C_5601-1987"), _codec("windows-31j"), _codec("unicode_escape")
    ('cp949', 'shift_jis', None)
    """
    name = (label or "").strip().lower()
    known = name if name in CP949 else map_encoding_to_html5(name, fallback_utf8=False)
    return "cp949" if known in CP949 else known


def _media_type(content_type: str | None) -> str:
    """A content type in lower case and without parameters; "" if none is given.

    >>> _media_type("Text/HTML; charset=euc-kr")
    'text/html'
    """
    return (content_type or "").partition(";")[0].strip().lower()


def _meta(record: WarcRecord, media_type: str, columns: Columns) -> str | None:
    fields = {
        "url": record.headers.get("WARC-Target-URI"),
        "date": record.headers.get("WARC-Date"),
        "content_type": media_type,
        "language": record.headers.get("WARC-Identified-Content-Language"),
    }
    return meta_json({name: value for name, value in fields.items() if value}, columns.meta, ())
