"""What the growth curve costs `malmoi count`: processor time of its parts beside that of the whole job, in one process.

    python benchmarks/bench_growth.py [--input FOLDER] [--bytes 16MB] [--rounds 3]

FOLDER is a dataset folder of documents; without it a generated sample is used. The parts are timed where the stage
calls them; the minimum of the rounds.
"""

import argparse
import pathlib
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import pyarrow as pa
from malmoi_pipelines.contracts.arrays import U64
from malmoi_pipelines.contracts.progress import Progress
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.count import grouping, growth, order, stage, steps
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.engine.dry_run import dry_run
from malmoi_pipelines.engine.job import Job
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.engine.run import run_job

from benchmarks import inputs

P = ParamSpec("P")
T = TypeVar("T")

EXPONENT = "exponent of Heaps' law"
PARTS: tuple[tuple[Any, Callable[..., Any]], ...] = (
    (grouping, growth.document_depths),
    (steps, growth.curve),
    (steps._CutUnits, steps._CutUnits.depths_of_units),
    (growth.Growth, growth.Growth.add_documents),
    (growth.Growth, growth.Growth.add_units),
    (growth.Growth, growth.Growth.add),
    (growth.Growth, growth.Growth.to_batch),
)
"""The functions, each with the module or class in which the stage finds it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", help="dataset folder of documents")
    parser.add_argument("--bytes", default="16MB", help="size of the generated sample")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    pa.set_cpu_count(1)
    with tempfile.TemporaryDirectory() as folder:
        documents = arguments.input or inputs.documents(folder, arguments.bytes)
        seconds: defaultdict[str, float] = defaultdict(float)
        replace(stage, run_job, in_this_process)
        for owner, function in PARTS:
            replace(owner, function, timed(function, seconds))
        replace(steps, order.digests_and_hashes, only_hashes(seconds))
        for rule in ("metaspace", "byte-level"):
            config = CountConfig.model_validate({"units": rule})
            measure(documents, f"{folder}/words", config, arguments.rounds, seconds)


def measure(documents: str, out: str, config: CountConfig, rounds: int, seconds: defaultdict[str, float]) -> None:
    """Print what the parts took of the quickest round; `seconds` is where they note it."""
    found = []
    for _ in range(rounds):
        seconds.clear()
        started = time.process_time()
        stage.count([documents], out, config, RunOptions(), overwrite=True)
        found.append((time.process_time() - started, dict(seconds)))
    whole, parts = min(found, key=lambda one: one[0])
    report = read_report(out)
    print(f"{config.units}: {whole:.2f} s, of these {sum(parts.values()):.3f} ({sum(parts.values()) / whole:.2%})")
    print("  " + ", ".join(f"{name} {value:.3f}" for name, value in parts.items()))
    print(f"  exact {report.facts['distinct units']:,}; exponent {report.facts.get(EXPONENT)}")
    for row in report.tables["Growth of distinct units"]:
        print("  " + ", ".join(f"{name} {value:,}" for name, value in row.items() if name != "sample"), flush=True)


def replace(owner: Any, function: Callable[..., Any], stand_in: Callable[..., Any]) -> None:
    """Have `owner` call another function.

    Raises:
        ValueError: it would not have called the first, and nothing would be measured.
    """
    name = function.__name__
    if getattr(owner, name, None) is not function:
        raise ValueError(f"{owner.__name__} has no {name}: name in PARTS the module that calls it")
    setattr(owner, name, stand_in)


def in_this_process(job: Job, work: str, options: RunOptions, progress: Progress) -> Any:
    """`run_job` without Beam."""
    return dry_run(job.steps)[0]


def timed(function: Callable[P, T], seconds: defaultdict[str, float]) -> Callable[P, T]:
    def call(*given: P.args, **named: P.kwargs) -> T:
        started = time.process_time()
        try:
            return function(*given, **named)
        finally:
            seconds[function.__name__] += time.process_time() - started

    return call


def only_hashes(seconds: defaultdict[str, float]) -> Callable[[pa.LargeStringArray], tuple[U64, U64]]:
    """What hashes take beyond the digests, which the job needs anyway."""

    def call(units: pa.LargeStringArray) -> tuple[U64, U64]:
        started = time.process_time()
        order.digests(units)
        between = time.process_time()
        found = order.digests_and_hashes(units)
        seconds["hashes"] += time.process_time() - between - (between - started)
        return found

    return call


if __name__ == "__main__":
    main()
