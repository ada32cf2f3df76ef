"""What code makes a stage's output: the modules it imports, and the versions of the packages that decide its bytes.

A released version number would not tell two states of a working tree apart, and a stage skipped with stale code is
worse than one run twice. But to run 10 TB again for a comment, or for a module that the stage never calls, is no
better: so a stage depends on what its module imports, directly or not, and of that on the statements alone.
"""

import ast
import functools
import importlib.metadata
import importlib.util
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import xxhash
from pydantic import BaseModel, ConfigDict

from malmoi_pipelines.contracts.errors import DefectError

OURS = ("malmoi", "malmoi_pipelines", "malmoi_tokenizer_lab", "malmoi_trainer")
DECIDING = {
    "fasttext": "fasttext-predict",
    "fastwarc": "FastWARC",
    "ftfy": "ftfy",
    "kiwipiepy": "kiwipiepy",
    "regex": "regex",
    "resiliparse": "Resiliparse",
    "sentencepiece": "sentencepiece",
    "tokenizers": "tokenizers",
    "torch": "torch",
    "transformers": "transformers",
    "unicodedata": "Unicode tables",
}
"""Imports whose version decides what a stage writes → the name that people know."""
NEUTRAL = {
    "ahocorasick_rs": "which phrases a text holds has one answer",
    "apache_beam": "moves data, in any order",
    "datasketch": "estimates what stands in reports alone",
    "fsspec": "reads and writes files",
    "huggingface_hub": "finds files, which count by their content",
    "kenlm": "adds 32-bit floats as our own scorer does, bit for bit: tests compare them",
    "matplotlib": "draws the pictures of reports",
    "numpy": "sums, sorts and IEEE arithmetic have one answer, logarithms do not: see `LOGARITHMS`",
    "orjson": "JSON has one meaning",
    "psutil": "measures memory, which no manifest names",
    "pyarrow": "rows in, rows out; a new version writes equal rows to other bytes",
    "pydantic": "checks settings, which count by their values",
    "xxhash": "a hash has one answer",
    "yaml": "reads settings, which count by their values",
    "zstandard": "compression is lossless",
}
"""Imports whose version does not, and why: an update of theirs must not make a corpus stale."""
LOGARITHMS = ("malmoi_pipelines.clean.perplexity", "malmoi_pipelines.lm.estimate", "malmoi_pipelines.lm.scoring")
"""The modules in which NumPy's last bit may decide what is written."""
NOT_INSTALLED, NOT_USED = "not installed", "not used"
_SHOWN = 4  # modules named in a reason


class Code(BaseModel):
    """What made a folder: every module that the stage imports, and every package that decides its bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    """The module of the stage: the others are those that it imports, directly or not, in functions, too."""
    modules: dict[str, str] = {}
    """Module, or data file of one → digest; of a module's statements, without comments and docstrings."""
    packages: dict[str, str] = {}
    """Package → version; or "not installed"; or "not used", where the settings leave it out."""

    @property
    def unused(self) -> tuple[str, ...]:
        """The packages that the settings left out."""
        return tuple(name for name, version in self.packages.items() if version == NOT_USED)

    def changes(self, now: "Code") -> list[str]:
        """What differs in `now`, for people.

        >>> old = Code(stage="s", modules={"s": "1", "t": "2"}, packages={"ftfy": "6.3.1"})
        >>> old.changes(Code(stage="s", modules={"s": "3", "u": "4"}, packages={"ftfy": "6.4.0"}))
        ['code changed: s', 'code no longer used: t', 'code newly used: u', 'ftfy: 6.3.1 → 6.4.0']
        """
        both = self.modules.keys() & now.modules.keys()
        told = [
            f"code {what}: {_some(sorted(names))}"
            for what, names in (
                ("changed", {name for name in both if self.modules[name] != now.modules[name]}),
                ("no longer used", self.modules.keys() - both),
                ("newly used", now.modules.keys() - both),
            )
            if names
        ]
        for name in sorted(self.packages.keys() | now.packages.keys()):
            before, after = self.packages.get(name, NOT_USED), now.packages.get(name, NOT_USED)
            if before != after:
                told.append(f"{name}: {before} → {after}")
        return told


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def code_of(stage: str, unused: Iterable[str] = ()) -> Code:
    """The code that a stage's output depends on.

    Args:
        stage: the module of the stage, `__name__` there.
        unused: packages (their imports' names) that the settings at hand leave out; their versions do not count.

    Raises:
        DefectError: a module of ours is imported that does not exist, or a package of which nobody said whether its
            version decides what is written (`DECIDING`, `NEUTRAL`).
    """
    modules: dict[str, str] = {}
    packages: dict[str, str] = {}
    left_out = {DECIDING.get(name, name) for name in unused}
    todo = [stage]
    while todo:
        module = todo.pop()
        if module in modules:
            continue
        source = read_source(module)
        modules |= {module: source.digest, **source.data}
        todo += source.ours
        for name in source.packages:
            label = DECIDING.get(name, name)
            packages[label] = NOT_USED if label in left_out else _version(name)
    return Code(stage=stage, modules=dict(sorted(modules.items())), packages=dict(sorted(packages.items())))


