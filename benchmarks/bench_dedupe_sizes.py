"""Whether dedupe keeps its rate, its memory and its recall as the input grows: one JSON line a size.

    python benchmarks/bench_dedupe_sizes.py [--work FOLDER] [--sizes 20MB,100MB] [--workers 2]

Documents come from `planted.py`. FOLDER keeps them for the next time (5 GB of text take 2.2 GB there); what dedupe
writes is removed after it was judged, and needs about as much again.

- `seconds` is `malmoi dedupe` from start to end; `start_seconds` is the same command on `START_BYTES` of text, which is
  imports, workers and some fifteen steps with next to nothing to do. `net_` rates are of the difference. Rates are MB
  of text (10^6 bytes) a second of wall time and worker, or a second of processor time (`cpu_s`).
- Memory is read from the kernel for each process, every `SAMPLE_SECONDS`. `peak` counts all resident pages and is the
  kernel's own mark; `private` leaves out pages of files (libraries, mapped work files), which can be dropped at any
  time. `sum_peak_mb` is the largest sum over all processes at one time; shared pages count in each.
- A planted pair is found if one of the two is removed as a duplicate of the other. `near_found_below` is the share of
  the planted near copies below the threshold that were removed: verification must leave 0. `false_removals` are
  documents that were removed for any other document than that of their planted pair. `similarity_error` is the largest
  difference between the similarity in `removals/` and the one counted when the copy was made.
"""

import argparse
import itertools
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import numpy.typing as npt
import psutil
from malmoi_pipelines.contracts.arrays import F64, I64, Bool
from malmoi_pipelines.contracts.manifest import read_manifest
from malmoi_pipelines.contracts.meter import SAMPLE_SECONDS, Meter
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.contracts.sizes import parse_bytes
from malmoi_pipelines.contracts.tables import read_batches, table_paths
from malmoi_pipelines.engine.options import RunOptions

from benchmarks.bench_dedupe import cpu_seconds, share
from benchmarks.measure import PACKAGES, commit
from benchmarks.planted import numbers_of, plant

ROOT = pathlib.Path(__file__).parents[1]
START_BYTES = 200_000
THRESHOLD = 0.8
BINS = (0.80, 0.85, 0.90, 0.95, 1.01)


@dataclass
class Usage:
    """What a command and its processes used; memory in bytes by process."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    sum_peak: int = 0
    roles: dict[int, str] = field(default_factory=dict)
    """Process id → driver, worker or helper (the resource tracker of multiprocessing)."""
    peak: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    private: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def megabytes(self, role: str, peaks: dict[int, int]) -> list[float]:
        """The peaks of the processes of a role, largest first."""
        return sorted((round(peaks[pid] / 1e6, 1) for pid, its in self.roles.items() if its == role), reverse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", help="where the generated documents are kept")
    parser.add_argument("--sizes", default="20MB,100MB", help="text of each corpus, with commas between")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    sizes = [(name, int(parse_bytes(name))) for name in arguments.sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        run(sizes, pathlib.Path(arguments.work or folder), arguments.workers)


def run(sizes: list[tuple[str, int]], work: pathlib.Path, workers: int) -> None:
    """Print a line for each size, given by name and bytes of text."""
    plant(START_BYTES, str(work / "start"), RunOptions(workers=workers))
    start = dedupe(work / "start", work / "out", workers)
    for name, size in sizes:
        generate(name, size, work, workers)
        usage = dedupe(work / name, work / "out", workers)
        line = {"name": "dedupe sizes", "size": name, "workers": workers}
        line |= cost(work / name, usage, start, workers) | facts(work / "out") | judge(work / name, work / "out")
        report(line)
        shutil.rmtree(work / "out")


def generate(name: str, size: int, work: pathlib.Path, workers: int) -> None:
    """Make the documents of a size unless they are there."""
    with Meter() as meter:
        result = plant(size, str(work / name), RunOptions(workers=workers))
    if not result.skipped:
        made, used = text_bytes(work / name) / 1e6, meter.usage
        line = {"name": "generate", "size": name, "workers": workers, "mb": round(made, 1), "seconds": used.seconds}
        report(line | {"mb_per_s_per_core": rate(made, used.seconds * workers), "sum_peak_mb": used.peak_mb})


def dedupe(documents: pathlib.Path, out: pathlib.Path, workers: int) -> Usage:
    """Run the stage in processes of its own.

    Raises:
        subprocess.CalledProcessError: it failed; its message is on standard error.
    """
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "malmoi", "dedupe", str(documents.resolve()), "--out", str(out.resolve())]
    usage, cpu, start = Usage(), cpu_seconds(), time.monotonic()
    with subprocess.Popen([*command, f"--workers={workers}", "--quiet"], stdout=subprocess.DEVNULL, cwd=ROOT) as run:
        while run.returncode is None:
            sample(run.pid, usage)
            with suppress(subprocess.TimeoutExpired):
                run.wait(SAMPLE_SECONDS)
    usage.seconds, usage.cpu_seconds = time.monotonic() - start, cpu_seconds() - cpu
    if run.returncode:
        raise subprocess.CalledProcessError(run.returncode, command)
    return usage


def sample(driver: int, usage: Usage) -> None:
    """Add the memory of the driver and of all processes below it."""
    total = 0
    with suppress(psutil.Error):
        parent = psutil.Process(driver)
        for process in [parent, *parent.children(recursive=True)]:
            with suppress(psutil.Error, OSError, KeyError):  # gone since
                status, its = memory(process.pid), role(process, driver)
                if its != usage.roles.get(process.pid):  # a new process looks like its parent for a moment
                    usage.roles[process.pid], usage.private[process.pid] = its, 0
                usage.peak[process.pid] = status["VmHWM"]
                usage.private[process.pid] = max(usage.private[process.pid], status["RssAnon"])
                total += status["VmRSS"]
    usage.sum_peak = max(usage.sum_peak, total)


def memory(pid: int) -> dict[str, int]:
    """What Linux says of a process: name → bytes; a process that has ended has none of them."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    entries = (line.split() for line in lines if line.endswith(" kB"))
    return {entry[0].rstrip(":"): int(entry[1]) * 1024 for entry in entries}


