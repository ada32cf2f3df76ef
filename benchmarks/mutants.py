"""Change a module a little, run its tests, and list the changes that no test notices.

    python benchmarks/mutants.py [MODULE.py ...] [--sample 25] [--seconds 120] [--seed 1]

MODULE is a path below the repository; without any, the pure cores of `CORES`. Each mutant is one change: a comparison
flipped, `and` for `or`, `+` for `-`, a whole number plus one, a `not` or a statement left out. It is tried in a copy of
the tree with the tests of the folder that mirrors the module's. Survivors that `docs/mutants.md` explains are not
listed again; any others end the run with exit code 1.
"""

import argparse
import ast
import copy
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).parents[1]
KNOWN = ROOT / "docs" / "mutants.md"
HOMES = {
    "pipelines/malmoi_pipelines": "tests/pipelines",
    "tokenizer_lab/malmoi_tokenizer_lab": "tests/tokenizer_lab",
    "trainer/malmoi_trainer": "tests/trainer",
    "malmoi": "tests/malmoi",
}
CORES = (
    "pipelines/malmoi_pipelines/contracts/distinct.py",
    "pipelines/malmoi_pipelines/contracts/ledger.py",
    "pipelines/malmoi_pipelines/contracts/stage.py",
    "pipelines/malmoi_pipelines/count/growth.py",
    "pipelines/malmoi_pipelines/count/order.py",
    "pipelines/malmoi_pipelines/count/words.py",
    "pipelines/malmoi_pipelines/shard/packing.py",
    "pipelines/malmoi_pipelines/shard/sampling.py",
    "pipelines/malmoi_pipelines/shard/steps.py",
)
SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}
TIERS = ("not long", "long and not slow and not flink")  # the second for what the first does not notice
FOUND, TOOK_LONG, SURVIVED = "found", "took too long", "survived"
Change = Callable[[Any], ast.AST]
"""Makes a changed node of a node of the kind that it was made for."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", default=CORES)
    parser.add_argument("--sample", type=int, default=25, help="mutants of each module, drawn; 0: all")
    parser.add_argument(
        "--seconds", type=int, default=120, help="a tier of tests that takes longer ends the mutant, as no survivor"
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    known = explained(KNOWN.read_text())
    new = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = pathlib.Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "demo", "out")
        shutil.copytree(ROOT, tree, ignore=ignored)
        for module in arguments.modules:
            original = (tree / module).read_text()
            if (end := fate(tree, module, original, arguments.seconds)) != SURVIVED:
                sys.exit(f"{module}: its tests fail or take too long as it is ({end}), so they tell nothing of mutants")
            found = list(mutants(original))
            if arguments.sample:
                found = random.Random(arguments.seed).sample(found, min(arguments.sample, len(found)))
            fates = [(name, fate(tree, module, source, arguments.seconds)) for name, source in found]
            (tree / module).write_text(original)
            survivors = [name for name, end in fates if end == SURVIVED]
            unknown = [name for name in survivors if (module, name) not in known]
            new += len(unknown)
            took_long = sum(end == TOOK_LONG for _, end in fates)
            counts = f"{len(found)} mutants, {took_long} took too long, {len(survivors)} survived"
            print(f"{module}: {counts}, {len(unknown)} of them unexplained")
            for name in unknown:
                print(f"  - `{name}`", flush=True)
    sys.exit(1 if new else 0)


def explained(page: str) -> set[tuple[str, str]]:
    """The mutants, as (module, name), in the rows of the page's first table."""
    table = page.partition("\n## ")[0]
    return set(re.findall(r"^\| `(\S+)` \| `(.+?)` \|", table, re.M))


def fate(tree: pathlib.Path, module: str, source: str, seconds: int) -> str:
    """What the module's tests make of this source."""
    (tree / module).write_text(source)
    places = [str(tree / part) for part in (".", "pipelines", "tokenizer_lab", "trainer")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(places), "PYTHONDONTWRITEBYTECODE": "1"}
    for tier in TIERS:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", tier, *tests_of(module)]
        try:
            done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=False, timeout=seconds)
        except subprocess.TimeoutExpired:
            return TOOK_LONG
        if done.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            return FOUND
    return SURVIVED


def tests_of(module: str) -> list[str]:
    """The folder or files of tests that mirror a module: those named after it, else all of its folder.

    >>> tests_of("malmoi/recipe.py")
    ['tests/malmoi/test_recipe.py']
    """
    package, home = next(pair for pair in HOMES.items() if module.startswith(f"{pair[0]}/"))
    inside = pathlib.PurePath(module).relative_to(package)
    folder = ROOT / home / inside.parent
    named = {path for start in ("test_", "test_*_") for path in folder.glob(f"{start}{inside.stem}*.py")}
    return [str(path.relative_to(ROOT)) for path in sorted(named) or [folder]]


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """All mutants of a source, each with the function and what became what; the second of a name ends in (2)."""
    tree = ast.parse(source)
    seen: Counter[str] = Counter()
    for number, (place, node) in enumerate(_sites(tree)):
        for change in _changes(node):
            mutant = copy.deepcopy(tree)
            target = list(_sites(mutant))[number][1]
            before = _short(target)
            after = change(target)
            _replace(mutant, target, after)
            name = f"{place}: {before} → {_short(after)}"
            seen[name] += 1
            numbered = f"{name} ({seen[name]})" if seen[name] > 1 else name
            yield numbered, ast.unparse(ast.fix_missing_locations(mutant))


def _sites(tree: ast.AST, place: str = "module") -> Iterator[tuple[str, ast.AST]]:
    """Every node that may change, with the function it is in; annotations, imports and docstrings are left alone."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.Import | ast.ImportFrom) or not isinstance(node, ast.AST):
                continue
            inner = place
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                inner = f"{place}.{node.name}".removeprefix("module.")
            yield inner, node
            yield from _sites(node, inner)


def _changes(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield lambda found: ast.Compare(found.left, [SWAPS[type(found.ops[0])](), *found.ops[1:]], found.comparators)
    elif isinstance(node, ast.BoolOp):
        yield lambda found: ast.BoolOp(SWAPS[type(found.op)](), found.values)
    elif isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        yield lambda found: ast.BinOp(found.left, SWAPS[type(found.op)](), found.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield lambda found: found.operand
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield lambda found: ast.Constant(found.value + 1)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield lambda found: ast.Constant(not found.value)
    elif _may_go(node):
        yield lambda found: ast.Pass()


def _may_go(node: ast.AST) -> bool:
    """Whether a function is still one without this statement."""
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    return is_call or isinstance(node, ast.AugAssign | ast.Raise)


def _replace(tree: ast.AST, target: ast.AST, after: ast.AST) -> None:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, after)
            elif isinstance(value, list) and any(item is target for item in value):
                value[next(place for place, item in enumerate(value) if item is target)] = after


def _short(node: ast.AST) -> str:
    return re.sub(r"\s+", " ", ast.unparse(node))[:90].replace("`", "'")


if __name__ == "__main__":
    main()
