"""Reading web crawls: WARC, and WET with the text already taken out.

`conversion` records hold text. Of `response` and `resource` records web pages and plain text are read: the character
set is found, and of pages the text taken out. All other records (requests, metadata, images, error pages) are passed
over: they are no documents. The id of a document is its record's, its line the number of the record in the file, of
whatever type.

- `wrong_length`: a record whose `Content-Length` is not its length, or missing; the next one is read.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from fastwarc.warc import WarcRecord

from malmoi_pipelines.raw.compression import TRUNCATED, read_chunks
from malmoi_pipelines.raw.config import Columns, ReadOptions
from malmoi_pipelines.raw.faults import allow_damage
from malmoi_pipelines.raw.members import Gap, read_members
from malmoi_pipelines.raw.page_encoding import decode_page, decode_utf8
from malmoi_pipelines.raw.page_text import page_text
from malmoi_pipelines.raw.rows import RawBlock, meta_json, new_block
from malmoi_pipelines.raw.tasks import FilePart
from malmoi_pipelines.raw.warc_records import BEGIN, Broken, Record, read_records

HTML = ("text/html", "application/xhtml+xml")
TEXT = (*HTML, "text/plain")
MAX_DEPTH = 2000  # main content takes the square of it: 0.1 s here, 5 s for 16,000, hours for a page made to do harm
_BLOCK = re.compile(r"<(/?)(?:div|article)\b", re.IGNORECASE)  # the elements for which it does


def read_warc(part: FilePart, options: ReadOptions, block_bytes: int) -> Iterator[RawBlock]:
    """The documents and bad records of a file."""
    block, taken, whole = new_block(part), 0, 0
    chunks = _chunks(part)
    for number, record in enumerate(read_records(chunks, options.max_line_bytes), 1):
        if isinstance(record, Broken):
            if record.gap is not None or record.reason == TRUNCATED:
                allow_damage(part.file, options, record.reason)
                block.lost_bytes += _lost(record, whole, part)
            block.reject(number, record.reason, record.raw, record.lost)
            taken += len(record.raw)
        else:
            whole += 1
            taken += _add(block, number, record, options)
        if taken >= block_bytes:
            yield block
            block, taken = new_block(part), 0
    yield block


def _chunks(part: FilePart) -> Iterator[bytes | Gap]:
    file = part.file
    return read_members(file.path, file.compression, BEGIN) if file.compression else read_chunks(file.path, "")


def _lost(record: Broken, whole: int, part: FilePart) -> int:
    """Stored bytes that are lost with nobody knows how many records.

    Most files have a member a record: then a damaged member is that record, and counts as it.
    """
    gap = record.gap
    if gap is None or (gap.reason == TRUNCATED and not gap.goes_on):
        return part.file.bytes
    alone = whole <= gap.members and (gap.members or gap.goes_on)
    return 0 if alone else gap.lost_bytes


class _UndecodableError(Exception):
    """A record's payload is no text; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _add(block: RawBlock, number: int, record: Record, options: ReadOptions) -> int:
    """Add a record's document to a block; returns the bytes read."""
    kind = record.headers.get("warc-type", "").lower()
    if kind not in ("conversion", "resource", "response"):
        return 0
    content, limit = record.content, options.max_line_bytes
    if record.length > limit:
        block.reject(number, "document_too_long", content, record.length - limit, keep=limit)
        return limit
    try:
        found = _text(kind, record, options)
    except _UndecodableError as error:
        block.reject(number, error.reason, content)
    else:
        if found is not None:
            record_id = record.headers.get("warc-record-id", "").strip("<>")
            block.add_document(number, found.text, record_id, None, _meta(record, found.media_type, options.columns))
            block.replaced += found.replaced > 0
    return len(content)


class _Text(NamedTuple):
    """The text of a record."""

    text: str
    media_type: str
    replaced: int
    """Bad bytes that were replaced."""


def _text(kind: str, record: Record, options: ReadOptions) -> _Text | None:
    """The text of a record's content; None if it is no document."""
    if kind == "response":
        return _response_text(record.content, options)
    media_type = _media_type(record.headers.get("content-type"))
    if kind == "resource":
        return _page_text(record.content, media_type, None, options)
    decoded = decode_utf8(record.content)
    if decoded is None:
        raise _UndecodableError("invalid_utf8")
    return _Text(decoded.text, media_type, decoded.replaced)


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
    decoded = decode_page(body, charset)
    if decoded is None:
        raise _UndecodableError("unknown_encoding")
    text = decoded.text
    if media_type in HTML:
        if options.main_content and _depth(text) > MAX_DEPTH:
            raise _UndecodableError("nested_too_deep")
        text = page_text(text, options.main_content)
    return _Text(text, media_type, decoded.replaced)


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


def _media_type(content_type: str | None) -> str:
    """A content type in lower case and without parameters; "" if none is given.

    >>> _media_type("Text/HTML; charset=euc-kr")
    'text/html'
    """
    return (content_type or "").partition(";")[0].strip().lower()


def _meta(record: Record, media_type: str, columns: Columns) -> str | None:
    fields = {
        "url": record.headers.get("warc-target-uri"),
        "date": record.headers.get("warc-date"),
        "content_type": media_type,
        "language": record.headers.get("warc-identified-content-language"),
    }
    return meta_json({name: value for name, value in fields.items() if value}, columns.meta, ())
