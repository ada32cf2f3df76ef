"""Packages beyond the core, and the extra of malmoi that brings each: where one is missing, its extra is named.

What clears a folder asks with `require` first; an import that fails anywhere else is worded by `named`.
"""

import contextlib
import importlib.util
from collections.abc import Iterator

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


def missing_of(extra: str) -> tuple[str, ...]:
    """The imports that an extra brings and that are not installed; none of the empty extra, the core."""
    return tuple(module for module, brings in EXTRAS.items() if brings == extra and not is_installed(module))


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


@contextlib.contextmanager
def named() -> Iterator[None]:
    """Word the failed import of a package that an extra brings; also a decorator.

    Raises:
        UsageError: in place of that `ModuleNotFoundError`.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module in EXTRAS:
            require("this", module)
        raise
