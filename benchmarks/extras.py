"""Which verbs each extra runs: each extra alone in a fresh environment, from the wheel and the pins.

    python benchmarks/extras.py [--python python3.13] [EXTRA ...]     writes its section of docs/extras.md

Extras may be joined by commas; `core` is none of them. Every verb is called on the folders of a small quickstart that
this environment has run. The promises are those of tests/malmoi/test_extras.py, which asks for them in this environment
with packages hidden; here they are really absent. Exit code 1 where a verb does something else.
"""

import argparse
import dataclasses
import datetime
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.measure import commit
from tests.end_to_end import run
from tests.malmoi.test_extras import CORE_ALONE, VERBS, needed

PAGE = ROOT / "docs" / "extras.md"
HEAD = """# What each extra runs

Made by `make extras`, a section for each Python: every extra alone in a fresh environment, installed from the wheel and
the pins of `constraints/`, and every verb called there on the folders of a small quickstart. "runs": exit code 0.
"names data": exit code 2, and the message says `pip install 'malmoi[data]'`. A verb that does neither stands with its
exit code, in bold. The extras `langid`, `lm` and `morphemes` add to verbs that run without them (README). `gcp` and
`aws` bring clients, which are imported: there are no buckets here. An extra without a column was not tried.

CI runs a fixed sample: the data stages with `data` alone, on the oldest and the newest Python, and a run beside all
packages (`.ci/installed`); core and `train` with the other packages hidden (`tests/malmoi/test_extras.py`).
"""
IMPORTS = {"gcp": "apache_beam.io.gcp.gcsio, gcsfs", "aws": "apache_beam.io.aws.s3io, s3fs"}


@dataclasses.dataclass(frozen=True)
class Column:
    """What one extra does: how much it installs, and verb → what came of it."""

    extra: str
    packages: int
    megabytes: int
    cells: dict[str, str]
    problems: tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extras", nargs="*", default=all_extras())
    parser.add_argument("--python", default=sys.executable, help="the interpreter of the environments")
    arguments = parser.parse_args()
    heading = f"{datetime.date.today()}, commit {commit()}."
    with tempfile.TemporaryDirectory() as folder:
        finished = pathlib.Path(folder, "quickstart")
        run(finished)
        columns = []
        for extra in arguments.extras:
            columns.append(try_extra(extra, arguments.python, finished, pathlib.Path(folder, "try")))
            print(extra, columns[-1].problems or "as promised", flush=True)
            write_section(version_of(arguments.python), heading, columns)
    sys.exit(any(column.problems for column in columns))


def all_extras() -> list[str]:
    """None, each that pyproject.toml declares, and the two that a whole run needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [CORE_ALONE, *project["optional-dependencies"], "data,train"]


def try_extra(extra: str, python: str, finished: pathlib.Path, folder: pathlib.Path) -> Column:
    """Install one extra and call every verb; the environment is removed afterwards."""
    folder.mkdir()
    try:
        bin = install(extra, python, folder / "venv")
        shutil.copytree(finished, folder / "finished")
        cells, problems = {}, []
        for verb, text in VERBS.items():
            words = text.format(run=folder / "finished", out=folder / "out", recipe="quickstart").split()
            done = call([str(bin / "malmoi"), *words], folder)
            cells[verb], wanted = said(done), expected(verb, extra)
            if cells[verb] != wanted:
                cells[verb] = f"**{cells[verb]}**"
                problems.append(f"{verb}: {cells[verb]}, promised: {wanted}\n{done.stderr[-2000:]}")
        if (
            extra in IMPORTS
            and (done := call([str(bin / "python"), "-c", f"import {IMPORTS[extra]}"], folder)).returncode
        ):
            problems.append(done.stderr[-2000:])
        return Column(extra, *size_of(bin), cells, tuple(problems))
    finally:
        shutil.rmtree(folder)


def install(extra: str, python: str, venv: pathlib.Path) -> pathlib.Path:
    """The folder of programs of a new environment that has the wheel with one extra."""
    subprocess.run([python, "-m", "venv", str(venv)], check=True)
    (wheel,) = (ROOT / "dist").glob("malmoi-*.whl")
    wanted = str(wheel) if extra == CORE_ALONE else f"{wheel}[{extra}]"
    pins = ROOT / "constraints" / f"py{version_of(python).replace('.', '')}.txt"
    command = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--constraint", str(pins), wanted]
    subprocess.run(command, check=True, env=environment())
    return venv / "bin"


def call(command: list[str], folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Run a command where no module of ours can be imported but those installed."""
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What came of a verb, as a cell of the table."""
    named = re.findall(r"pip install 'malmoi\[([a-z,]+)\]'", done.stderr)
    if done.returncode == 2 and len(named) == 1:
        return f"names {named[0]}"
    return "runs" if done.returncode == 0 else f"exit code {done.returncode}"


def expected(verb: str, extra: str) -> str:
    """The cell as promised."""
    lacking = needed(verb, extra)
    return f"names {lacking}" if lacking else "runs"


def size_of(bin: pathlib.Path) -> tuple[int, int]:
    """Packages of an environment beside pip, and its megabytes."""
    (site,) = bin.parent.glob("lib/python*/site-packages")
    packages = [path for path in site.glob("*.dist-info") if not path.name.startswith("pip-")]
    return len(packages), round(sum(path.lstat().st_size for path in site.rglob("*")) / 1e6)


def version_of(python: str) -> str:
    """Such as 3.11."""
    code = "import sys; print('{}.{}'.format(*sys.version_info))"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def write_section(version: str, heading: str, columns: list[Column]) -> None:
    """Put the table of one Python in its place on the page; those of others stay."""
    rows = [
        ("", *(column.extra for column in columns)),
        ("---", *("---" for _ in columns)),
        ("packages", *(str(column.packages) for column in columns)),
        ("MB", *(f"{column.megabytes:,}" for column in columns)),
        *((f"`{verb}`", *(column.cells[verb] for column in columns)) for verb in VERBS),
    ]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    old = PAGE.read_text() if PAGE.exists() else ""
    sections = dict(re.findall(r"^## Python (\S+)\n(.*?)(?=^## |\Z)", old, re.M | re.S))
    sections[version] = f"\n{heading}\n\n{table}"
    ordered = sorted(sections.items(), key=lambda item: tuple(map(int, item[0].split("."))))
    PAGE.write_text(HEAD + "".join(f"\n## Python {name}\n{text.rstrip()}\n" for name, text in ordered))


if __name__ == "__main__":
    main()
