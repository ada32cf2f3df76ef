"""Extras: what each promises runs, the rest exits 2 and names the extra; what is declared is what is imported."""

import ast
import json
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest
from malmoi_pipelines.contracts import extras
from malmoi_pipelines.contracts.extras import EXTRAS

ROOT = pathlib.Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DISTRIBUTIONS = {  # where import and distribution have different names
    "apache_beam": "apache-beam",
    "ahocorasick_rs": "ahocorasick-rs",
    "fasttext": "fasttext-predict",
    "google": "protobuf",
    "mistral_common": "mistral-common",
    "yaml": "PyYAML",
}
ASKED_FOR = {"datasets", "pandas", "polars"}
"""What `malmoi.Dataset` hands its tables to, where a person has it and asks for it."""

# Verb → its arguments on the folder of a finished run and a new one.
VERBS = {
    "config": "config train",
    "inspect": "inspect {run}/words",
    "verify": "verify {run}/shards",
    "accept": "accept {run}/words",
    "expand": "expand {run}/words --out {out}/tokenizer --set cutoff=200",
    "tokenizer check": "tokenizer check {run}/tokenizer",
    "tokenizer explain": "tokenizer explain 서울 --in {run}/tokenizer",
    "tokenizer compare": "tokenizer compare default {run}/tokenizer --words {run}/words --out {out}/compare",
    "sample": "sample --out {out}/raw --set bytes=200KB",
    "lm train": "lm train {run}/raw/data --out {out}/lm",
    "clean": "clean {run}/raw/data --out {out}/docs",
    "dedupe": "dedupe {run}/docs --out {out}/corpus",
    "dedupe plan": "dedupe plan {run}/docs",
    "count": "count {run}/corpus --out {out}/words",
    "count tokens": "count tokens {run}/words --tokenizer {run}/tokenizer --out {out}/tokens",
    "shard": "shard {run}/corpus --tokenizer {run}/tokenizer --out {out}/shards",
    "pii show": "pii show {run}/raw/data",
    "train": "train --shards {run}/shards --tokenizer {run}/tokenizer --out {out}/run --set steps=10",
    "run": "run {recipe} --out {out}/all --dry-run",
}
CORE = ("config", "inspect", "verify", "accept", "expand", "tokenizer check", "tokenizer explain", "tokenizer compare")
CORE_ALONE = "core"
"""Stands where the name of an extra would, for none."""
PROMISED = {
    "data": tuple(verb for verb in VERBS if verb not in ("train", "run")),
    "train": (*CORE, "train"),
    "data,train": tuple(VERBS),
}
"""What more than the core's verbs an extra runs."""


def needed(verb, extra):
    """The extra that a verb must name where only this one is installed; the empty one where it must run."""
    if verb in PROMISED.get(extra, CORE):
        return ""
    # Without both, `run` names the first; with `data` its problems are told before the run, each with its hint.
    return "train" if verb == "train" or extra == "data" else "data"


# Runs commands in one process that cannot import some packages; prints exit code and stderr of each as JSON.
COMMANDS = """
import contextlib, io, json, sys, traceback
blocked, commands = json.loads(sys.argv[1])
sys.modules |= dict.fromkeys(blocked)
from malmoi.cli import main
told = {}
for verb, arguments in commands.items():
    sys.argv, code, errors = ["malmoi", *arguments.split()], 0, io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        except BaseException:
            code = traceback.format_exc()
    told[verb] = [code, errors.getvalue()]
print(json.dumps(told))
"""


def run_blocked(brought, commands):
    """Exit code and stderr of each command where only some extras' packages can be imported."""
    kept = {"regex"} if "train" in brought else set()  # transformers needs it, too
    blocked = [module for module, extra in EXTRAS.items() if extra not in brought.split(",") and module not in kept]
    command = [sys.executable, "-c", COMMANDS, json.dumps([blocked, commands])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "brought",
    [CORE_ALONE, *(pytest.param(name, marks=pytest.mark.slow) for name in ("train", "data", "data,train"))],
)
def test_a_verb_runs_with_its_extra_and_names_it_without(small_run, tmp_path, brought):
    recipe = ROOT / "malmoi" / "recipes" / "quickstart.yaml"
    commands = {verb: text.format(run=small_run, out=tmp_path, recipe=recipe) for verb, text in VERBS.items()}
    for verb, (code, errors) in run_blocked(brought, commands).items():
        named = re.findall(r"pip install 'malmoi\[([a-z,]+)\]'", errors)
        lacking = needed(verb, brought)
        assert (code, named) == ((2, [lacking]) if lacking else (0, [])), (verb, code, errors)
        assert "Traceback" not in errors, (verb, errors)


