"""What a step of a job tells its driver: small dataclasses, which cross between processes as JSON.

Each kind is declared where it is made and picked by its class where it is read, so that a field that was renamed is an
error of the type checker and not a zero in a report.

>>> from dataclasses import dataclass
>>> @dataclass
... class Found(Result):
...     words: int
>>> crossed = decode(*encode(Found(3)))
>>> pick([crossed], Found)
[Found(words=3)]
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BeforeValidator, PlainSerializer, TypeAdapter

from malmoi_pipelines.contracts.ledger import Ledger

_KINDS: dict[str, type["Result"]] = {}
_ADAPTERS: dict[type["Result"], TypeAdapter["Result"]] = {}
_Kind = TypeVar("_Kind", bound="Result")


class Result:
    """Base of all kinds. A kind is a dataclass of plain values, other dataclasses and pydantic models."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _KINDS[cls.kind()] = cls

    @classmethod
    def kind(cls) -> str:
        """The name by which it crosses."""
        return f"{cls.__module__}:{cls.__qualname__}"


@dataclass
class Accounted(Result):
    """A result with what became of the documents that it is about."""

    ledger: Ledger = field(default_factory=Ledger)


def pick(results: Iterable[Result], kind: type[_Kind]) -> list[_Kind]:
    """The results of one kind and of those derived from it, in their order."""
    return [result for result in results if isinstance(result, kind)]


def ledger_of(results: Iterable[Result]) -> Ledger:
    """What became of all documents: the ledgers of all results, added up."""
    total = Ledger()
    for result in pick(results, Accounted):
        total.merge(result.ledger)
    return total


def encode(result: Result) -> tuple[str, Any]:
    """The name of a result's kind, and the result as plain JSON values."""
    return result.kind(), _adapter(type(result)).dump_python(result, mode="json")


def decode(name: str, value: Any) -> Result:
    """The inverse of `encode`, in a process that has imported the module of the kind."""
    return _adapter(_KINDS[name]).validate_python(value)


def _adapter(kind: type[Result]) -> TypeAdapter[Result]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def _to_rows(counter: Counter[tuple[Any, ...]]) -> list[list[Any]]:
    return [[*key, count] for key, count in sorted(counter.items())]


def _from_rows(value: Any) -> Any:
    return Counter({tuple(key): count for *key, count in value}) if isinstance(value, list) else value


AS_ROWS = (PlainSerializer(_to_rows), BeforeValidator(_from_rows))
"""Annotates a Counter whose keys are tuples, which JSON has not: it crosses as rows of key parts and count."""
