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
from collections.abc import Callable, Iterator

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
Change = Callable[[ast.AST], ast.AST]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", default=CORES)
    parser.add_argument("--sample", type=int, default=25, help="mutants of each module, drawn; 0: all")
    parser.add_argument("--seconds", type=int, default=120, help="a mutant that takes longer counts as found")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    known = KNOWN.read_text() if KNOWN.exists() else ""
    new = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = pathlib.Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "demo", "out")
        shutil.copytree(ROOT, tree, ignore=ignored)
        for module in arguments.modules:
            found = list(mutants((ROOT / module).read_text()))
            if arguments.sample:
                found = random.Random(arguments.seed).sample(found, min(arguments.sample, len(found)))
            survivors = [name for name, source in found if survives(tree, module, source, arguments.seconds)]
            (tree / module).write_text((ROOT / module).read_text())
            unknown = [name for name in survivors if f"`{name}`" not in known]
            new += len(unknown)
            print(f"{module}: {len(found)} mutants, {len(survivors)} survived, {len(unknown)} of them unexplained")
            for name in unknown:
                print(f"  - `{name}`", flush=True)
    sys.exit(1 if new else 0)


def survives(tree: pathlib.Path, module: str, source: str, seconds: int) -> bool:
    """Whether the module's tests pass with this source."""
    (tree / module).write_text(source)
    places = [str(tree / part) for part in (".", "pipelines", "tokenizer_lab", "trainer")]
    flags = ("-q", "-x", "-p", "no:cacheprovider", "-m", "not long")
    command = [sys.executable, "-m", "pytest", *flags, *tests_of(module)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(places), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def tests_of(module: str) -> list[str]:
    """The folder or files of tests that mirror a module: those named after it, else all of its folder.

    >>> tests_of("malmoi/recipe.py")
    ['tests/malmoi/test_recipe.py']
    """
    package, home = next(pair for pair in HOMES.items() if module.startswith(f"{pair[0]}/"))
    inside = pathlib.PurePath(module).relative_to(package)
    folder = ROOT / home / inside.parent
    named = sorted(folder.glob(f"test_{inside.stem}*.py"))
    return [str(path.relative_to(ROOT)) for path in named or [folder]]


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """All mutants of a source, each with the function and what was changed to what."""
    tree = ast.parse(source)
    for number, (place, node) in enumerate(_sites(tree)):
        for change in _changes(node):
            mutant = copy.deepcopy(tree)
            target = list(_sites(mutant))[number][1]
            before = _short(target)
            after = change(target)
            _replace(mutant, target, after)
            yield f"{place}: {before} → {_short(after)}", ast.unparse(ast.fix_missing_locations(mutant))


def _sites(tree: ast.AST, place: str = "module") -> Iterator[tuple[str, ast.AST]]:
    """Every node that may change, with the function it is in; annotations, imports and docstrings are left alone."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.Import | ast.ImportFrom) or not isinstance(node, ast.AST):
                continue
            named = isinstance(node, ast.FunctionDef | ast.ClassDef)
            inner = f"{place}.{node.name}".removeprefix("module.") if named else place
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
