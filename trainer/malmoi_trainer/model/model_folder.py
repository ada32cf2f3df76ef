"""The folder of the model a run starts from: where it lies, and what it is."""

import os

import huggingface_hub
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.fingerprint import fingerprint_files

CREATED = "created"  # stands for the fingerprint of a model made from scratch: its config and seed are in the run's own
WEIGHTS = ("*.safetensors", "*.json")


def find_model(model: str) -> str:
    """The local folder of a model, fetched from the hub if `model` is not one.

    Raises:
        UsageError: neither a folder with a config.json nor a name the hub knows.
    """
    if os.path.isfile(os.path.join(model, "config.json")):
        return model
    try:
        return str(huggingface_hub.snapshot_download(model, allow_patterns=list(WEIGHTS)))
    except (OSError, ValueError) as error:  # the hub's errors derive from these
        raise UsageError(
            f"model = {model!r} is neither a folder with a config.json nor a model that could be fetched "
            f"({type(error).__name__})."
        ) from None


def model_fingerprint(folder: str) -> str:
    """Fingerprint of a model folder: its configuration and weights."""
    names = sorted(os.listdir(folder))
    kept = [name for name in names if name.endswith(".safetensors") or name == "config.json"]
    return fingerprint_files(files.join(folder, name) for name in kept)
