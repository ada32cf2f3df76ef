"""Paths to values inside records: `metadata.title`, `paragraph[*].form`, `.` and `^.title`.

A path is read from the record down: a name opens an object, `[*]` every item of a list, a leading `^` steps to the
object around the record, and `.` alone is the record itself. A field called exactly as the rest of a path wins over
the path, so that names with dots stay names.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

EACH = "[*]"
_STEP = re.compile(r"\[\*\]|[^.\[\]^]+")
_WHOLE = re.compile(r"(?:\^\.)*(?:\^|(?:\[\*\])+|[^.\[\]^]+(?:\[\*\])*)(?:\.[^.\[\]^]+(?:\[\*\])*)*")


@dataclass(frozen=True)
class FieldPath:
    """A way from a record to values in or around it."""

    text: str
    """As it was written."""
    up: int
    """Objects around the record that it climbs first."""
    steps: tuple[str, ...]
    """Names, and `EACH` for the items of a list."""
    rests: tuple[str, ...]
    """The path from each step on, as it was written: a field may be called so."""

    @functools.cached_property
    def is_name(self) -> bool:
        """Whether it is a field of the record itself."""
        return not self.up and self.steps == (self.text,)

    @property
    def first(self) -> str | None:
        """The field of the record that it opens; None where it opens none."""
        return self.steps[0] if self.steps and not self.up and self.steps[0] != EACH else None


def parse_path(text: str) -> FieldPath:
    """Read a path; what is none is the name of a field, as it stands (`본문[1]`).

    >>> parse_path("paragraph[*].form").steps, parse_path("^.title").up, parse_path(".").steps
    (('paragraph', '[*]', 'form'), 1, ())
    >>> parse_path("본문[1]").is_name
    True
    """
    if text == ".":
        steps: tuple[str, ...] = ()
    elif _WHOLE.fullmatch(text):
        steps = tuple(_STEP.findall(text))
    else:
        steps = (text,)
    up = 0 if steps == (text,) else text.count("^")
    return FieldPath(text, up, steps, tuple(_spelled(steps[number:]) for number in range(len(steps))))


def _spelled(steps: tuple[str, ...]) -> str:
    return "".join(step if step == EACH or number == 0 else f".{step}" for number, step in enumerate(steps))


def values_at(path: FieldPath, record: Any, around: Sequence[Any] = (), *, any_case: bool = False) -> list[Any]:
    """The values that a path leads to, in order; none where it leads nowhere.

    Args:
        path: the way.
        record: where it begins.
        around: the objects around the record, the nearest first.
        any_case: whether a name is also found where it is written in other letters: `Text` for `text`.

    >>> values_at(parse_path("p[*].form"), {"p": [{"form": "가"}, {}, {"form": "나"}]})
    ['가', '나']
    >>> values_at(parse_path("a.b"), {"a.b": 1, "a": {"b": 2}})
    [1]
    """
    if path.up > len(around):
        return []
    return _down(around[path.up - 1] if path.up else record, path, 0, any_case)


def _down(value: Any, path: FieldPath, number: int, any_case: bool) -> list[Any]:
    """What the steps of a path from one on lead to."""
    steps = path.steps
    for at in range(number, len(steps)):
        name, rest = steps[at], path.rests[at]
        if name == EACH:
            return _down_each(value, path, at + 1, any_case)
        if type(value) is not dict:
            return []
        if rest in value:
            return [value[rest]]
        found = key_in(value, name, any_case=any_case)
        if found is None:
            return []
        value = value[found]
    return [value]


def _down_each(values: Any, path: FieldPath, number: int, any_case: bool) -> list[Any]:
    if type(values) is not list:
        return []
    if number == len(path.steps):
        return values
    name = path.rests[number]
    if number == len(path.steps) - 1 and name != EACH and not any_case:  # most paths end so
        return [value[name] for value in values if type(value) is dict and name in value]
    return [found for value in values for found in _down(value, path, number, any_case)]


def key_in(fields: dict[str, Any], name: str, *, any_case: bool) -> str | None:
    """How a field is called there; None if it is not there."""
    if name in fields:
        return name
    if not any_case:
        return None
    return next((key for key in fields if key.casefold() == name.casefold()), None)


def without(record: dict[str, Any], path: FieldPath, *, any_case: bool = False) -> dict[str, Any]:
    """A record without what a path leads to; of a list that it opens nothing stays.

    >>> without({"id": 1, "meta": {"title": "가", "date": 2}}, parse_path("meta.title"))
    {'id': 1, 'meta': {'date': 2}}
    """
    return record if path.up else _without(record, path, 0, any_case)


def _without(record: dict[str, Any], path: FieldPath, number: int, any_case: bool) -> dict[str, Any]:
    steps = path.steps[number:]
    whole = bool(steps) and path.rests[number] in record
    name = path.rests[number] if whole else key_in(record, steps[0], any_case=any_case) if steps else None
    if name is None:
        return record
    inner = record[name]
    if not whole and len(steps) > 1 and isinstance(inner, dict):
        rest = _without(inner, path, number + 1, any_case)
        if rest:
            return {key: rest if key == name else value for key, value in record.items()}
    return {key: value for key, value in record.items() if key != name}
