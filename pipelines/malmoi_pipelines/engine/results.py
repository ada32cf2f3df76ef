"""Results on their way to the driver: one line of JSON each, errors and tallies among them.

A MalmoiError of a step travels as a result: a runner would wrap it into an error of its own, and retry.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from malmoi_pipelines.contracts import result as results
from malmoi_pipelines.contracts.errors import BadInputError, CheckError, DefectError, MalmoiError, UsageError
from malmoi_pipelines.contracts.fingerprint import canonical_json
from malmoi_pipelines.contracts.result import Result

_ERROR_TYPES: dict[str, type[MalmoiError]] = {
    error.__name__: error for error in (MalmoiError, UsageError, BadInputError, CheckError, DefectError)
}


@dataclass(frozen=True)
class Failure(Result):
    """A MalmoiError that ended a partition."""

    type: str
    message: str
    hint: str | None

    @classmethod
    def of(cls, error: MalmoiError) -> "Failure":
        """An error as a result."""
        return cls(type(error).__name__, error.message, error.hint)


class Told(NamedTuple):
    """A result and who told it."""

    step: str
    partition: int
    result: Result


def encode(step: str, partition: int, result: Result) -> bytes:
    """A result as one line of JSON, which sorts the same way on every runner."""
    return canonical_json([step, partition, *results.encode(result)])


def decode(lines: Iterable[bytes]) -> list[Told]:
    """Results as they were encoded."""
    return [
        Told(step, partition, results.decode(kind, value)) for step, partition, kind, value in map(orjson.loads, lines)
    ]


def error_in(told: Iterable[Told]) -> MalmoiError | None:
    """The first error among results, as the step raised it."""
    for _, _, result in told:
        if isinstance(result, Failure):
            return _ERROR_TYPES[result.type](result.message, result.hint)
    return None
