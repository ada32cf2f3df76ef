import os
import pathlib
import time
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import orjson
import pyarrow as pa
import pytest
from apache_beam.metrics.metric import MetricsFilter
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts.errors import BadInputError, DefectError, MalmoiError, UsageError
from malmoi_pipelines.contracts.ledger import Ledger
from malmoi_pipelines.contracts.result import Accounted, Result
from malmoi_pipelines.engine.coders import RecordBatchCoder
from malmoi_pipelines.engine.job import Job, Step
from malmoi_pipelines.engine.options import RunOptions, check_flags
from malmoi_pipelines.engine.partition import PartitionBuffer, partition_of, split
from malmoi_pipelines.engine.run import run_job

from tests.told import Told

SENDERS, RECEIVERS = 3, 5


@dataclass(frozen=True)
class Sent(Result):
    rows: int


@dataclass(frozen=True)
class Summed(Result):
    partition: int
    sum: int
    rows: int


@dataclass(frozen=True)
class SendNumbers:
    """Sends its hundred numbers by remainder; nothing goes to the last partition."""

    def __call__(self, partition, chunks):
        assert list(chunks) == []
        numbers = np.arange(partition * 100, partition * 100 + 100)
        batch = pa.RecordBatch.from_arrays([pa.array(numbers)], names=["n"])
        yield from split(batch, numbers % (RECEIVERS - 1))
        yield Sent(len(numbers))


@dataclass(frozen=True)
class SumNumbers:
    def __call__(self, partition, chunks):
        numbers = [n for chunk in chunks for n in chunk.column("n").to_pylist()]
        yield Summed(partition, sum(numbers), len(numbers))


@dataclass(frozen=True)
class Refuse:
    def __call__(self, partition, chunks):
        if partition == 1:
            raise BadInputError("the second file is broken", "mend it")
        yield Sent(partition)


def job(second=SumNumbers()):
    steps = (Step("send", SendNumbers(), SENDERS), Step("sum", second, RECEIVERS))
    return Job("numbers", steps, input_bytes=1)


def expected():
    rows = range(SENDERS * 100)
    sums = [sum(n for n in rows if n % (RECEIVERS - 1) == p) for p in range(RECEIVERS - 1)] + [0]
    counts = [sum(1 for n in rows if n % (RECEIVERS - 1) == p) for p in range(RECEIVERS - 1)] + [0]
    return [Sent(100)] * SENDERS + [Summed(p, s, c) for p, (s, c) in enumerate(zip(sums, counts, strict=True))]


@pytest.mark.long
@pytest.mark.parametrize("workers", [None, 1, 2], ids=["in memory", "one process", "two processes"])
def test_every_partition_is_visited_and_every_row_arrives_once(tmp_path, workers):
    assert run_job(job(), str(tmp_path), RunOptions(workers=workers)) == expected()
    assert not (tmp_path / "chunks").exists()


@dataclass(frozen=True)
class FindDefect:
    def __call__(self, partition, chunks):
        raise DefectError("2 are not 3.")
        yield


def test_a_defect_arrives_as_one(tmp_path):
    with pytest.raises(DefectError, match="2 are not 3") as error:
        run_job(Job("n", (Step("find", FindDefect(), 1),), 1), str(tmp_path), RunOptions())
    assert "defect of malmoi" in error.value.hint


@dataclass(frozen=True)
class Process(Result):
    number: int


@dataclass(frozen=True)
class Meet:
    """Ends only if as many processes as there are partitions are at work at once; says which they are."""

    folder: str
    partitions: int

    def __call__(self, partition, chunks):
        pathlib.Path(self.folder, str(partition)).touch()
        deadline = time.monotonic() + 60
        while len(os.listdir(self.folder)) < self.partitions:
            if time.monotonic() > deadline:
                raise BadInputError("the others did not come")
            time.sleep(0.01)
        yield Process(os.getpid())


@pytest.mark.long
@pytest.mark.parametrize("workers", [1, 3])
def test_so_many_workers_are_so_many_processes(tmp_path, workers):
    place = tmp_path / "here"
    place.mkdir()
    steps = (Step("meet", Meet(str(place), workers), workers),)
    found = {process.number for process in run_job(Job("n", steps, 1), str(tmp_path), RunOptions(workers=workers))}
    assert len(found) == workers
    assert os.getpid() not in found


@pytest.mark.long
def test_no_more_processes_than_workers(tmp_path):
    steps = (Step("say", Meet(str(tmp_path), 0), 6),)
    found = {process.number for process in run_job(Job("n", steps, 1), str(tmp_path / "w"), RunOptions(workers=1))}
    assert len(found) == 1


@pytest.mark.long
@pytest.mark.parametrize("workers", [None, 1])
def test_a_steps_own_error_arrives_as_it_was_raised(tmp_path, workers):
    with pytest.raises(BadInputError, match="the second file is broken") as error:
        run_job(job(Refuse()), str(tmp_path), RunOptions(workers=workers))
    assert error.value.hint == "mend it"


