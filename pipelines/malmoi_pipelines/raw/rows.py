"""Raw documents in columns, as every reader gives them, and the lines that are no document.

Numbers of `meta` are those of orjson, which reads JSON: integers from -2**63 to 2**64 - 1 keep their digits, longer
ones become floats (123456789012345678901234567890 is 1.2345678901234568e+29). Digits that matter belong in a string.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import xxhash

from malmoi_pipelines.contracts.fingerprint import canonical_json
from malmoi_pipelines.raw.fields import Fields, Names
from malmoi_pipelines.raw.tasks import FilePart

RAW_BYTES = 1 << 20  # bytes of an unreadable line that go to the rejects
UNSTORABLE = "unstorable_meta"  # the reason for a document whose other fields JSON cannot hold


class UnstorableMetaError(ValueError):
    """Fields that cannot be stored as JSON: nested more than 254 deep, the limit of orjson, or text with surrogates."""


@dataclass(frozen=True)
class BadLine:
    """A line or row that could not be read as a document."""

    line: int
    reason: str
    raw: bytes | None
    """Its first `RAW_BYTES`; None where there is nothing to show."""
    num_bytes: int
    """Its whole size."""


@dataclass
class RawBlock:
    """Consecutive documents of one file, one list a column, and the bad lines between them."""

    file: str
    """Base name of the file."""
    source: str
    """The file's source: to it count the bad lines."""
    start: int = 0
    """Byte of the file from which its lines are counted; 0 unless the file was split."""
    ids: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    metas: list[str | None] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    given: list[bool] = field(default_factory=list)
    """Whether the id was given, and not derived."""
    bad: list[BadLine] = field(default_factory=list)
    without_markup: bool = False
    """Whether an escaped tag in its texts is what readers saw: they were taken out of web pages, or cleaned before."""
    replaced: int = 0
    """Documents in which U+FFFD stands for bytes that their character set has not."""
    lost_bytes: int = 0
    """Stored bytes behind the place where the file stops being readable, with nobody knows how many documents."""

    def reject(self, line: int, reason: str, raw: bytes | None, lost: int = 0, keep: int = RAW_BYTES) -> None:
        """Add a bad line of which `raw` was read and `lost` more bytes were not; at most `keep` of them stay."""
        num_bytes = lost + len(raw or b"")
        self.bad.append(BadLine(line, reason, None if raw is None else raw[: min(keep, RAW_BYTES)], num_bytes))

    def fits(self, line: int, text: Any, limit: int) -> bool:
        """Whether a row's text has at most `limit` bytes; the row is rejected if it has more."""
        if type(text) is not str or len(text) <= limit // 4:  # no character has more than 4 bytes
            return True
        data = text.encode()
        if len(data) > limit:
            self.reject(line, "line_too_long", data, keep=limit)
        return len(data) <= limit

    def add_document(
        self, line: int, text: str, given_id: str | None = None, source: str | None = None, meta: str | None = None
    ) -> None:
        """Add a document whose fields are known; `meta` is JSON already."""
        given = given_id is not None and given_id != ""
        source = source or self.source
        self.given.append(given)
        self.ids.append(str(given_id) if given else derived_id(source, text))
        self.sources.append(source)
        self.texts.append(text)
        self.metas.append(meta)
        self.lines.append(line)

    def add_texts(self, lines: Sequence[int], texts: Sequence[str]) -> None:
        """Add documents that are nothing but their texts."""
        self._append(lines, texts, [None] * len(texts), [None] * len(texts), [None] * len(texts))

    def add_record(self, line: int, record: Any, raw: bytes | None, fields: Fields, around: Sequence[Any] = ()) -> None:
        """Add a document of a record, or reject it; fields without a meaning of their own go to `meta`.

        Args:
            line: its number.
            record: the parsed line, row or item.
            raw: the line as read, for the rejects; None to show the record as JSON.
            fields: what its fields mean.
            around: the objects around it, the nearest first.
        """
        if type(record) is not dict and not fields.reads_items:
            self.reject(line, "not_an_object", _shown(record) if raw is None else raw)
            return
        taken = fields.take(record, around)
        reason = _fault(taken.text, taken.id, taken.source)
        if reason is not None:
            self.reject(line, reason, _shown(record) if raw is None else raw)
            return
        try:
            meta = meta_json(taken.meta, None, ())
        except UnstorableMetaError:
            self.reject(line, UNSTORABLE, raw)
        else:
            self.add_document(line, taken.text, _id_text(taken.id), taken.source, meta)

    def add_records(
        self, lines: Sequence[int], records: list[Any], raws: Sequence[bytes | None], fields: Fields
    ) -> None:
        """Add many documents, or reject them: the same as `add_record` for each, and faster where all are regular.

        Args:
            lines: their numbers.
            records: the parsed lines or rows.
            raws: the lines as read; None to show the record as JSON.
            fields: what their fields mean.
        """
        names = fields.names if set(map(type, records)) == {dict} else None
        if names is None or not self._add_regular(lines, records, names):
            for line, record, raw in zip(lines, records, raws, strict=True):
                self.add_record(line, record, raw, fields)

    def _add_regular(self, lines: Sequence[int], records: list[dict[str, Any]], names: Names) -> bool:
        """Add documents; whether all of the records are some. If not, none is added."""
        nothing = [None] * len(records)
        texts: list[Any] = [record.get(names.text) for record in records]
        ids = nothing if names.id is None else [record.get(names.id) for record in records]
        sources = nothing if names.source is None else [record.get(names.source) for record in records]
        id_types = set(map(type, ids))
        if not (set(map(type, texts)) == {str} and id_types <= _ID and _TEXT.issuperset(map(type, sources))):
            return False
        if not _TEXT.issuperset(id_types):
            ids = list(map(_id_text, ids))
        try:
            self._append(lines, texts, ids, sources, _metas(records, names))
        except UnstorableMetaError:
            return False
        return True

    def _append(
        self,
        lines: Sequence[int],
        texts: Sequence[str],
        ids: Sequence[str | None],
        sources: Sequence[str | None],
        metas: Sequence[str | None],
    ) -> None:
        named = [source or self.source for source in sources]
        self.given += map(bool, ids)
        self.ids += [i or derived_id(source, text) for i, source, text in zip(ids, named, texts, strict=True)]
        self.sources += named
        self.texts += texts
        self.metas += metas
        self.lines += lines


