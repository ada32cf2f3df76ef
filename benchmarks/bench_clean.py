"""The clean stage in MB of text per CPU second, by step and all in, and datatrove doing the like in the same run.

    python benchmarks/bench_clean.py --input ROOT [--megabytes 32] [--repeats 3] [--peer-python PYTHON]

ROOT is a folder of raw text with one folder a source; without it a generated sample is used. PYTHON is the interpreter
of an environment with `datatrove[processing,io]`, whose requirements are many; without it only our figures are made.

All in: read, normalise, judge, mask, write, in one process. What the peer does: see `peer_datatrove.py`.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import orjson
from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.clean.core import judge_block
from malmoi_pipelines.clean.task import TaskWriter, read_task
from malmoi_pipelines.raw.inputs import find_inputs
from malmoi_pipelines.raw.readers import BLOCK_BYTES
from malmoi_pipelines.raw.tasks import FilePart, Task
from malmoi_pipelines.text.normalise import normalise_all
from malmoi_pipelines.text.pii import find_spans_all
from malmoi_pipelines.text.quality import judge

from benchmarks import inputs
from benchmarks.measure import commit
from benchmarks.raw_text import raw_blocks

PEER = pathlib.Path(__file__).with_name("peer_datatrove.py")
SOURCES = ("court-decisions", "movie-reviews", "docs-ko")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", help="root of raw text")
    parser.add_argument("--sources", nargs="+", default=SOURCES)
    parser.add_argument("--megabytes", type=float, default=32, help="text of each source")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer-python", help="interpreter with datatrove")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.input or inputs.raw_text(folder, "48MB")
        sources = arguments.sources if arguments.input else sorted(path.name for path in pathlib.Path(root).iterdir())
        for source in sources:
            compare(f"{root}/{source}", f"{folder}/{source}.jsonl", arguments)


def compare(raw: str, path: str, arguments: argparse.Namespace) -> None:
    """Ours and the peer's figures for one source, taken in turns."""
    size = collect(raw, path, arguments.megabytes * 1e6)
    ours: list[dict[str, float]] = []
    peer: list[float] = []
    clean_once(path)  # tables and models are made at the first use
    for _ in range(arguments.repeats):
        ours.append(clean_once(path))
        if arguments.peer_python:
            command = [arguments.peer_python, str(PEER), path]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            peer.append(float(done.stdout.split()[-1]))
    rates = {step: size / 1e6 / statistics.median(run[step] for run in ours) for step in ours[0]}
    line: dict[str, Any] = {
        "source": pathlib.Path(path).stem,
        "mb": round(size / 1e6, 1),
        "mb_per_cpu_s": {step: round(rate, 1) for step, rate in rates.items()},
        "commit": commit(),
    }
    if peer:
        rate = size / 1e6 / statistics.median(peer)
        line |= {"datatrove_mb_per_cpu_s": round(rate, 2), "ratio": round(rates["all in"] / rate, 1)}
    print(json.dumps(line, ensure_ascii=False), flush=True)


def collect(raw: str, path: str, limit: float) -> int:
    """Write the first `limit` bytes of text of a source to one JSON Lines file; returns the bytes of text."""
    size = 0
    with open(path, "wb") as file:
        for block in raw_blocks(raw, BLOCK_BYTES):
            for i, text in enumerate(block.texts):
                if size > limit:
                    return size
                size += len(text.encode())
                file.write(orjson.dumps({"id": block.ids[i], "source": block.sources[i], "text": text}) + b"\n")
    return size


def clean_once(path: str) -> dict[str, float]:
    """CPU seconds of each step on its own, and of all in."""
    config = CleanConfig.model_validate({"thresholds": {"min_hangul_share": 0.05}})
    [file] = find_inputs([path], config.read_options).files
    task = Task((FilePart(file),))
    seconds: dict[str, float] = {}
    blocks = timed(seconds, "read", lambda: [block for _, block in read_task(task, config)])
    normal = timed(
        seconds, "normalise", lambda: [normalise_all(block.texts, config.normalise).texts for block in blocks]
    )
    timed(seconds, "quality", lambda: [judge(texts, config.thresholds) for texts in normal])
    timed(seconds, "personal data", lambda: [find_spans_all(texts, config.pii) for texts in normal])
    timed(seconds, "normalise + quality", lambda: [judge_block(block, config) for block in blocks])
    with tempfile.TemporaryDirectory() as out:
        timed(seconds, "all in", lambda: write(task, out, config))
    return seconds


def write(task: Task, out: str, config: CleanConfig) -> None:
    with TaskWriter(task, "part-00000", out, config) as writer:
        for part, block in read_task(task, config):
            writer.write(part, block)


def timed(seconds: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    start = time.process_time()
    result = work()
    seconds[name] = time.process_time() - start
    return result


if __name__ == "__main__":
    main()