@dataclass(frozen=True)
class Source:
    """What matters of one module."""

    digest: str
    """xxh3-64 of its statements, 16 hex digits."""
    ours: tuple[str, ...]
    """The modules of ours that it imports, and the packages it lies in, whose `__init__` is run, too."""
    packages: tuple[str, ...]
    """The imports of others whose version decides what is written."""
    data: dict[str, str]
    """The files of the packages whose resources it reads → xxh3-64 of each."""


@functools.cache
def read_source(module: str) -> Source:
    """Read a module of ours, without running it; once a process.

    Raises:
        DefectError: there is no such module.
    """
    path = _path(module)
    if path is None:
        raise DefectError(f"there is no module {module}.")
    with open(path, "rb") as file:
        tree = _Bare().visit(ast.parse(file.read()))
    nodes = list(ast.walk(tree))
    imported = set(_imports(nodes))
    ours = {name for name in imported if name.partition(".")[0] in OURS}
    packages = {name.partition(".")[0] for name in imported - ours} - (sys.stdlib_module_names - DECIDING.keys())
    if unknown := packages - DECIDING.keys() - NEUTRAL.keys():
        raise DefectError(f"{module} imports {sorted(unknown)}: whether the version decides bytes is not said.")
    deciding = packages & DECIDING.keys() | (packages & {"numpy"} if module in LOGARITHMS else set())
    package = module.rpartition(".")[0]
    data = dict(entry for name in _resources(nodes) for entry in _data_files(name))
    return Source(_digest(tree), tuple({*ours, package} - {""}), tuple(deciding), data)


def _path(module: str) -> str | None:
    """The file of a module of ours; found without importing anything."""
    root, *parts = module.split(".")
    for folder in _folders(root):
        base = os.path.join(folder, *parts)
        for path in (f"{base}.py", os.path.join(base, "__init__.py")):
            if os.path.isfile(path):
                return path
    return None


@functools.cache
def _folders(package: str) -> tuple[str, ...]:
    spec = importlib.util.find_spec(package)
    return tuple((spec.submodule_search_locations if spec else None) or ())


class _Bare(ast.NodeTransformer):
    """Removes what is never run: docstrings, those of fields, too, and imports for type checkers alone."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Nothing in place of a text that stands alone."""
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        """What is run in place of `if TYPE_CHECKING`."""
        self.generic_visit(node)
        for_checkers = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return node.orelse if for_checkers else node


def _imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The modules that are imported, wherever."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield module
            if module.partition(".")[0] in OURS:
                names = (f"{module}.{alias.name}" for alias in node.names)
                yield from (name for name in names if _path(name) is not None)


def _resources(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The packages whose files are read: `importlib.resources.files("package")`."""
    for node in nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.resources.files":
            yield from (str(argument.value) for argument in node.args if isinstance(argument, ast.Constant))


def _data_files(package: str) -> Iterator[tuple[str, str]]:
    """All files of a package that are not Python, as far as they belong to no package below it, with their digests."""
    folder = os.path.dirname(_path(package) or "")
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not os.path.exists(os.path.join(base, name, "__init__.py")))
        for name in sorted(names):
            if not name.endswith((".py", ".pyc", ".typed")):
                path = os.path.join(base, name)
                with open(path, "rb") as file:
                    yield f"{package}/{os.path.relpath(path, folder)}", xxhash.xxh3_64_hexdigest(file.read())


def _digest(tree: ast.AST) -> str:
    """Digest of a syntax tree, the same in every version of Python: fields that are empty or new do not count."""
    parts: list[str] = []
    _write(tree, parts)
    return xxhash.xxh3_64_hexdigest("\0".join(parts).encode("utf-8", "surrogatepass"))


def _write(value: object, parts: list[str]) -> None:
    if isinstance(value, ast.AST):
        parts.append(type(value).__name__)
        for name in value._fields:
            inner = getattr(value, name, None)
            if inner is not None and inner != []:
                parts.append(name)
                _write(inner, parts)
        parts.append(")")
    elif isinstance(value, list):
        for item in value:
            _write(item, parts)
        parts.append("]")
    else:
        parts.append(repr(value))


def _version(name: str) -> str:
    """The installed version of what is imported by this name."""
    if name == "unicodedata":
        return unicodedata.unidata_version
    try:
        return importlib.metadata.version(DECIDING.get(name, name))
    except importlib.metadata.PackageNotFoundError:
        return NOT_INSTALLED
