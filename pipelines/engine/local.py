"""Large jobs on one machine: step after step, worker processes, durable chunk files between the steps.

FnApiRunner groups in memory at about four times the payload and moves a shuffle as one message, so it cannot carry a
large job whole (apache/beam#21993). Here each worker process runs Beam pipelines of one partition of one step, and the
shuffle between two steps is a folder of Arrow files: memory is bounded by a partition, whatever the size of the input.
"""

import concurrent.futures
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from pipelines.contracts import files
from pipelines.engine.job import Job, Step
from pipelines.engine.transforms import RESULTS, RunStep, run_step
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
            results += task.result()
            progress(step.name, done, step.partitions)
    except BaseException:
        for task in tasks:
            task.cancel()
        raise
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
    """Appends each chunk to the file of its target partition: <target>/<to>/<from>.arrow, one Arrow stream each."""

    def __init__(self, sender: int, target: str) -> None:
        self._sender = sender
        self._target = target

    def start_bundle(self) -> None:
        self._open: dict[int, tuple[pa.OSFile, pa.ipc.RecordBatchStreamWriter]] = {}

    def process(self, element: tuple[int, pa.RecordBatch]) -> None:
        partition, chunk = element
        if partition not in self._open:
            os.makedirs(f"{self._target}/{partition}", exist_ok=True)
            sink = pa.OSFile(f"{self._target}/{partition}/{self._sender}.arrow", "wb")
            self._open[partition] = (sink, pa.ipc.new_stream(sink, chunk.schema))
        self._open[partition][1].write_batch(chunk)

    def finish_bundle(self) -> None:
        for sink, writer in self._open.values():
            writer.close()
            sink.close()


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
        yield from super().process((element, _read_chunks(f"{self._source}/{element}")))


def _read_chunks(folder: str) -> Iterator[pa.RecordBatch]:
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        with pa.memory_map(f"{folder}/{name}") as file, pa.ipc.open_stream(file) as reader:
            yield from reader
