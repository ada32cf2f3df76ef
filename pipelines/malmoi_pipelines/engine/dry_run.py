"""Run the steps of a job one after the other in this process, and measure each: for estimates from a sample."""

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.engine.job import Send, Step


@dataclass(frozen=True)
class StepCost:
    """What a step took."""

    name: str
    partitions: int
    cpu_seconds: float
    sent_bytes: int
    """Arrow bytes sent to the next step."""
    received_bytes: int
    """Arrow bytes from the step before."""


def dry_run(steps: Iterable[Step]) -> tuple[list[Result], list[StepCost]]:
    """Run the steps, all chunks held in memory; returns their results, and what each step took."""
    results: list[Result] = []
    costs: list[StepCost] = []
    sent: dict[int, list[pa.RecordBatch]] = {}
    for step in steps:
        started = time.process_time()
        following: dict[int, list[pa.RecordBatch]] = defaultdict(list)
        for partition in range(step.partitions):
            for item in step.run(partition, iter(sent.get(partition, ()))):
                if isinstance(item, Send):
                    following[item.partition].append(item.chunk)
                else:
                    results.append(item)
        seconds = time.process_time() - started
        costs.append(StepCost(step.name, step.partitions, seconds, _bytes(following), _bytes(sent)))
        sent = following
    return results, costs


def _bytes(chunks: dict[int, list[pa.RecordBatch]]) -> int:
    return sum(chunk.nbytes for group in chunks.values() for chunk in group)
