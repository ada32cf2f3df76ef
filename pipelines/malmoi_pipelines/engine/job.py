"""What a job is: a chain of steps with a columnar shuffle between them.

    step 0 ──chunks by partition──▶ step 1 ──chunks by partition──▶ step 2 ...

A step is called once for each of its partitions with all the chunks that the step before sent to it, in no particular
order: it merges with vectorised code and must not depend on that order. It yields chunks for the next step, keyed by
partition, and results for the driver. A chunk is an Arrow RecordBatch of many rows (about 1-16 MB), never one document
or one word. Step 0 gets no chunks: its partitions are the job's tasks, for example one input file each.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from malmoi_pipelines.contracts.result import Result


@dataclass(frozen=True)
class Send:
    """A chunk for one partition of the next step."""

    partition: int
    chunk: pa.RecordBatch


class StepFunction(Protocol):
    """The work of a step. Picklable (a frozen dataclass with `__call__`), deterministic, harmless to run twice."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Merge the chunks of one partition; yield chunks for the next step and results for the driver."""
        ...


@dataclass(frozen=True)
class Step:
    """One step: its function and how many partitions it runs over."""

    name: str
    run: StepFunction
    partitions: int


@dataclass(frozen=True)
class Job:
    """A chain of steps. `input_bytes` sizes the run: small jobs run in memory, large ones in worker processes."""

    name: str
    steps: tuple[Step, ...]
    input_bytes: int
