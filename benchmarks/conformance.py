"""Which runners give the bytes of the default one, stage by stage: the whole matrix, as a table.

    python benchmarks/conformance.py > benchmarks/results/conformance_202612.md

The walk is that of `tests/test_runners.py`: a generated sample in many files through lm train, clean, dedupe, count and
shard. CI runs a fixed part of it (two processes with the inputs in another order; one process; Flink) as tests.
"""

import argparse
import pathlib
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import pytest
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.stage import sample

from benchmarks.measure import commit
from tests.test_runners import SOURCES, flink_jar, walk


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = SampleConfig.model_validate({"bytes": "3MB", "shard_bytes": "400kB"})
        sample(f"{folder}/raw", config, RunOptions())
        inputs = [f"{folder}/raw/data/{source}" for source in SOURCES]
        expected = walk(inputs, f"{folder}/expected", RunOptions())
        stages = list(expected)
        print("# Runners that give the same bytes\n")
        print(f"Commit {commit()}; `python benchmarks/conformance.py`; every file of every stage, by its digest.\n")
        print("| runner | inputs | " + " | ".join(stages) + " | seconds |")
        print("|---|---|" + "---|" * (len(stages) + 1))
        for number, (name, options) in enumerate(runners()):
            for order, step in (("as given", 1), ("reversed", -1)):
                started = time.perf_counter()
                found = walk(inputs[::step], f"{folder}/{number}-{order}", options)
                equal = ["equal" if found[stage] == expected[stage] else "OTHER BYTES" for stage in stages]
                seconds = f"{time.perf_counter() - started:.0f}"
                print(f"| {name} | {order} | " + " | ".join([*equal, seconds]) + " |", flush=True)
        if reason := no_flink():
            print(f"\nFlinkRunner was not run: {reason}.")


def no_flink() -> str | None:
    """Why this machine has no Flink; nothing where it has one."""
    if shutil.which("java") is None:
        return "there is no Java on PATH"
    try:
        flink_jar()
    except pytest.skip.Exception as skipped:
        return str(skipped)
    return None


def runners() -> Iterator[tuple[str, RunOptions]]:
    """Name → options of every runner that this machine has."""
    yield "DirectRunner, in memory", RunOptions()
    for workers in (1, 2, 4):
        yield f"DirectRunner, --workers {workers}", RunOptions(workers=workers)
    if no_flink():
        return
    jar = flink_jar()
    [version] = re.findall(r"flink-(?:job-server-)?(\d+\.\d+)", pathlib.Path(jar).name)
    flags = (
        "--flink_master=[local]",
        f"--flink_version={version}",
        f"--flink_job_server_jar={jar}",
        "--environment_type=LOOPBACK",
    )
    for parallelism in (1, 2):
        options = RunOptions("FlinkRunner", None, (*flags, f"--parallelism={parallelism}"))
        yield f"FlinkRunner {version}, parallelism {parallelism}", options


if __name__ == "__main__":
    main()
