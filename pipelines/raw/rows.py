"""Raw documents in columns, as every reader gives them, and the lines that are no document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import xxhash

from pipelines.contracts.fingerprint import canonical_json
from pipelines.raw.config import Columns

RAW_BYTES = 1 << 20  # bytes of an unreadable line that go to the rejects


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

    def reject(self, line: int, reason: str, raw: bytes | None, lost: int = 0, keep: int = RAW_BYTES) -> None:
        """Add a bad line of which `raw` was read and `lost` more bytes were not; at most `keep` of them stay."""
        num_bytes = lost + len(raw or b"")
        self.bad.append(BadLine(line, reason, None if raw is None else raw[: min(keep, RAW_BYTES)], num_bytes))

    def add_text(self, line: int, text: str) -> None:
        """Add a document that is nothing but its text."""
        self._append(None, self.source, text, None, line)

    def add_document(self, line: int, row: Mapping[str, Any]) -> None:
        """Add a row of a dataset folder; its meta is one already, and would be wrapped once more by `add_record`."""
        self._append(row["id"], row["source"], row["text"], row["meta"], line)

    def add_record(self, line: int, record: Any, raw: bytes | None, columns: Columns) -> None:
        """Add a document given as a mapping, or reject it; fields without a meaning of their own go to `meta`.

        Args:
            line: its number.
            record: the parsed line or row; it is used up.
            raw: the line as read, for the rejects; None to show the record as JSON.
            columns: names of the fields.
        """
        if type(record) is not dict:
            self.reject(line, "not_an_object", raw)
            return
        text: Any = record.get(columns.text)
        given_id = record.get(columns.id) if columns.id is not None else None
        given_source = record.get(columns.source) if columns.source is not None else None
        reason = _fault(text, given_id, given_source)
        if reason is not None:
            self.reject(line, reason, _json(record) if raw is None else raw)
            return
        for name in (columns.text, columns.id, columns.source):
            record.pop(name, None)
        source = str(given_source or self.source)
        meta = _json(record).decode() if record else None
        self._append(given_id, source, text, meta, line)

    def _append(self, given_id: str | int | None, source: str, text: str, meta: str | None, line: int) -> None:
        given = given_id is not None and given_id != ""
        self.given.append(given)
        self.ids.append(str(given_id) if given else derived_id(source, text))
        self.sources.append(source)
        self.texts.append(text)
        self.metas.append(meta)
        self.lines.append(line)


def derived_id(source: str, text: str) -> str:
    """The id of a document that came without one: xxh3-128 of its source and raw text, 32 hex digits."""
    return xxhash.xxh3_128_hexdigest(f"{source}\0{text}".encode())


def _fault(text: Any, given_id: Any, source: Any) -> str | None:
    if type(text) is not str:
        return "missing_text" if text is None else "text_not_a_string"
    # `type` and not `isinstance`: true is an int in Python, but no id.
    if given_id is not None and type(given_id) not in (str, int):
        return "bad_id"
    if source is not None and type(source) is not str:
        return "bad_source"
    return None


def _json(record: Mapping[str, Any]) -> bytes:
    try:
        return canonical_json(record)
    except TypeError:  # Parquet has values that JSON has not
        return orjson.dumps(record, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=_json_value)


def _json_value(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