def role(process: psutil.Process, driver: int) -> str:
    if process.pid == driver:
        return "driver"
    return "worker" if any("spawn_main" in word for word in process.cmdline()) else "helper"


def cost(documents: pathlib.Path, usage: Usage, start: Usage, workers: int) -> dict[str, Any]:
    """Time and memory."""
    megabytes = text_bytes(documents) / 1e6
    return {
        "mb": round(megabytes, 1),
        "seconds": usage.seconds,
        "cpu_seconds": usage.cpu_seconds,
        "mb_per_s_per_core": rate(megabytes, usage.seconds * workers),
        "start_seconds": start.seconds,
        "start_cpu_seconds": start.cpu_seconds,
        "net_mb_per_s_per_core": rate(megabytes, (usage.seconds - start.seconds) * workers),
        "net_mb_per_cpu_s": rate(megabytes, usage.cpu_seconds - start.cpu_seconds),
        "driver_peak_mb": usage.megabytes("driver", usage.peak),
        "driver_private_mb": usage.megabytes("driver", usage.private),
        "workers_peak_mb": usage.megabytes("worker", usage.peak),
        "workers_private_mb": usage.megabytes("worker", usage.private),
        "sum_peak_mb": round(usage.sum_peak / 1e6, 1),
    }


def rate(megabytes: float, seconds: float) -> float | None:
    """None where the machine was so busy that the start took longer than the run."""
    return round(megabytes / seconds, 2) if seconds > 0 else None


def facts(out: pathlib.Path) -> dict[str, Any]:
    """What the stage says of its run."""
    said = read_report(str(out)).facts
    wanted = {
        "documents in": "documents_in",
        "documents kept": "documents_kept",
        "band bytes shuffled per document": "band_bytes_per_document",
        "candidate edges": "candidate_edges",
        "verified edges": "verified_edges",
    }
    return {ours: said[theirs] for theirs, ours in wanted.items()}


def judge(documents: pathlib.Path, out: pathlib.Path) -> dict[str, Any]:
    """Compare the removals with what was planted."""
    copies, originals, near, jaccard = truth(documents)
    partner, similarity = removals(out, read_manifest(str(documents)).rows())
    mate = np.full(len(partner), -1)
    mate[copies], mate[originals] = originals, copies
    removed = partner >= 0
    right = removed & (partner == mate)
    found = right[copies] | right[originals]
    said = np.where(right[copies], similarity[copies], similarity[originals])
    high, low = near & (jaccard >= THRESHOLD), near & (jaccard < THRESHOLD)
    bins = itertools.pairwise(BINS)
    return {
        "exact_planted": int(np.count_nonzero(~near)),
        "exact_recall": counted(found, ~near),
        "near_planted": int(np.count_nonzero(high)),
        "near_recall": counted(found, high),
        "near_recall_from": {f"{a:.2f}": counted(found, near & (jaccard >= a) & (jaccard < b)) for a, b in bins},
        "near_planted_below": int(np.count_nonzero(low)),
        "near_found_below": counted(found, low),
        "false_removals": int(np.count_nonzero(removed & ~right)),
        "similarity_error": float(np.abs(said - jaccard)[found].max(initial=0.0)),
    }


def counted(found: Bool, among: Bool) -> float | None:
    return share(int(np.count_nonzero(found & among)), int(np.count_nonzero(among)))


def truth(documents: pathlib.Path) -> tuple[I64, I64, Bool, F64]:
    """Numbers of copies and originals, whether the copy is a near one, and their similarity."""
    batches = rows(documents, "truth")
    return (
        np.concatenate([numbers_of(batch.column("copy_id")) for batch in batches]),
        np.concatenate([numbers_of(batch.column("original_id")) for batch in batches]),
        np.concatenate([np.array(batch.column("kind").to_pylist()) == "near" for batch in batches]),
        np.concatenate([batch.column("jaccard").to_numpy() for batch in batches]),
    )


def removals(out: pathlib.Path, size: int) -> tuple[I64, npt.NDArray[np.float32]]:
    """For each of `size` documents its partner's number and similarity; -1 and 0 if it was kept."""
    partner, similarity = np.full(size, -1), np.zeros(size, np.float32)
    for batch in rows(out, "removals"):
        gone = numbers_of(batch.column("id"))
        partner[gone] = numbers_of(batch.column("partner_id"))
        similarity[gone] = batch.column("similarity").to_numpy()
    return partner, similarity


def rows(folder: pathlib.Path, table: str) -> list[Any]:
    """The batches of a (small) table."""
    paths = table_paths(str(folder), read_manifest(str(folder)), table)
    return [batch for path in paths for batch in read_batches(path)]


def text_bytes(folder: pathlib.Path) -> int:
    return sum(info.text_bytes for info in read_manifest(str(folder)).table_files())


def report(line: dict[str, Any]) -> None:
    """Print a line with what it was measured on."""
    line = {name: round(value, 2) if name.endswith("seconds") else value for name, value in line.items()}
    line |= {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {package: version(package) for package in PACKAGES},
        "commit": commit(),
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
