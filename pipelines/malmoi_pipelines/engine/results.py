"""Results on their way to the driver: one line of JSON each, errors among them.

A MalmoiError of a step travels as a result: a runner would wrap it into an error of its own, and retry.
"""

from collections.abc import Iterable
from typing import Any

from malmoi_pipelines.contracts.errors import BadInputError, CheckError, DefectError, MalmoiError, UsageError
from malmoi_pipelines.contracts.fingerprint import canonical_json
from malmoi_pipelines.engine.job import Result

_ERROR = "error"  # key of a result that carries a MalmoiError
_ERROR_TYPES: dict[str, type[MalmoiError]] = {
    error.__name__: error for error in (MalmoiError, UsageError, BadInputError, CheckError, DefectError)
}


def encode_result(step: str, partition: int, result: Result) -> bytes:
    """A result as one line of JSON, which sorts the same way on every runner."""
    return canonical_json([step, partition, result.value])


def error_result(error: MalmoiError) -> Result:
    """An error as a result."""
    return Result({_ERROR: {"type": type(error).__name__, "message": error.message, "hint": error.hint}})


def raise_errors(results: Iterable[list[Any]]) -> None:
    """Raise the first error among decoded results (step, partition, value), as the step raised it."""
    for _, _, value in results:
        if error := value.get(_ERROR):
            raise _ERROR_TYPES[error["type"]](error["message"], error["hint"])
