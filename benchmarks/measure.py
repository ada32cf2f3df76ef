"""One measurement: a JSON line with what was measured, on what, at which commit."""

import json
import os
import platform
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from malmoi_pipelines.contracts.meter import Meter
from malmoi_pipelines.contracts.report import read_report

PACKAGES = ("apache-beam", "numpy", "pyarrow", "sentencepiece")


def measure(name: str, work: Callable[[], Any], size: Callable[[], int], **details: Any) -> Any:
    """Run `work` once and print its time, its rate and its peak memory; returns its result.

    Args:
        name: what is measured.
        work: the work.
        size: UTF-8 bytes of text it read; asked afterwards, since a reader knows only then.
        details: further fields of the line.
    """
    with Meter() as meter:
        result = work()
    megabytes = size() / 1e6
    line = {
        "name": name,
        "mb": round(megabytes, 1),
        "seconds": meter.usage.seconds,
        "mb_per_s": round(megabytes / max(meter.usage.seconds, 1e-9), 2),
        "peak_mb": meter.usage.peak_mb,
        **details,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {package: version(package) for package in PACKAGES},
        "commit": commit(),
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)
    return result


def bytes_read(folder: str) -> int:
    """UTF-8 bytes of text that a stage read, by the ledger in its report."""
    ledger = read_report(folder).ledger
    assert ledger is not None, f"{folder} was made by a stage that has no ledger"
    return ledger.bytes("in")


def commit() -> str:
    """The commit measured, marked where the tree was changed."""
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
