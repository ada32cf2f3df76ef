"""JSON files that others wrote."""

from typing import Any

import orjson

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError


def read_object(path: str) -> dict[str, Any]:
    """Read a file that must hold a JSON object, such as a config.json.

    Raises:
        BadInputError: it cannot be read, is not JSON, or holds something else.
    """
    try:
        value = orjson.loads(files.read_bytes(path))
    except orjson.JSONDecodeError as error:
        raise BadInputError(f"{path} is not JSON: {error}", hint="repair the file, or take it away") from None
    if not isinstance(value, dict):
        raise BadInputError(f"{path} must be a JSON object. It is a {type(value).__name__}.")
    return value
