"""A dry run gives what a real run gives, and the bytes it names are those that travel."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.result import Result, pick
from malmoi_pipelines.engine.dry_run import dry_run
from malmoi_pipelines.engine.job import Job, Send, Step
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.engine.partition import split
from malmoi_pipelines.engine.run import run_job

SENDERS, RECEIVERS = 3, 5


@dataclass(frozen=True)
class Sent(Result):
    rows: int


@dataclass(frozen=True)
class Sender(Result):
    partition: int


@dataclass(frozen=True)
class Added(Result):
    partition: int
    sum: int
    bytes: int


@dataclass(frozen=True)
class SendNumbers:
    """Sends numbers by remainder, the more the higher its partition; nothing goes to the last partition."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        assert list(chunks) == []
        numbers = np.arange(100 * partition + 10)
        yield from split(pa.record_batch([pa.array(numbers)], names=["n"]), numbers % (RECEIVERS - 1))
        yield Sent(len(numbers))
        yield Sender(partition)


@dataclass(frozen=True)
class HalveNumbers:
    """Sends the halves of even numbers to the first partition, and drops the others."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        for chunk in chunks:
            numbers = chunk.column("n").to_numpy()
            yield Send(0, pa.record_batch([pa.array(numbers[numbers % 2 == 0] // 2)], names=["n"]))


@dataclass(frozen=True)
class AddNumbers:
    """Adds its numbers; refuses one of them."""

    refused: int = -1

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        total = num_bytes = 0
        for chunk in chunks:
            num_bytes += chunk.nbytes
            numbers = chunk.column("n").to_pylist()
            if self.refused in numbers:
                raise BadInputError("a number is refused")
            total += sum(numbers)
        yield Added(partition, total, num_bytes)


def steps(refused: int = -1) -> tuple[Step, ...]:
    return Step("send", SendNumbers(), SENDERS), Step("add", AddNumbers(refused), RECEIVERS)


def ordered(results: list[Result]) -> list[Result]:
    return sorted(results, key=repr)


@pytest.mark.long
def test_results_equal_those_of_a_real_run(tmp_path):
    results, _ = dry_run(steps())
    assert len(results) == 2 * SENDERS + RECEIVERS
    assert ordered(results) == ordered(run_job(Job("numbers", steps(), 1), str(tmp_path), RunOptions()))


def test_bytes_are_those_that_a_real_run_moves(tmp_path):
    _, (send, add) = dry_run(steps())
    real = run_job(Job("numbers", steps(), 1), str(tmp_path), RunOptions())
    moved = sum(added.bytes for added in pick(real, Added))
    assert moved == 8 * sum(100 * partition + 10 for partition in range(SENDERS))
    assert (send.received_bytes, send.sent_bytes) == (0, moved)
    assert (add.received_bytes, add.sent_bytes) == (moved, 0)


@pytest.mark.long
def test_a_step_gets_what_the_step_before_sent_and_nothing_older(tmp_path):
    send, add = steps()
    chain = send, Step("halve", HalveNumbers(), RECEIVERS), add
    results, costs = dry_run(chain)
    assert ordered(results) == ordered(run_job(Job("numbers", chain, 1), str(tmp_path), RunOptions()))
    assert [cost.sent_bytes for cost in costs[:2]] == [cost.received_bytes for cost in costs[1:]]
    assert 2 * costs[2].received_bytes == costs[1].received_bytes


def test_costs_name_the_steps_in_order():
    _, costs = dry_run(steps())
    assert [(cost.name, cost.partitions) for cost in costs] == [("send", SENDERS), ("add", RECEIVERS)]
    assert all(cost.cpu_seconds >= 0 for cost in costs)


@pytest.mark.long
def test_a_steps_own_error_arrives_as_it_was_raised():
    with pytest.raises(BadInputError, match="a number is refused"):
        dry_run(steps(refused=42))