def new_block(part: FilePart, start: int = 0) -> RawBlock:
    """An empty block of a part's file, its lines counted from byte `start`."""
    shown = part.file.format == "warc" or part.file.cleaned
    return RawBlock(part.file.path.rpartition("/")[2], part.file.source, start, without_markup=shown)


_TEXT = {str, type(None)}
_ID = {str, int, float, type(None)}  # pandas makes 1 to 1.0 where other rows have none


def derived_id(source: str, text: str) -> str:
    """The id of a document that came without one: xxh3-128 of its source and raw text, 32 hex digits."""
    return xxhash.xxh3_128_hexdigest(f"{source}\0{text}".encode())


def _id_text(given: str | float | None) -> str | None:
    """An id as text; None for none, for which tables of numbers have NaN."""
    return None if given is None or given != given else str(given)  # noqa: PLR0124 - NaN is what is not itself


def _fault(text: Any, given_id: Any, source: Any) -> str | None:
    if type(text) is not str:
        return "missing_text" if text is None else "text_not_a_string"
    # `type` and not `isinstance`: true is an int in Python, but no id.
    if type(given_id) not in _ID:
        return "bad_id"
    if source is not None and type(source) is not str:
        return "bad_source"
    return None


def _metas(records: list[dict[str, Any]], names: Names) -> Sequence[str | None]:
    known = {names.text, names.id, names.source}
    if names.meta is None and known.issuperset(set().union(*records)):
        return [None] * len(records)
    return [meta_json(record, names.meta, known) for record in records]


def meta_json(record: Mapping[str, Any], wanted: Mapping[str, str] | None, known: Container[Any]) -> str | None:
    """The `meta` of a document, as JSON; None if there is none.

    Args:
        record: its fields.
        wanted: as `Columns.meta`; a wanted field that the record has not is left out.
        known: fields that do not go to meta by themselves.

    Raises:
        UnstorableMetaError: JSON cannot hold them.
    """
    if wanted is not None:
        kept = {name: record[wanted_field] for name, wanted_field in wanted.items() if wanted_field in record}
    else:
        kept = {name: value for name, value in record.items() if name not in known}
    return _json(kept).decode() if kept else None


def _json(record: Any) -> bytes:
    try:
        return canonical_json(record)
    except TypeError:  # Parquet has values that JSON has not
        try:
            return orjson.dumps(record, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=_json_value)
        except TypeError:
            raise UnstorableMetaError from None


def _shown(record: Any) -> bytes | None:
    """A record that was no line, for the rejects; None if it cannot be shown."""
    try:
        return _json(record)
    except UnstorableMetaError:
        return None


def _json_value(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
