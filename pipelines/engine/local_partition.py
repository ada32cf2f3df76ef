"""One partition of one step as a Beam pipeline in a worker process, fed from chunk files and writing chunk files."""

import os
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from pipelines.engine.job import Step
from pipelines.engine.transforms import RESULTS, RunStep, run_step


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
