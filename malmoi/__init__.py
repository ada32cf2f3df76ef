"""malmoi: raw Korean text to an extended tokenizer and a continued-pretrained model.

The stages as functions; docs/python.md walks through them. Each is imported when it is first used, so that
`import malmoi` and the command line start at once.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from malmoi.api import clean, count, count_tokens, dedupe, expand, run_recipe, sample, shard, train
    from malmoi.dataset import Dataset, open_dataset

__version__ = version("malmoi")

__all__ = [
    "Dataset",
    "clean",
    "count",
    "count_tokens",
    "dedupe",
    "expand",
    "open_dataset",
    "run_recipe",
    "sample",
    "shard",
    "train",
]

_IN_DATASET = ("Dataset", "open_dataset")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'malmoi' has no attribute {name!r}")
    return getattr(import_module("malmoi.dataset" if name in _IN_DATASET else "malmoi.api"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
