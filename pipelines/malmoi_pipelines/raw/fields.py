"""Which values of a record are its text, its id, its source and its meta."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.field_paths import EACH, FieldPath, key_in, parse_path, values_at, without

_STRINGS = frozenset({str})


class Names(NamedTuple):
    """Columns that are fields of a record by their own names."""

    text: str
    id: str | None
    source: str | None
    meta: dict[str, str] | None


class Taken(NamedTuple):
    """What a record holds."""

    text: Any
    """A string; None where there is none, and another value where that is no text."""
    id: Any
    source: Any
    meta: dict[str, Any]
    """The fields to keep."""


class Fields:
    r"""The columns of `read`, read once for all records.

    >>> fields = Fields(ReadOptions(columns={"text": ["title", "body[*].form"], "id": "meta.id"}))
    >>> fields.take({"title": "달빛", "body": [{"form": "가"}, {"form": "나"}], "meta": {"id": 7, "page": 3}})
    Taken(text='달빛\n가\n나', id=7, source=None, meta={'meta': {'page': 3}})
    """

    def __init__(self, options: ReadOptions) -> None:
        columns = options.columns
        self._join = options.join
        self._any_case = options.any_case
        self._text = [[parse_path(path) for path in part] for part in columns.text_paths]
        self._id = None if columns.id is None else parse_path(columns.id)
        self._source = None if columns.source is None else parse_path(columns.source)
        self._meta = None if columns.meta is None else {name: parse_path(path) for name, path in columns.meta.items()}
        self.names: Names | None = None
        """The columns, where each is a field of the record by its own name."""
        if isinstance(columns.text, str) and not options.any_case and all(path.is_name for path in self._paths()):
            self.names = Names(columns.text, columns.id, columns.source, columns.meta)
        self.opened = {name for path in self._own() for name in (path.text, path.first) if name is not None}
        """The fields of a record that hold its text, id and source."""

    def _paths(self) -> Iterator[FieldPath]:
        """All that a document takes its text, id, source and meta from."""
        yield from self._own()
        yield from (self._meta or {}).values()

    def _own(self) -> Iterator[FieldPath]:
        for alternatives in self._text:
            yield from alternatives
        yield from (path for path in (self._id, self._source) if path is not None)

    @property
    def reads_items(self) -> bool:
        """Whether a record may be no object: a text by itself."""
        return any(not path.steps for part in self._text for path in part)

    @property
    def climbs(self) -> int:
        """Objects around a record that must be known."""
        return max((path.up for path in self._paths()), default=0)

    def open(self, names: Sequence[str]) -> bool:
        """Whether a record with these fields may have a text.

        >>> Fields(ReadOptions(columns={"text": "body.form"})).open(["id", "body"])
        True
        """
        record = dict.fromkeys(names)
        wanted = {name for part in self._text for path in part for name in (path.text, path.first) if name is not None}
        return any(key_in(record, name, any_case=self._any_case) is not None for name in wanted)

    def keeps(self, name: str) -> bool:
        """Whether a field that holds no text, id or source may go to meta."""
        return self._meta is None or any(name in (path.text, path.first) for path in self._meta.values())

    def take(self, record: Any, around: Sequence[Any] = ()) -> Taken:
        """What a record holds.

        Args:
            record: the parsed line, row or item; it stays as it is.
            around: the objects around it, the nearest first.
        """
        return Taken(
            self.text(record, around),
            self._value(self._id, record, around),
            self._value(self._source, record, around),
            self._kept(record, around),
        )

    def text(self, record: Any, around: Sequence[Any] = ()) -> Any:
        """The parts of the text, joined; a value that is no text as it is."""
        found = [self._first(part, record, around) for part in self._text]
        parts = found[0] if len(found) == 1 else [value for values in found for value in values]
        if not _STRINGS.issuperset(map(type, parts)):
            parts = [line for part in parts for line in (part if type(part) is list else [part]) if line is not None]
            if wrong := [line for line in parts if type(line) is not str]:
                return wrong[0]
        if len(parts) > 1:
            return self._join.join(filter(None, parts))
        return parts[0] if parts else None

    def _first(self, alternatives: list[FieldPath], record: Any, around: Sequence[Any]) -> list[Any]:
        """The values at the first path that leads to any."""
        for path in alternatives:
            values = values_at(path, record, around, any_case=self._any_case)
            if values and (type(values[0]) is str or any(value is not None and value != [] for value in values)):
                return values
        return []

    def _value(self, path: FieldPath | None, record: Any, around: Sequence[Any]) -> Any:
        if path is None:
            return None
        if path.is_name and type(record) is dict and (path.text in record or not self._any_case):
            return record.get(path.text)
        return next(iter(values_at(path, record, around, any_case=self._any_case)), None)

    def _kept(self, record: Any, around: Sequence[Any]) -> dict[str, Any]:
        if self._meta is not None:
            found = {n: values_at(p, record, around, any_case=self._any_case) for n, p in self._meta.items()}
            return {n: values if EACH in self._meta[n].steps else values[0] for n, values in found.items() if values}
        if not isinstance(record, dict):
            return {}
        for path in self._own():
            record = without(record, path, any_case=self._any_case)
        return dict(record)
