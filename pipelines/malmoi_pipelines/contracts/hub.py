"""Folders of the Hugging Face hub: what may stand wherever a local folder of a tokenizer or a model does."""

import os
import re
from collections.abc import Iterable

from malmoi_pipelines.contracts.errors import BadInputError

_NAME = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


def local_name(path: str) -> str:
    """A local path in full, with `~` for the home folder; a URL as it is.

    >>> local_name("gs://bucket/tokenizer"), local_name("/a/./b")
    ('gs://bucket/tokenizer', '/a/b')
    """
    return path if "://" in path else os.path.abspath(os.path.expanduser(path))


def is_hub_name(name: str) -> bool:
    """Whether a name has the form `owner/name` or `owner/name@revision`.

    >>> is_hub_name("upstage/SOLAR-10.7B-v1.0"), is_hub_name("a/b@main"), is_hub_name("a/b/c"), is_hub_name("~/b")
    (True, True, False, False)
    """
    return _NAME.fullmatch(name) is not None and not name.startswith(".")


def hub_folder(name: str, patterns: Iterable[str]) -> str:
    """The local folder of a repository of the hub: downloaded, or from the cache where the hub is out of reach.

    Args:
        name: `owner/name` or `owner/name@revision`.
        patterns: the files that are wanted.

    Raises:
        BadInputError: the hub has none of that name, or cannot be reached and the cache has none.
    """
    import huggingface_hub  # noqa: PLC0415  # half a second, for hub names alone

    found = _NAME.fullmatch(name)
    assert found is not None, "asked with is_hub_name first"
    try:
        return str(
            huggingface_hub.snapshot_download(
                found["repo"], revision=found["revision"], allow_patterns=sorted(patterns)
            )
        )
    except (OSError, ValueError) as error:  # the hub's errors derive from these
        raise BadInputError(
            f"there is no {name}: it is no local path, and the Hugging Face hub gave none ({type(error).__name__}).",
            hint="check the spelling; a private name needs `hf auth login`",
        ) from None
