"""Write the constraints of one Python: the version of every package that any extra brings.

    python3.13 constraints/make.py             writes constraints/py313.txt, keeping the versions already pinned
    python3.13 constraints/make.py --upgrade   takes the newest of everything

pip itself resolves all extras at once and reports what it would install; nothing is installed. A Python without a file
of its own starts from the pins of the oldest, so that all Pythons have equal versions where they can; a pin that does
not fit it (pip names it) is let go.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent
OLDEST = "py311.txt"
UNFIT = re.compile(r"The user requested \(constraint\) ([A-Za-z0-9._-]+)==")


def constraints_file(major: int, minor: int) -> pathlib.Path:
    """The file of a Python.

    >>> constraints_file(3, 13).name
    'py313.txt'
    """
    return HERE / f"py{major}{minor}.txt"


def normalised(name: str) -> str:
    """A package's name as indexes compare it.

    >>> normalised("Kiwi_Piepy.Model")
    'kiwi-piepy-model'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(path: pathlib.Path) -> dict[str, str]:
    """Name → version of a constraints file; empty if there is none."""
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = (line.split("==") for line in lines if "==" in line)
    return {normalised(name): version for name, version in pairs}


def resolve(pins: dict[str, str]) -> dict[str, str]:
    """Name → version of all that the extras need, by pip's resolver.

    Args:
        pins: versions to keep; those that do not fit are let go one by one.

    Raises:
        SystemExit: pip finds no answer.
    """
    extras = ",".join(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    with tempfile.TemporaryDirectory() as folder:
        kept, report = pathlib.Path(folder, "pins.txt"), pathlib.Path(folder, "report.json")
        kept.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()))
        options = ["--dry-run", "--ignore-installed", "--report", str(report), "--constraint", str(kept)]
        command = [sys.executable, "-m", "pip", "install", *options, f"{ROOT}[{extras}]"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            found = [item["metadata"] for item in json.loads(report.read_text())["install"]]
            return {normalised(item["name"]): item["version"] for item in found if item["name"] != "malmoi"}
    unfit = {normalised(name) for name in UNFIT.findall(done.stdout + done.stderr)} & set(pins)
    if not unfit:
        sys.exit(done.stdout + done.stderr)
    print(f"let go: {', '.join(f'{name}=={pins[name]}' for name in sorted(unfit))}", file=sys.stderr)  # noqa: T201
    return resolve({name: version for name, version in pins.items() if name not in unfit})


def main() -> None:
    """Write the file of the running Python."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="take the newest of everything")
    target = constraints_file(*sys.version_info[:2])
    pins = {} if parser.parse_args().upgrade else read_pins(target) or read_pins(HERE / OLDEST)
    found = resolve(pins)
    target.write_text("".join(f"{name}=={version}\n" for name, version in sorted(found.items())))
    print(f"{target}: {len(found)} packages", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
