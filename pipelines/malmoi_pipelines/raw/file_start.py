"""What a file is that is not what its name says, told from its first bytes: the cause that people can act on."""

import codecs
import re

import orjson

from malmoi_pipelines.contracts import files
from malmoi_pipelines.raw.compression import MAGIC, DamagedFileError, read_chunks
from malmoi_pipelines.raw.formats import Compression, FileKind, Format

HEAD = 64 << 10  # bytes that are looked at
NAMES: dict[Compression, str] = {"gz": "gzip", "zst": "zstd", "bz2": "bzip2", "xz": "xz"}
_BINARY = (
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive (of .zip, .docx, .hwpx, .xlsx)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an OLE document (.hwp, .doc, .xls)"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
)
_MAGIC = {"parquet": ((b"PAR1",), "Parquet"), "arrow": ((b"ARROW1", b"\xff\xff\xff\xff"), "Arrow")}
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_WIDE = {
    "UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}
_OPEN_OBJECT = re.compile(rb'\{[ \t\r]*("[^\n]*[,\[{:][ \t\r]*)?\n')
_LFS = b"version https://git-lfs.github.com/spec/"


def what_is_wrong(path: str, kind: FileKind) -> str | None:
    """Why nothing can be read of a file that is taken for one of a kind; None where its start does not say it."""
    with files.open_read(path) as raw:
        stored = raw.read(HEAD)
    if kind.compression and not stored.startswith(MAGIC[kind.compression]):
        return _and(f"not {NAMES[kind.compression]}", what_it_is(stored))
    return _wrong_format(_unfolded(path, kind) if kind.compression else stored, kind.format)


def _unfolded(path: str, kind: FileKind) -> bytes:
    head = bytearray()
    try:
        for chunk in read_chunks(path, kind.compression):
            head += chunk
            if len(head) >= HEAD:
                break
    except DamagedFileError:
        pass  # what is before the damage tells, or nothing does
    return bytes(head[:HEAD])


def _wrong_format(head: bytes, form: Format) -> str | None:
    if not head:
        return None  # damaged before anything could be unfolded
    if form in _MAGIC:
        magics, name = _MAGIC[form]
        return "damaged, or its end is missing" if head.startswith(magics) else _and(f"not {name}", what_it_is(head))
    found = what_it_is(head)
    if form == "jsonl" and found in _JSON:
        return f"{found}: one document a line is wanted, or --set read.format=json"
    if form == "json" and found in _JSON:
        return None
    if form == "warc" and not head.lstrip().startswith(b"WARC/"):
        return _and("not WARC", found)
    return found


_ARRAY, _OBJECT = "a JSON array", "a JSON object over several lines"
_JSON = (_ARRAY, _OBJECT)


def what_it_is(head: bytes) -> str | None:
    r"""What the first bytes of a file show; None for text in UTF-8 that is nothing special.

    >>> what_it_is(b"<!DOCTYPE html><p>"), what_it_is("글".encode("utf-16")), what_it_is(b'[{"text": ')
    ('an HTML page', 'a UTF-16 file: UTF-8 is wanted', 'a JSON array')
    """
    for magic, name in (*_BINARY, *((MAGIC[name], f"a {called} file") for name, called in NAMES.items())):
        if head.startswith(magic):
            return name
    if not head.strip(b"\0"):
        return "nothing but NUL bytes"
    if wide := _wide(head):
        return f"a {wide} file: UTF-8 is wanted"
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    return _marked_text(start) or _text(start)


def _marked_text(start: bytes) -> str | None:
    """What text is by its first words."""
    marks = (
        (_HTML.match(start), "an HTML page"),
        (start.startswith(b"<?xml"), "an XML file"),
        (start.startswith(b"WARC/"), "a WARC file"),
        (start.startswith(_LFS), "a Git LFS pointer and not the file itself: git lfs pull"),
        (start.startswith(b"["), _ARRAY),
        (_OPEN_OBJECT.match(start) and not _is_json(start.partition(b"\n")[0]), _OBJECT),
    )
    return next((name for found, name in marks if found), None)


def _text(start: bytes) -> str | None:
    """What is wrong with text as such."""
    if not start:
        return "nothing but white space"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return "CP949 text: UTF-8 is wanted (iconv -f cp949 -t utf-8)" if _is_cp949(start) else "no text in UTF-8"
    return None


def _wide(head: bytes) -> str | None:
    """UTF-16 or UTF-32 by its mark, or by the NUL beside each character of ASCII."""
    for codec, marks in _WIDE.items():
        if head.startswith(marks):
            return codec
    start = head[:64]
    nul = [start[side::2].count(0) for side in (0, 1)]
    return "UTF-16" if min(nul) == 0 and 4 * max(nul) > len(start) >= 4 else None


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _is_cp949(data: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("cp949")().decode(data)
    except UnicodeDecodeError:
        return False
    beyond = [char for char in text if char > "\x7f"]
    return bool(beyond) and 2 * sum("가" <= char <= "힣" for char in beyond) >= len(beyond)


def _and(wanted: str, found: str | None) -> str:
    return wanted if found is None else f"{wanted}, but {found}"