def test_the_page_shows_every_extra_doing_what_it_promises():
    """`make extras` writes it from fresh environments; core and data must be there."""
    page = (ROOT / "docs" / "extras.md").read_text()
    sections = re.findall(r"^## Python (\S+)\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    assert "3.11" in dict(sections)
    for version, text in sections:
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", text, re.M)]
        cells = {verb.strip("`"): dict(zip(rows[0][1:], cells, strict=True)) for verb, *cells in rows[2:]}
        assert {CORE_ALONE, "data"} <= set(rows[0]), version
        for verb in VERBS:
            wanted = {extra: needed(verb, extra) for extra in rows[0][1:]}
            assert cells[verb] == {extra: f"names {name}" if name else "runs" for extra, name in wanted.items()}, verb


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(extras, "is_installed", lambda module: False)
    with pytest.raises(extras.UsageError, match="this needs ftfy, torch, which are not installed") as error:
        extras.require("this", "ftfy", "torch")
    assert error.value.hint == "pip install 'malmoi[data,train]'"


def test_a_failed_import_of_something_else_stays_what_it_is():
    with pytest.raises(ModuleNotFoundError), extras.named():
        raise ModuleNotFoundError("No module named 'mystery'", name="mystery")


def distributions(*names):
    """The distributions that some extras (the empty one: the core) ask for, those of extras they name among them."""
    found = set()
    for name in names:
        wanted = PROJECT["optional-dependencies"][name] if name else PROJECT["dependencies"]
        for requirement in wanted:
            if ours := re.fullmatch(r"malmoi\[(.+)\]", requirement):
                found |= distributions(*ours[1].split(","))
            else:
                found.add(re.match(r"[A-Za-z0-9_-]+", requirement)[0])
    return found


def imports(*roots):
    """All packages of others that the modules of these folders (ours) import, anywhere, with a module that does."""
    found = {}
    for root in roots or ("malmoi", "pipelines", "tokenizer_lab", "trainer"):
        for path in (ROOT / root).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    found |= dict.fromkeys((alias.name.partition(".")[0] for alias in node.names), path)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found[node.module.partition(".")[0]] = path
    return {name: path for name, path in found.items() if name not in sys.stdlib_module_names | {"__future__"}}


def test_the_imports_are_the_declared_dependencies():
    found = {name for name in imports() if not name.startswith("malmoi")} - ASKED_FOR
    assert {DISTRIBUTIONS.get(name, name) for name in found - EXTRAS.keys()} <= distributions("")
    for module, extra in EXTRAS.items():
        assert DISTRIBUTIONS.get(module, module) in distributions(extra), module
    assert found >= EXTRAS.keys()


@pytest.mark.long
def test_what_the_tests_import_is_declared():
    found = {name for name in imports("tests") if not name.startswith("malmoi")} - {"tests", "benchmarks"}
    assert {DISTRIBUTIONS.get(name, name) for name in found} <= distributions("", *PROJECT["optional-dependencies"])


@pytest.mark.long
def test_what_is_declared_is_imported():
    # protobuf and mistral-common are used without an import of their own: sentencepiece's, and a file of its data.
    used = {DISTRIBUTIONS.get(name, name) for name in imports()} | {"protobuf", "mistral-common"}
    declared = distributions("", "data", "lm", "langid", "morphemes", "train")
    assert declared <= used


def test_all_that_make_installs_is_pinned_for_each_python():
    declared = {name.lower() for name in distributions("", *PROJECT["optional-dependencies"])}
    for path in (ROOT / "constraints").glob("py*.txt"):
        pinned = set(re.findall(r"^(.+)==", path.read_text(), re.M))
        lacking = {name.replace("_", "-") for name in declared} - pinned
        assert lacking == ({"kenlm"} if path.name == "py313.txt" else set()), path  # it does not build there
    installs = re.findall(r"^.*pip install.*$", (ROOT / "Makefile").read_text(), re.M)
    ours = "--quiet $(addprefix --constraint=,$(PINS)) --editable"
    assert [line.split("install ")[1] for line in installs] == [ours, "--quiet --upgrade pip"]


def test_the_demo_installs_no_tools_of_the_tests():
    rules = re.findall(r"^(\S+):([^#\n=]*)(?:#.*)?\n((?:\t.*\n)*)", (ROOT / "Makefile").read_text(), re.M)
    needs, commands = ({rule[0]: rule[part] for rule in rules} for part in (1, 2))
    assert needs["demo"].split() == ["$(READY)"]
    assert re.findall(r"'\.\[(.*)\]'", commands["$(READY)"]) == ["data,train"]
    assert "$(DEV)" not in needs["$(READY)"]
    tools = set(PROJECT["optional-dependencies"]["dev"])
    assert {"mypy", "duckdb", "pytest", "ruff"} <= tools - distributions("", "data", "train")


@pytest.mark.long
def test_the_old_names_are_gone():
    old = {"pipelines", "trainer", "tokenizer_lab"}
    trees = ("malmoi", "pipelines", "tokenizer_lab", "trainer", "tests", "benchmarks")
    for path in (path for tree in trees for path in (ROOT / tree).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert old.isdisjoint(name.partition(".")[0] for name in names), path
