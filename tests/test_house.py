"""The rules of the house: who may import whom, what stays unloaded, how large a module may grow."""

import ast
import graphlib
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = {
    "malmoi": ROOT / "malmoi",
    "malmoi_pipelines": ROOT / "pipelines" / "malmoi_pipelines",
    "malmoi_tokenizer_lab": ROOT / "tokenizer_lab" / "malmoi_tokenizer_lab",
    "malmoi_trainer": ROOT / "trainer" / "malmoi_trainer",
}
MODULES = sorted(path for folder in PACKAGES.values() for path in folder.rglob("*.py"))
MAX_LINES = 500
ALLOWED = {
    "malmoi_pipelines": (),
    "malmoi_tokenizer_lab": ("malmoi_pipelines.contracts", "malmoi_pipelines.tokenizers"),
    "malmoi_trainer": ("malmoi_pipelines.contracts", "malmoi_pipelines.tokenizers"),
}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def imported_names(path):
    """As `imported`, with the names that are taken from each module: `from a import b` may import the module `a.b`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_they_may(package):
    others = [name for name in PACKAGES if name != package]
    for path in PACKAGES[package].rglob("*.py"):
        for name in imported(path):
            if name.split(".")[0] in others:
                assert name.startswith(ALLOWED[package] or "-"), f"{path} imports {name}"


def test_no_two_modules_need_each_other():
    """What a module imports when it is imported; what its functions import later is another matter."""
    modules = {}
    for name, folder in PACKAGES.items():
        for path in folder.rglob("*.py"):
            parts = (name, *path.relative_to(folder).with_suffix("").parts)
            modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path

    def needed(path):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                yield from (name if name in modules else node.module for name in names)

    graph = {name: {other for other in needed(path) if other in modules} for name, path in modules.items()}
    graphlib.TopologicalSorter(graph).prepare()  # which raises the circle


@pytest.mark.parametrize(
    ("module", "unloaded"),
    [
        ("malmoi_tokenizer_lab.stage", "apache_beam"),
        ("malmoi_tokenizer_lab.stage", "torch"),
        ("malmoi_pipelines.shard.stage", "torch"),
        ("malmoi_pipelines.dedupe.stage", "torch"),
        ("malmoi_pipelines.contracts.stage", "apache_beam"),
        ("malmoi.cli", "apache_beam"),
        ("malmoi.cli", "torch"),
        ("malmoi.recipe", "apache_beam"),
        ("malmoi.recipe", "torch"),
        ("malmoi_pipelines.tokenizers.opening", "apache_beam"),
        ("malmoi_pipelines.tokenizers.opening", "torch"),
        ("malmoi_tokenizer_lab.loop.fixed_point", "sentencepiece"),  # the loop knows no file format
        ("malmoi_tokenizer_lab.loop.fixed_point", "tokenizers"),
        ("malmoi_tokenizer_lab.loop.intermediate", "sentencepiece"),
        ("malmoi_pipelines.text.quality", "malmoi_pipelines.contracts.files"),  # functions of text open no file
        ("malmoi_pipelines.text.normalise", "malmoi_pipelines.contracts.files"),
        ("malmoi_pipelines.text.pii", "malmoi_pipelines.contracts.files"),
        ("malmoi_pipelines.text.units", "malmoi_pipelines.contracts.files"),
    ],
)
def test_importing_one_does_not_load_the_other(module, unloaded):
    code = f"import sys, {module}; sys.exit({unloaded!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


def test_the_loop_imports_nothing_that_knows_a_file_format():
    formats = ("malmoi_pipelines.tokenizers", "malmoi_tokenizer_lab.sentencepiece", "malmoi_tokenizer_lab.byte_level")
    for path in (PACKAGES["malmoi_tokenizer_lab"] / "loop").glob("*.py"):
        known = {name for name in imported(path) if name.startswith((*formats, "sentencepiece", "tokenizers"))}
        assert not known, f"{path} imports {known}"


def test_functions_of_text_know_no_files():
    """What their settings name is loaded by the room that uses it: `clean/rule_data.py`, `lm/`."""
    for path in (PACKAGES["malmoi_pipelines"] / "text").rglob("*.py"):
        known = set(
            filter(re.compile(r"contracts\.(files|manifest|tables|stage)\b|fsspec").search, imported_names(path))
        )
        assert not known, f"{path} imports {known}"
        calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
        assert "open" not in calls, f"{path} opens a file"


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "malmoi"])
def test_the_readme_of_a_package_names_its_rooms(package):
    """Each row of its table opens with a folder, and each folder has a row."""
    page = (PACKAGES[package].parent / "README.md").read_text()
    rows = re.findall(r"^\| `(\w+)/` \|", page, re.M)
    assert sorted(rows) == sorted(path.parent.name for path in PACKAGES[package].glob("*/__init__.py"))
    assert f"`{package}`" in page


def test_a_room_that_lists_its_modules_lists_all():
    lists = 0
    for init in (path for path in MODULES if path.name == "__init__.py"):
        lines = (ast.get_docstring(ast.parse(init.read_text())) or "").splitlines()[1:]
        listed = {line.split()[0].removesuffix(".py") for line in lines if line.strip()}
        modules = {path.stem for path in init.parent.glob("*.py")} - {"__init__"}
        if len(listed & modules) > 1:
            lists += 1
            assert modules <= listed, f"{init} leaves out {sorted(modules - listed)}"
    assert lists > 1


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_a_monster(path):
    assert len(path.read_text().splitlines()) <= MAX_LINES


def test_a_name_that_once_meant_several_things_says_which():
    """`PiiKind` or `RowKind`, `UnitCounts` or `NgramCounts`: such a word alone sends a reader to the imports."""
    bare = {"Counts", "Kind", "Part", "Plan", "Rule"}
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            named = {target.id for target in getattr(node, "targets", ()) if isinstance(target, ast.Name)}
            if isinstance(node, ast.ClassDef):
                named.add(node.name)
            assert not named & bare, f"{path} defines {named & bare}"


def test_only_defect_error_says_that_something_is_a_defect_of_malmoi():
    said = [path.name for path in MODULES if "not of your data" in path.read_text()]
    assert said == ["errors.py"]


def test_protobuf_sentencepiece_and_beam_live_together():
    """sentencepiece 0.2.2 and later ship code for protobuf 7, Beam 2.77 needs less than 7: the pins must fit."""
    code = "import apache_beam; from sentencepiece import sentencepiece_model_pb2 as pb; pb.ModelProto()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
