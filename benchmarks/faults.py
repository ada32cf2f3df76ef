"""Inject every fault that a test knows, and write down what held: docs/faults.md.

    python benchmarks/faults.py

Runs all tests marked `fault(kind)`, whatever their tier. Exit code 1 where one fails.
"""

import argparse
import collections
import datetime
import pathlib
import platform
import sys

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import pytest

from benchmarks.measure import commit

PAGE = ROOT / "docs" / "faults.md"
HEAD = """# What goes wrong, and what holds then

Made by `make faults`: it runs every test marked `fault(kind)`. "held": how many of a test's members passed; a skipped
member wants something that the machine has not.
CI runs all of them, too, as part of `make test` and `make test-all`; this page is the record of one run.
"""
KINDS = {
    "killed": "SIGKILL of a run, a stage or a worker process, at any place",
    "full disk": "a write finds no room, or fails in the middle",
    "broken input": "files that are cut, damaged, or not what they should be",
    "lost or damaged result": "a finished folder of ours of which a file is gone or changed",
    "lost by us": "a defect of ours drops something: the sums must tell",
}
"""What each kind is, in the order of the page."""


class Recorder:
    """What came of each test, by kind of fault."""

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        self.outcomes: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            if mark := item.get_closest_marker("fault"):
                self.kinds[test_of(item.nodeid)] = mark.args[0]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[test_of(report.nodeid)][report.outcome] += 1


def test_of(nodeid: str) -> str:
    """The test of a member: its id without parameters."""
    return nodeid.partition("[")[0]


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    recorder = Recorder()
    options = ["-q", "-m", "fault", "-p", "no:cacheprovider", f"--rootdir={ROOT}", str(ROOT / "tests")]
    code = pytest.main(options, plugins=[recorder])
    told = f"{datetime.date.today()}, Python {platform.python_version()}, commit {commit()}."
    PAGE.write_text(f"{HEAD}\n{told}\n" + "".join(section(kind, recorder) for kind in KINDS))
    sys.exit(int(code))


def section(kind: str, recorder: Recorder) -> str:
    """The table of one kind of fault."""
    rows = [row(test, recorder.outcomes[test]) for test, of in recorder.kinds.items() if of == kind]
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in [("what holds", "held", "test"), ("---",) * 3, *rows])
    return f"\n## {kind.capitalize()}: {KINDS[kind]}\n\n{table}"


def row(test: str, outcomes: collections.Counter[str]) -> tuple[str, str, str]:
    """A test as a row: its name as a sentence, its members, its file."""
    path, name = test.split("::")
    skipped = f", {outcomes['skipped']} skipped" if outcomes["skipped"] else ""
    held = f"{outcomes['passed']} of {outcomes['passed'] + outcomes['failed']}{skipped}"
    return name.removeprefix("test_").replace("_", " "), held, f"`{path}`"


if __name__ == "__main__":
    main()
