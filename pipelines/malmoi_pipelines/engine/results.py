"""Results on their way to the driver: one line of JSON each, errors and tallies among them.

A MalmoiError of a step travels as a result: a runner would wrap it into an error of its own, and retry.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from malmoi_pipelines.contracts.errors import BadInputError, CheckError, DefectError, MalmoiError, UsageError
from malmoi_pipelines.contracts.fingerprint import canonical_json
from malmoi_pipelines.engine.job import Result
from malmoi_pipelines.engine.tally import Tally

_ERROR = "error"  # key of a result that carries a MalmoiError
_ERROR_TYPES: dict[str, type[MalmoiError]] = {
    error.__name__: error for error in (MalmoiError, UsageError, BadInputError, CheckError, DefectError)
}


def encode_result(step: str, partition: int, result: Result) -> bytes:
    """A result as one line of JSON, which sorts the same way on every runner."""
    return canonical_json([step, partition, result.value])


def encode_tally(step: str, partition: int, tally: Tally) -> bytes:
    """What a partition did, as a line that holds no value: keys of values are the steps' own."""
    return canonical_json([step, partition, None, tally.to_json()])


class Decoded(NamedTuple):
    """The results of some partitions."""

    results: list[list[Any]]
    """Each (step, partition, value)."""
    tallies: list[tuple[str, Tally]]
    """Each (step, what a partition of it did)."""


def decode(lines: Iterable[bytes]) -> Decoded:
    """Results as they were encoded, the tallies apart."""
    found = Decoded([], [])
    for line in lines:
        step, partition, value, *tally = orjson.loads(line)
        if tally:
            found.tallies.append((step, Tally(**tally[0])))
        else:
            found.results.append([step, partition, value])
    return found


def error_result(error: MalmoiError) -> Result:
    """An error as a result."""
    return Result({_ERROR: {"type": type(error).__name__, "message": error.message, "hint": error.hint}})


def error_in(results: Iterable[list[Any]]) -> MalmoiError | None:
    """The first error among decoded results (step, partition, value), as the step raised it."""
    for _, _, value in results:
        if error := value.get(_ERROR):
            return _ERROR_TYPES[error["type"]](error["message"], error["hint"])
    return None
