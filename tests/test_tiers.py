"""The tiers of the tests: nothing falls between them; and the mutants that show what they miss."""

import pathlib
import re

import pytest

from benchmarks import faults, mutants
from tests.conftest import pytest_collection_modifyitems

ROOT = pathlib.Path(__file__).parents[1]


def test_make_test_all_is_everything_that_make_test_leaves_out():
    makefile = (ROOT / "Makefile").read_text()
    every, rest = (
        re.search(rf"^{target}:.*\n\t\$\(PYTEST\) -m '(.*)'$", makefile, re.M)[1] for target in ("test", "test-all")
    )
    assert (every, rest) == ("not slow and not flink", "slow or flink")
    assert re.search(r"^test-all: test\b", makefile, re.M)
    assert "make test-all" in (ROOT / ".ci/run").read_text()


def test_every_example_of_a_docstring_runs():
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    places = [
        *re.search(r"^EXAMPLES = (.*)$", makefile, re.M)[1].split(),
        "benchmarks",
    ]  # which test_benchmarks.py runs
    assert "--doctest-modules $(EXAMPLES)" in makefile
    trees = ("malmoi", "pipelines", "tokenizer_lab", "trainer", "benchmarks", "constraints", "deploy", "tests")
    for path in (path for tree in trees for path in (ROOT / tree).rglob("*.py")):
        if re.search(r"^ *>>> ", path.read_text(), re.M):
            assert any(path.is_relative_to(ROOT / place) for place in places), path


def test_the_page_of_faults_lists_every_test_of_one():
    """`make faults` writes it."""
    marked = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for kind, name in re.findall(
            r'@pytest\.mark\.fault\("([a-z ]+)"\)\n(?:@.*\n|    .*\n|\)\n)*def (\w+)', path.read_text()
        ):
            assert kind in faults.KINDS, (path, kind)
            marked.add((name.removeprefix("test_").replace("_", " "), f"`{path.relative_to(ROOT)}`"))
    rows = re.findall(r"^\| (.+) \| (\d+) of (\d+).* \| (`.+`) \|$", (ROOT / "docs/faults.md").read_text(), re.M)
    assert {(name, path) for name, _, _, path in rows} == marked
    assert all(members != "0" for _, _, members, _ in rows)
    assert len(marked) > 30


def test_what_ci_runs_on_another_python_exists_and_needs_no_torch():
    assert "@.ci/cores" in (ROOT / ".ci/installed").read_text()
    paths = [line for line in (ROOT / ".ci/cores").read_text().splitlines() if not line.startswith("--")]
    for path in paths:
        assert (ROOT / path).exists(), path
        assert path.startswith("tests/pipelines/"), path


class Item:
    """What pytest collects, as far as the tiers look at it."""

    def __init__(self, fixtures=(), marks=()):
        self.fixturenames, self.marks = fixtures, [pytest.mark.__getattr__(name).mark for name in marks]

    def iter_markers(self):
        return self.marks

    def add_marker(self, marker):
        self.marks.append(marker.mark)


@pytest.mark.parametrize(
    ("item", "is_long"),
    [
        (Item(), False),
        (Item(("tmp_path",), ("gpu",)), False),
        (Item(("tmp_path", "small_run")), True),
        (Item((), ("slow",)), True),
        (Item((), ("flink",)), True),
    ],
)
def test_what_is_slow_or_uses_a_long_build_is_long(item, is_long):
    pytest_collection_modifyitems([item])
    assert ("long" in {mark.name for mark in item.marks}) == is_long


SOURCE = '''
def last(values: list[int], *, strict: bool = False) -> int:
    """The last one: 1 < 2."""
    if strict and len(values) < 1:
        raise ValueError
    return values[len(values) - 1]
'''


def test_mutants_are_one_change_each():
    assert [name for name, _ in mutants.mutants(SOURCE)] == [
        "last: False → True",
        "last: strict and len(values) < 1 → strict or len(values) < 1",
        "last: len(values) < 1 → len(values) <= 1",
        "last: 1 → 2",
        "last: raise ValueError → pass",
        "last: len(values) - 1 → len(values) + 1",
        "last: 1 → 2 (2)",
    ]
    assert all(source.count("The last one: 1 < 2.") == 1 for _, source in mutants.mutants(SOURCE))


def test_a_survivor_that_is_explained_is_a_mutant_of_today():
    explained = mutants.explained(mutants.KNOWN.read_text())
    assert explained
    for module, name in explained:
        assert name in [found for found, _ in mutants.mutants((ROOT / module).read_text())], module


def test_the_tests_that_notice_the_mutants_made_by_hand_are_there():
    named = re.findall(r"`(tests/\S+)::(\w+)`", mutants.KNOWN.read_text())
    assert len(named) >= 4
    for path, name in named:
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.M), name


def test_every_core_has_tests_that_mirror_it():
    for module in mutants.CORES:
        assert (ROOT / module).is_file()
        assert all((ROOT / path).exists() for path in mutants.tests_of(module))