@pytest.mark.long
def test_an_error_ends_the_job_before_the_next_step(tmp_path):
    steps = (Step("refuse", Refuse(), SENDERS), Step("sum", SumNumbers(), RECEIVERS))
    seen = []
    with pytest.raises(BadInputError):
        run_job(Job("n", steps, 1), str(tmp_path), RunOptions(workers=1), Told(seen))
    assert {step for step, *_ in seen} == {"refuse"}


@dataclass(frozen=True)
class Die:
    def __call__(self, partition, chunks):
        os._exit(9)
        yield


@pytest.mark.long
@pytest.mark.fault("killed")
def test_a_worker_that_dies_is_explained(tmp_path):
    with pytest.raises(MalmoiError, match="a worker process died in step 'die'") as error:
        run_job(Job("n", (Step("die", Die(), 1),), 1), str(tmp_path), RunOptions(workers=1))
    assert "--workers" in error.value.hint


@pytest.mark.long
def test_progress_counts_partitions(tmp_path):
    seen = []
    run_job(job(), str(tmp_path), RunOptions(workers=1), Told(seen))
    assert [state[:3] for state in seen] == [("send", n, SENDERS) for n in range(SENDERS + 1)] + [
        ("sum", n, RECEIVERS) for n in range(RECEIVERS + 1)
    ]
    assert [state[3]["bytes"] for state in seen[: SENDERS + 1]] == [
        0,
        0,
        0,
        1,
    ]  # the share of the input that is through


@pytest.mark.long
def test_a_job_in_memory_tells_its_partitions_too(tmp_path):
    small, large = [], []
    run_job(job(), str(tmp_path / "a"), RunOptions(), Told(small))
    run_job(job(), str(tmp_path / "b"), RunOptions(workers=1), Told(large))
    assert small == large


@pytest.mark.long
@pytest.mark.parametrize("workers", [None, 1])
def test_every_step_tells_what_it_took(tmp_path, workers):
    run_job(job(), str(tmp_path), RunOptions(workers=workers))
    (rows,) = [orjson.loads(path.read_bytes())[1] for path in (tmp_path / "timings").iterdir()]
    send, add = rows
    assert (send["step"], add["step"]) == ("send", "sum")
    assert (send["partitions"], add["partitions"]) == (SENDERS, RECEIVERS)
    assert send["rows_received"] == send["bytes_received"] == 0
    assert 0 < send["rows_sent"] == add["rows_received"]
    assert 0 < send["bytes_sent"] == add["bytes_received"]
    assert min(send["seconds"], add["seconds"]) >= 0


@dataclass(frozen=True)
class RefuseMidway:
    """Takes all that came, sends some, then refuses in one of its partitions."""

    def __call__(self, partition, chunks):
        rows = sum(chunk.num_rows for chunk in chunks)
        yield from split(pa.RecordBatch.from_pydict({"n": [rows]}), np.zeros(1, int))
        if partition == 1:
            raise BadInputError("the second partition is broken", "mend it")


def refusing():
    refuse, last = Step("refuse", RefuseMidway(), RECEIVERS), Step("sum", SumNumbers(), 1)
    return Job("numbers", (Step("send", SendNumbers(), SENDERS), refuse, last), input_bytes=1)


@pytest.mark.long
@pytest.mark.parametrize("workers", [None, 1])
def test_a_partition_that_fails_tells_what_it_took(tmp_path, workers):
    with pytest.raises(BadInputError, match="the second partition is broken"):
        run_job(refusing(), str(tmp_path), RunOptions(workers=workers))
    (rows,) = [orjson.loads(path.read_bytes())[1] for path in (tmp_path / "timings").iterdir()]
    send, refuse = rows[:2]
    assert (send["step"], send["failed"], send["partitions"]) == ("send", 0, SENDERS)
    assert (refuse["step"], refuse["failed"]) == ("refuse", 1)
    assert refuse["partitions"] >= 1
    assert refuse["rows_received"] > 0
    assert refuse["rows_sent"] == refuse["partitions"]


@pytest.fixture
def metrics(monkeypatch):
    """What a runner's UI shows, read as Beam gives it: a function that tells it of the last graph of a job."""
    found = []
    finish = beam.Pipeline.__exit__

    def kept(pipeline, *exc):
        finish(pipeline, *exc)
        found.append(pipeline.result.metrics().query(MetricsFilter().with_namespace("malmoi")))

    monkeypatch.setattr(beam.Pipeline, "__exit__", kept)
    return lambda: (
        {(entry.key.step.split("/")[1], entry.key.metric.name): entry.result for entry in found[-1][kind]}
        for kind in ("counters", "distributions")
    )


