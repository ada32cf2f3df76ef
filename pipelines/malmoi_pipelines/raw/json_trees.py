"""Reading JSON: a list of records, a tree with records in it, values behind each other, or JSON Lines under `.json`.

A list of any length is read record by record. The path in `records` is followed to its first list on the way; what it
names inside an item of that list is found in memory. What stands before a fault is kept, and the fault is one failure
with the byte where it is; records that are too long are passed over.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from malmoi_pipelines.raw.compression import read_chunks
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.faults import allow_damage
from malmoi_pipelines.raw.field_paths import EACH, key_in, parse_path
from malmoi_pipelines.raw.fields import Fields
from malmoi_pipelines.raw.inputs import InputFile
from malmoi_pipelines.raw.json_lines import read_json_lines
from malmoi_pipelines.raw.json_start import is_json_lines
from malmoi_pipelines.raw.json_text import JsonFaultError, JsonText, ValueTooLongError
from malmoi_pipelines.raw.rows import RAW_BYTES, RawBlock, new_block
from malmoi_pipelines.raw.tasks import FilePart

AT_ONCE = 1 << 16  # characters of a list that are handed on together
MISSING = "missing_records"  # the reason where the path to the records leads nowhere


class _Unread(NamedTuple):
    """In the place of a record: why there is none."""

    reason: str


class _Found(NamedTuple):
    """Records behind each other."""

    records: Sequence[Any]
    """`_Unread` in the place of one that cannot be had."""
    around: tuple[Any, ...] = ()
    """The objects around them, the nearest first."""


def read_json(part: FilePart, options: ReadOptions, block_bytes: int) -> Iterator[RawBlock]:
    """The documents and bad records of one part of a file."""
    if options.records is None and is_json_lines(part.file):
        yield from read_json_lines(part, options, block_bytes)
        return
    fields = Fields(options)
    block, number, start = new_block(part), 0, 0
    text = _open(part.file, options)
    try:
        for records, around in _records(text, part.file, options, fields.climbs):
            for record in records:
                number += 1
                if type(record) is _Unread:
                    block.reject(number, record.reason, None)
                else:
                    block.add_record(number, record, None, fields, around)
            if text.characters - start >= block_bytes:
                yield block
                block, start = new_block(part), text.characters
    except JsonFaultError as fault:
        allow_damage(part.file, options, fault.reason)
        yield block
        block = new_block(part, fault.byte)
        head, lost = text.rest(RAW_BYTES)
        block.reject(1, fault.reason, head, lost)
        block.lost_bytes = text.lost_stored(fault, len(head) + lost, part.file.bytes)
    yield block


def _open(file: InputFile, options: ReadOptions) -> JsonText:
    return JsonText(read_chunks(file.path, file.compression), options.max_line_bytes)


def _records(text: JsonText, file: InputFile, options: ReadOptions, climbs: int) -> Iterator[_Found]:
    """All records of a file; `climbs`: how many objects around a record must be known."""
    steps = parse_path(options.records).steps if options.records is not None else ()
    outer = steps[: steps.index(EACH)] if EACH in steps else steps
    inner = steps[len(outer) + 1 :]
    beside: Iterator[tuple[Any, ...]] = iter(())
    if climbs > sum(step != EACH for step in inner):
        beside = _objects_around(_open(file, options), outer, options.any_case)
    while text.peek():
        around = next(beside, ())
        walk = _Walk(text, options.any_case)
        for items in walk.down(outer):
            if inner:
                for item in items:
                    yield from _inside(item, inner, around, options.any_case)
            else:
                yield _Found(items, around)
        if not walk.arrived:
            yield _Found((_Unread(MISSING),))


def _objects_around(text: JsonText, outer: Sequence[str], any_case: bool) -> Iterator[tuple[Any, ...]]:
    """Of each value of a stream the objects on the way to the records, without these.

    A pass of its own, since a field may stand behind the records that it is for.
    """
    try:
        while text.peek():
            walk = _Walk(text, any_case, keep=True)
            try:
                for _ in walk.down(outer):
                    pass
            finally:
                yield tuple(walk.around)
    except JsonFaultError:
        pass  # the pass over the records says so


class _Walk:
    """Goes down one value of a stream to its records."""

    def __init__(self, text: JsonText, any_case: bool, *, keep: bool = False) -> None:
        self._text = text
        self._any_case = any_case
        self._keep = keep
        self.around: list[dict[str, Any]] = []
        """With `keep` the objects on the way, the nearest to the records first, with all that lies beside the way."""
        self.arrived = False
        """Whether the way leads anywhere."""

    def down(self, names: Sequence[str]) -> Iterator[list[Any]]:
        """The items of the list at the end of a way, some at once, or what else is there alone.

        `_Unread` stands in the place of one that is too long.
        """
        if not names:
            self.arrived = True
            if self._text.peek() == "[":
                yield from self._items()
            else:
                yield [self._value()]
        elif self._text.peek() == "{":
            yield from self._fields(names)
        else:
            self._value()

    def _items(self) -> Iterator[list[Any]]:
        self._text.take("[")
        if self._text.peek() == "]":
            self._text.take("]")
            return
        items: list[Any] = []
        begun = self._text.characters
        try:
            items.append(self._value())
            while self._text.take(",]") == ",":
                if self._text.characters - begun >= AT_ONCE:
                    yield items
                    items, begun = [], self._text.characters
                items.append(self._value())
        except JsonFaultError:
            yield items
            raise
        yield items

    def _fields(self, names: Sequence[str]) -> Iterator[list[Any]]:
        beside: dict[str, Any] = {}
        self.around.insert(0, beside)
        if self._text.take("{") and self._text.peek() == "}":
            self._text.take("}")
            return
        while True:
            key = self._text.key()
            self._text.take(":")
            if key == ".".join(names):
                yield from self.down(())
            elif key_in({key: None}, names[0], any_case=self._any_case):
                yield from self.down(names[1:])
            elif not isinstance(value := self._value(), _Unread) and self._keep:
                beside[key] = value
            if self._text.take(",}") == "}":
                return

    def _value(self) -> Any:
        try:
            return self._text.value()
        except ValueTooLongError:
            return _Unread("line_too_long")


def _inside(value: Any, steps: Sequence[str], around: tuple[Any, ...], any_case: bool) -> Iterator[_Found]:
    """The records at the end of a way inside a value; what is around the value is known."""
    if not steps or steps[0] == EACH:
        items = value if isinstance(value, list) else [value]
        if len(steps) <= 1:
            yield _Found(items, around)
        else:
            for item in items:
                yield from _inside(item, steps[1:], around, any_case)
    elif isinstance(value, dict) and (name := key_in(value, steps[0], any_case=any_case)) is not None:
        yield from _inside(value[name], steps[1:], (value, *around), any_case)
    else:
        yield _Found((value if isinstance(value, _Unread) else _Unread(MISSING),))
