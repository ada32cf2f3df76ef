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

from malmoi_pipelines.engine.chunk_files import Index, chunks_path, index_path
from malmoi_pipelines.engine.job import Step
from malmoi_pipelines.engine.transforms import RunStep


def run_partition(step: Step, partition: int, source: str, target: str) -> tuple[list[bytes], Index]:
    """Run one partition of one step as a Beam pipeline of its own, in this process.

    Args:
        step: the step.
        partition: which partition.
        source: folder with the chunks of the step before and their index.
        target: folder for the chunks of this one.

    Returns:
        the encoded results, and where in `target` the chunks lie that were sent.
    """
    os.makedirs(target, exist_ok=True)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = (
            pipeline
            | "partition" >> beam.Create([partition])
            | step.name >> beam.ParDo(_FileStep(step, source, target))
        )
    results_path, index_path = _results_path(target, partition), _index_path(target, partition)
    with open(results_path, "rb") as file:
        results = file.read().splitlines()
    index = np.load(index_path)
    os.remove(results_path)
    os.remove(index_path)
    return results, index


def _results_path(target: str, partition: int) -> str:
    return f"{target}/{partition}.results"


def _index_path(target: str, partition: int) -> str:
    return f"{target}/{partition}.npy"


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
            pa.OSFile(chunks_path(self._target, element), "wb") as chunks,
        ):
            index = []
            for output in super().process((element, _read_chunks(self._source, element))):
                if isinstance(output, beam.pvalue.TaggedOutput):
                    results.write(output.value + b"\n")
                else:
                    receiver, chunk = output
                    start = chunks.tell()
                    with pa.ipc.new_stream(chunks, chunk.schema) as writer:
                        writer.write_batch(chunk)
                    index.append((receiver, element, start, chunks.tell()))
        np.save(_index_path(self._target, element), np.array(index, np.int64).reshape(-1, 4))
        yield from ()


def _read_chunks(folder: str, partition: int) -> Iterator[pa.RecordBatch]:
    """The chunks of one partition from all senders, memory-mapped."""
    if not os.path.exists(index_path(folder)):
        return  # the first step gets none
    index = np.load(index_path(folder), mmap_mode="r")
    first, last = np.searchsorted(index[:, 0], [partition, partition + 1])
    for _, sender, start, end in index[first:last].tolist():
        with pa.memory_map(chunks_path(folder, sender)) as file:
            yield from pa.ipc.open_stream(_slice(file, start, end))


def _slice(file: pa.MemoryMappedFile, start: int, end: int) -> pa.Buffer:
    file.seek(start)
    return file.read_buffer(end - start)
