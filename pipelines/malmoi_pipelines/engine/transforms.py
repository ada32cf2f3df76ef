"""A job's steps as Beam transforms, and a whole job as one graph of them. Local phases reuse the same DoFn."""

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import MalmoiError
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.engine import coders
from malmoi_pipelines.engine.job import Job, Send, Step
from malmoi_pipelines.engine.options import DIRECT, RunOptions
from malmoi_pipelines.engine.results import Failure, encode
from malmoi_pipelines.engine.tally import Stopwatch, Tally
from malmoi_pipelines.engine.watching import tell_done

RESULTS = "results"
METRICS = "malmoi"  # the namespace of our Beam metrics


class RunStep(beam.DoFn):
    """(partition, chunks) → chunks keyed by the next step's partition; results go to the side output `results`."""

    def __init__(self, step: Step) -> None:
        self._step = step

    def process(self, element: Any) -> Iterator[Any]:
        """Run the step over one partition: element is (partition, chunks).

        A MalmoiError travels as a result: a runner would wrap it into a RuntimeError of its own, and retry.
        """
        partition, values = element
        watch = Stopwatch()
        chunks = watch.tally.received(chunk for chunk in values if chunk.num_columns)
        try:
            for item in self._step.run(partition, chunks):
                if isinstance(item, Send):
                    watch.tally.sent(item.chunk)
                    yield item.partition, item.chunk
                else:
                    watch.tally.told(item)
                    yield self._result(partition, item)
        except MalmoiError as error:
            yield self._result(partition, Failure.of(error))
            watch.tally.failed = 1
        tally = watch.stop()
        show(tally)
        if not tally.failed:
            tell_done(self._step.name, tally)
        yield self._result(partition, tally)

    def _result(self, partition: int, result: Result) -> beam.pvalue.TaggedOutput:
        return beam.pvalue.TaggedOutput(RESULTS, encode(self._step.name, partition, result))


def show(tally: Tally) -> None:
    """What a partition did as Beam metrics of its step: counters, and distributions over partitions."""
    for name in ("partitions", "failed", "documents", "rows_received", "bytes_received", "rows_sent", "bytes_sent"):
        Metrics.counter(METRICS, name).inc(getattr(tally, name))
    Metrics.distribution(METRICS, "partition_bytes").update(tally.bytes_received)
    Metrics.distribution(METRICS, "partition_milliseconds").update(round(1000 * tally.seconds))


def run_step(do_fn: RunStep) -> beam.PTransform:
    """The step as a ParDo with its two outputs typed: typed keys and chunks choose our coders instead of pickle."""
    return beam.ParDo(do_fn).with_output_types(tuple[int, pa.RecordBatch]).with_outputs(RESULTS, main="chunks")


class RunJob(beam.PTransform):
    """The whole job as one graph: the steps, a GroupByKey by partition between them, the results in one file."""

    def __init__(self, job: Job, results_path: str) -> None:
        super().__init__()
        self._job = job
        self._results_path = results_path

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        """Build the graph on a pipeline."""
        results = []
        chunks = None
        for step in self._job.steps:
            # (partition, empty chunk): every partition is visited even if nothing is sent to it. For step 0 the
            # GroupByKey spreads the tasks over the workers; Reshuffle is only a hint on Flink (apache/beam#30621).
            seeds = pipeline | f"{step.name}: partitions" >> beam.Create(list(range(step.partitions)))
            seeds = seeds | f"{step.name}: seeds" >> beam.Map(_seed).with_output_types(tuple[int, pa.RecordBatch])
            flat = seeds if chunks is None else (seeds, chunks) | f"{step.name}: flatten" >> beam.Flatten()
            grouped = flat | f"{step.name}: shuffle" >> beam.GroupByKey()
            outputs = grouped | step.name >> run_step(RunStep(step))
            chunks = outputs["chunks"]
            results.append(outputs[RESULTS] | f"{step.name}: key results" >> beam.Map(_one_key))
        return (
            results
            | "results: flatten" >> beam.Flatten()
            | "results: gather" >> beam.GroupByKey()
            | "results: write" >> beam.Map(write_results, self._results_path)
        )


def _seed(partition: int) -> tuple[int, pa.RecordBatch]:
    return partition, coders.EMPTY


def _one_key(line: bytes) -> tuple[int, bytes]:
    return 0, line


def write_results(element: tuple[int, Iterable[bytes]], path: str) -> None:
    """Write all results, one a line, whole or not at all, so that a retry is harmless."""
    files.write_bytes(path, b"\n".join(sorted(element[1])))


def run_graph(job: Job, results_path: str, options: RunOptions) -> None:
    """Run a whole job as one Beam pipeline. Its results come back through a file: remote runners return no values."""
    with _pipeline(job, options) as pipeline:
        _ = pipeline | job.name >> RunJob(job, results_path)


def _pipeline(job: Job, options: RunOptions) -> beam.Pipeline:
    if options.runner == DIRECT:
        # By object: Beam's own "DirectRunner" would first try to download another engine.
        return beam.Pipeline(runner=FnApiRunner())
    flags = [f"--runner={options.runner}", *options.beam_flags]
    if not any(flag.startswith("--job_name") for flag in flags):
        flags.append(f"--job_name=malmoi-{job.name}")
    return beam.Pipeline(options=PipelineOptions(flags))
