"""One partition of one step as a Beam pipeline in a worker process, fed from chunk files and writing chunk files.

The pipeline is a single transform. Each further one costs some 10 ms of planning, and a job has hundreds of partitions.
"""

import os
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from pipelines.engine.job import Step
from pipelines.engine.transforms import RunStep


def run_partition(step: Step, partition: int, source: str, target: str) -> list[bytes]:
    """Run one partition of one step as a Beam pipeline of its own, in this process; returns its encoded results."""
    os.makedirs(target, exist_ok=True)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = (
            pipeline
            | "partition" >> beam.Create([partition])
            | step.name >> beam.ParDo(_FileStep(step, source, target))
        )
    results_path = _results_path(target, partition)
    with open(results_path, "rb") as file:
        results = file.read().splitlines()
    os.remove(results_path)
    return results


def _results_path(target: str, partition: int) -> str:
    return f"{target}/results-{partition}"


class _FileStep(RunStep):
    """A step fed from chunk files. They are opened inside: Beam samples the size of elements by iterating over them."""

    def __init__(self, step: Step, source: str, target: str) -> None:
        super().__init__(step)
        self._source = source
        self._target = target

    def process(self, element: int) -> Iterator[Any]:
        """Run the step; chunks and results go to files, nothing goes on in the pipeline."""
        with (
            open(_results_path(self._target, element), "wb") as results,
            _ChunkWriter(f"{self._target}/{element}") as chunks,
        ):
            for output in super().process((element, _read_chunks(self._source, element))):
                if isinstance(output, beam.pvalue.TaggedOutput):
                    results.write(output.value + b"\n")
                else:
                    chunks.add(*output)
        yield from ()


class _ChunkWriter:
    """Writes the chunks of one sender: <sender>.chunks holds Arrow streams, <sender>.npy says where.

    One file a sender, not one a pair of sender and receiver: a large job has thousands of both.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._index: list[tuple[int, int, int]] = []

    def __enter__(self) -> "_ChunkWriter":
        self._file = pa.OSFile(f"{self._path}.chunks", "wb")
        return self

    def add(self, partition: int, chunk: pa.RecordBatch) -> None:
        """Append a chunk for a partition."""
        start = self._file.tell()
        with pa.ipc.new_stream(self._file, chunk.schema) as writer:
            writer.write_batch(chunk)
        self._index.append((partition, start, self._file.tell()))

    def __exit__(self, *error: object) -> None:
        self._file.close()
        np.save(f"{self._path}.npy", np.array(sorted(self._index), np.int64).reshape(-1, 3))


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
