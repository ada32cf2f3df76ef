"""Packages beyond the core, and the extra of malmoi that brings each: where one is missing, its extra is named.

Imports of these packages stand where they are used or behind a `require`, so that no verb ends in a traceback.
"""

import importlib.util

from malmoi_pipelines.contracts.errors import UsageError

EXTRAS = {
    "ahocorasick_rs": "data",
    "apache_beam": "data",
    "datasketch": "data",
    "fasttext": "langid",
    "fastwarc": "data",
    "ftfy": "data",
    "kenlm": "lm",
    "kiwipiepy": "morphemes",
    "regex": "data",
    "resiliparse": "data",
    "torch": "train",
    "transformers": "train",
}
"""Import → the extra to install; tests compare it with pyproject.toml."""


def modules_of(extra: str) -> tuple[str, ...]:
    """The imports that an extra brings.

    >>> modules_of("train")
    ('torch', 'transformers')
    """
    return tuple(module for module, brought_by in EXTRAS.items() if brought_by == extra)


def is_installed(module: str) -> bool:
    """Whether a package can be imported; it is not."""
    return importlib.util.find_spec(module) is not None


def require(what: str, *modules: str) -> None:
    """Refuse to go on without packages.

    Args:
        what: needs them, as the beginning of a sentence.
        modules: imports, all of `EXTRAS`.

    Raises:
        UsageError: some are not installed; it names them and what to install.
    """
    missing = [module for module in modules if not is_installed(module)]
    if missing:
        extras = ",".join(sorted({EXTRAS[module] for module in missing}))
        names = ", ".join(missing)
        verb = "is" if len(missing) == 1 else "are"
        raise UsageError(f"{what} needs {names}, which {verb} not installed.", hint=f"pip install 'malmoi[{extras}]'")