def test_beam_metrics_tell_of_partitions_that_fail(metrics, tmp_path):
    with pytest.raises(BadInputError):
        run_job(refusing(), str(tmp_path), RunOptions())
    counters, distributions = metrics()
    assert (counters["refuse", "partitions"], counters["refuse", "failed"]) == (RECEIVERS, 1)
    assert counters["send", "failed"] == 0
    assert distributions["refuse", "partition_milliseconds"].count == RECEIVERS


def test_beam_metrics_tell_rows_bytes_and_milliseconds(metrics, tmp_path):
    run_job(job(), str(tmp_path), RunOptions())
    counters, distributions = metrics()
    assert counters["send", "partitions"] == SENDERS
    assert counters["sum", "partitions"] == RECEIVERS
    assert counters["send", "rows_sent"] == counters["sum", "rows_received"] > 0
    assert counters["send", "bytes_sent"] == counters["sum", "bytes_received"] > 0
    assert distributions["sum", "partition_milliseconds"].count == RECEIVERS
    assert distributions["sum", "partition_bytes"].sum == counters["sum", "bytes_received"]


@dataclass(frozen=True)
class Ledgers:
    def __call__(self, partition, chunks):
        ledger = Ledger()
        ledger.add("web", "in", 10 + partition, 100)
        yield Accounted(ledger)


@pytest.mark.long
@pytest.mark.parametrize("workers", [None, 1])
def test_documents_are_counted_by_the_ledgers(tmp_path, workers):
    seen = []
    run_job(Job("n", (Step("read", Ledgers(), 3),), 300), str(tmp_path), RunOptions(workers=workers), Told(seen))
    assert seen[-1] == ("read", 3, 3, {"bytes": 300, "documents": 33})


@pytest.mark.long
def test_portable_runner_gives_the_same_results(tmp_path):
    flags = ("--job_endpoint=embed", "--environment_type=LOOPBACK")
    assert run_job(job(), str(tmp_path), RunOptions("PortableRunner", None, flags)) == expected()


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (RunOptions("FlinkRunner", None, ("--paralelism=2",)), "unknown option --paralelism", "--parallelism"),
        (RunOptions("FlinkRunner", None, ("--parallelism",)), "needs a value", "--parallelism=VALUE"),
        (RunOptions("DirectRunner", None, ("--direct_num_workers=2",)), "would be ignored", "--workers"),
        (RunOptions("FlinkRunner", 2), "FlinkRunner would ignore it", "--parallelism=N"),
        (RunOptions("DirectRunner", 0), "at least 1. Got 0", None),
        (RunOptions("FlinkRunner"), "needs the version of Flink", "--flink_version=VERSION"),
        (
            RunOptions("FlinkRunner", None, ("--flink_submit_uber_jar",)),
            "needs the version of Flink",
            "--flink_version",
        ),
        (RunOptions("FlinkRunner", None, ("--flink_version=1.2",)), r"one of 1\.19, .*Got '1\.2'", "jar"),
    ],
)
def test_flags_that_would_be_ignored_are_errors(options, message, hint):
    with pytest.raises(UsageError, match=message) as error:
        check_flags(options)
    assert hint is None or hint in error.value.hint


@pytest.mark.parametrize(
    "flags",
    [
        ("--parallelism=2", "--flink_master=[local]", "--flink_version=1.19", "--no_auth"),
        ("--flink_job_server_jar=flink.jar",),
        ("--flink_submit_uber_jar", "--flink_master=host:8081"),  # Beam asks the cluster for its version
    ],
)
def test_known_flags_pass(flags):
    check_flags(RunOptions("FlinkRunner", None, flags))


@given(st.lists(st.text(), max_size=20))
def test_chunks_survive_their_coder(values):
    batch = pa.RecordBatch.from_arrays([pa.array(values, pa.string())], names=["x"])
    assert RecordBatchCoder().decode(RecordBatchCoder().encode(batch)).equals(batch)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=60), st.integers(1, 9))
def test_splitting_keeps_every_row_in_its_partition(digests, partitions):
    keys = np.array(digests, np.uint64)
    batch = pa.RecordBatch.from_arrays([pa.array(keys)], names=["digest"])
    buffer = PartitionBuffer()
    sends = [*buffer.add(batch, partition_of(keys, partitions)), *buffer.flush()]
    assert len({send.partition for send in sends}) == len(sends)
    rows = [(send.partition, digest) for send in sends for digest in send.chunk.column("digest").to_pylist()]
    assert sorted(rows) == sorted(((digest >> 32) * partitions >> 32, digest) for digest in digests)


def test_a_full_buffer_sends_before_it_is_asked(monkeypatch):
    monkeypatch.setattr("malmoi_pipelines.engine.partition.FLUSH_BYTES", 100)
    buffer = PartitionBuffer()
    batch = pa.RecordBatch.from_arrays([pa.array(range(8))], names=["n"])
    assert list(buffer.add(batch, np.zeros(8, np.int64))) == []
    assert [send.chunk.num_rows for send in buffer.add(batch, np.zeros(8, np.int64))] == [16]
    assert list(buffer.flush()) == []
