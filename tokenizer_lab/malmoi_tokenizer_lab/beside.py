"""What lies beside a base's tokenizer file, whichever kind of base it is."""

from collections.abc import Mapping
from typing import Any

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.json_files import read_object

COPIED = ("special_tokens_map.json", "chat_template.jinja", "chat_template.json", "generation_config.json")
"""Files that hold no ids of new tokens and are copied as they are."""


def read_beside(folder: str, name: str) -> dict[str, Any] | None:
    """A JSON object in a base's folder; None if there is no such file.

    Raises:
        BadInputError: it is something else.
    """
    path = files.join(folder, name)
    return read_object(path) if files.exists(path) else None


def check_type(value: Mapping[str, Any], name: str, kind: type, path: str) -> None:
    """Check the type of an entry, if it is there and not null.

    Raises:
        BadInputError: it is of another type.
    """
    entry = value.get(name)
    if entry is not None and (not isinstance(entry, kind) or isinstance(entry, bool)):
        raise BadInputError(
            f"{path}: {name} must be of type {kind.__name__}. It is {entry!r}.", hint="repair the file, or take it away"
        )


def embedding_rows(folder: str) -> int:
    """Rows of the model's embedding, from its config.json; 0 if there is none or it does not say.

    Raises:
        BadInputError: the file is broken, or an entry is of another type.
    """
    path = files.join(folder, "config.json")
    config = read_beside(folder, "config.json") or {}
    check_type(config, "text_config", dict, path)
    for part in (config, config.get("text_config") or {}):
        check_type(part, "vocab_size", int, path)
        if part.get("vocab_size"):
            return int(part["vocab_size"])
    return 0
