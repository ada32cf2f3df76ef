"""The folder of the model a run starts from: where it lies, and what it is."""

import os
from collections.abc import Iterable

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.fingerprint import fingerprint_files
from malmoi_pipelines.contracts.hub import find_named

CREATED = "created"  # stands for the fingerprint of a model made from scratch: its config and seed are in the run's own
CONFIG = "config.json"
SAFETENSORS = ".safetensors"
_HINT = "name a folder of a Hugging Face model here, or its name on the hub, owner/name"


def find_model(model: str) -> str:
    """The local folder of a model with its weights, fetched from the hub if `model` is a name there.

    Args:
        model: a folder, which may be relative or start with `~`; `owner/name` or `owner/name@revision` of the hub.

    Raises:
        UsageError: there is nothing of that name, or not on this machine.
        BadInputError: it is no folder of a model, or has no weights as safetensors.
    """
    folder = _find(model, (f"*{SAFETENSORS}", "*.json"))
    if not any(name.endswith(SAFETENSORS) for name in os.listdir(folder)):
        raise BadInputError(f"model = {model!r}: there are no weights *{SAFETENSORS} in {folder}.", hint=_HINT)
    return folder


def find_model_config(model: str) -> str:
    """The config.json of a model, named as in `find_model`; nothing else is fetched.

    Raises:
        UsageError: there is nothing of that name, or not on this machine.
        BadInputError: it is no folder of a model.
    """
    return files.join(_find(model, (CONFIG,)), CONFIG)


def _find(model: str, patterns: Iterable[str]) -> str:
    folder = find_named(model, patterns, _HINT)
    if not files.is_local(folder):
        raise UsageError(f"model = {model!r} must be a folder of this machine.", hint="copy it here first")
    if not files.exists(files.join(folder, CONFIG)):
        raise BadInputError(f"model = {model!r}: there is no {CONFIG} in {folder}.", hint=_HINT)
    return files.filesystem(folder)[1]


def model_fingerprint(folder: str) -> str:
    """Fingerprint of a model folder: its configuration and weights."""
    names = sorted(os.listdir(folder))
    kept = [name for name in names if name.endswith(SAFETENSORS) or name == CONFIG]
    return fingerprint_files(files.join(folder, name) for name in kept)
