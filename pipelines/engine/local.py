"""Large jobs on one machine: step after step, worker processes, durable chunk files between the steps.

FnApiRunner groups in memory at about four times the payload and moves a shuffle as one message, so it cannot carry a
large job whole (apache/beam#21993). Here each worker process runs Beam pipelines of one partition of one step, and the
shuffle between two steps is a folder of Arrow files: memory is bounded by a partition, whatever the size of the input.
"""

import concurrent.futures
import concurrent.futures.process
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import orjson
import pyarrow as pa
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from pipelines.contracts import files
from pipelines.contracts.errors import MalmoiError
from pipelines.engine.job import Job, Step
from pipelines.engine.transforms import RESULTS, RunStep, raise_errors, run_step
from pipelines.engine.worker import start_worker

Progress = Callable[[str, int, int], None]
"""Called with (step name, partitions done, partitions of the step)."""


def run_in_processes(job: Job, work: str, workers: int, progress: Progress) -> list[bytes]:
    """Run a job with worker processes; returns its encoded results, sorted.

    Args:
        job: the job.
        work: the stage's scratch folder; chunk files go there if it is local, else to the machine's temp folder.
        workers: number of processes.
        progress: called as partitions finish.
    """
    local = files.is_local(work)
    root = os.path.abspath(files.filesystem(work)[1]) + "/chunks" if local else tempfile.mkdtemp(prefix="malmoi-")
    context = multiprocessing.get_context("spawn")  # fork would copy Beam's and Arrow's threads in an unknown state
    results: list[bytes] = []
    try:
        with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context, initializer=start_worker) as pool:
            for number, step in enumerate(job.steps):
                results += _run_step(pool, step, f"{root}/{number}", f"{root}/{number + 1}", progress)
                shutil.rmtree(f"{root}/{number}", ignore_errors=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return sorted(results)


def _run_step(
    pool: concurrent.futures.Executor, step: Step, source: str, target: str, progress: Progress
) -> list[bytes]:
    progress(step.name, 0, step.partitions)
    tasks = [pool.submit(run_partition, step, partition, source, target) for partition in range(step.partitions)]
    results: list[bytes] = []
    try:
        for done, task in enumerate(concurrent.futures.as_completed(tasks), start=1):
            lines = task.result()
            raise_errors(map(orjson.loads, lines))  # now, not after the other partitions
            results += lines
            progress(step.name, done, step.partitions)
    except concurrent.futures.process.BrokenProcessPool:
        raise MalmoiError(
            f"a worker process died in step {step.name!r}.", hint="most often memory ran out: use fewer --workers"
        ) from None
    finally:
        for task in tasks:
            task.cancel()
    return results


def run_partition(step: Step, partition: int, source: str, target: str) -> list[bytes]:
    """Run one partition of one step as a Beam pipeline of its own, in this process."""
    collected: list[bytes] = []
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        outputs = (
            pipeline | "partition" >> beam.Create([partition]) | step.name >> run_step(_RunStepFromFiles(step, source))
        )
        _ = outputs["chunks"] | "write chunks" >> beam.ParDo(_WriteChunks(partition, target))
        results_path = f"{target}/results-{partition}"
        _ = outputs[RESULTS] | "write results" >> beam.ParDo(_AppendLines(results_path))
    if os.path.exists(results_path):
        with open(results_path, "rb") as file:
            collected = file.read().splitlines()
        os.remove(results_path)
    return collected


class _WriteChunks(beam.DoFn):
    """Writes the chunks of one sender: <target>/<sender>.chunks holds Arrow streams, <sender>.npy says where.

    One file a sender, not one a pair of sender and receiver: a large job has thousands of both.
    """

    def __init__(self, sender: int, target: str) -> None:
        self._path = f"{target}/{sender}"

    def start_bundle(self) -> None:
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        self._file = pa.OSFile(f"{self._path}.chunks", "wb")
        self._index: list[tuple[int, int, int]] = []

    def process(self, element: tuple[int, pa.RecordBatch]) -> None:
        partition, chunk = element
        start = self._file.tell()
        with pa.ipc.new_stream(self._file, chunk.schema) as writer:
            writer.write_batch(chunk)
        self._index.append((partition, start, self._file.tell()))

    def finish_bundle(self) -> None:
        self._file.close()
        np.save(f"{self._path}.npy", np.array(sorted(self._index), np.int64).reshape(-1, 3))


class _AppendLines(beam.DoFn):
    """Writes the results of a partition, one a line."""

    def __init__(self, path: str) -> None:
        self._path = path

    def process(self, line: bytes) -> None:
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        with open(self._path, "ab") as file:
            file.write(line + b"\n")


class _RunStepFromFiles(RunStep):
    """A step fed from chunk files. They are opened inside: Beam samples the size of elements by iterating over them."""

    def __init__(self, step: Step, source: str) -> None:
        super().__init__(step)
        self._source = source

    def process(self, element: int) -> Iterator[Any]:
        yield from super().process((element, _read_chunks(self._source, element)))


def _read_chunks(folder: str, partition: int) -> Iterator[pa.RecordBatch]:
    """The chunks of one partition from all senders, memory-mapped."""
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.endswith(".npy"):
            index = np.load(f"{folder}/{name}")
            first, last = np.searchsorted(index[:, 0], [partition, partition + 1])
            if first < last:
                with pa.memory_map(f"{folder}/{name.removesuffix('.npy')}.chunks") as file:
                    for _, start, end in index[first:last].tolist():
                        yield from pa.ipc.open_stream(_slice(file, start, end))


def _slice(file: pa.MemoryMappedFile, start: int, end: int) -> pa.Buffer:
    file.seek(start)
    return file.read_buffer(end - start)
