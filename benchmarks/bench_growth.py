"""What the growth curve costs `malmoi count`: processor time of its parts beside that of the whole job, in one process.

    python benchmarks/bench_growth.py --input FOLDER [--rounds 3]

FOLDER is a dataset folder of documents. The parts are timed where the stage calls them; the minimum of the rounds.
"""

import argparse
import pathlib
import sys
import tempfile
import time
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import pyarrow as pa
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.count import grouping, growth, order, stage, steps
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.engine.dry_run import dry_run
from malmoi_pipelines.engine.options import RunOptions

EXPONENT = "exponent of Heaps' law"
PLACES = (
    (grouping, "document_depths"),
    (steps, "curve"),
    (steps._CutUnits, "depths_of_units"),
    (growth.Growth, "add_documents"),
    (growth.Growth, "add_units"),
    (growth.Growth, "add"),
    (growth.Growth, "to_batch"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, help="dataset folder of documents")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    pa.set_cpu_count(1)
    stage.run_job = lambda job, work, options, progress: dry_run(job.steps)[0]
    seconds: Counter[str] = Counter()
    for owner, name in PLACES:
        setattr(owner, name, timed(getattr(owner, name), seconds, name))
    steps.digests_and_hashes = only_hashes(seconds)
    for rule in ("metaspace", "byte-level"):
        rounds = []
        for _ in range(arguments.rounds):
            seconds.clear()
            with tempfile.TemporaryDirectory() as folder:
                started = time.process_time()
                result = stage.count([arguments.input], f"{folder}/words", CountConfig(units=rule), RunOptions())
                rounds.append((time.process_time() - started, dict(seconds)))
                report = read_report(result.folder)
        whole, parts = min(rounds, key=lambda found: found[0])
        print(f"{rule}: {whole:.2f} s, of these {sum(parts.values()):.3f} ({sum(parts.values()) / whole:.2%})")
        print("  " + ", ".join(f"{name} {value:.3f}" for name, value in parts.items()))
        print(f"  exact {report.facts['distinct units']:,}; exponent {report.facts[EXPONENT]}")
        for row in report.tables["Growth of distinct units"]:
            print("  " + ", ".join(f"{name} {value:,}" for name, value in row.items() if name != "sample"))


def timed(function, seconds, name):
    def call(*given):
        started = time.process_time()
        try:
            return function(*given)
        finally:
            seconds[name] += time.process_time() - started

    return call


def only_hashes(seconds):
    """What hashes take beyond the digests, which the job needs anyway."""

    def call(units):
        started = time.process_time()
        order.digests(units)
        between = time.process_time()
        found = order.digests_and_hashes(units)
        seconds["hashes"] += time.process_time() - between - (between - started)
        return found

    return call


if __name__ == "__main__":
    main()
