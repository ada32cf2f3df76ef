"""Run a job where the options say: in memory, in worker processes, or on a Beam runner by name."""

import os

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.progress import SILENT, Progress
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.timings import note_timings
from malmoi_pipelines.engine.job import Job
from malmoi_pipelines.engine.job_progress import JobProgress
from malmoi_pipelines.engine.local import run_in_processes
from malmoi_pipelines.engine.options import DIRECT, RunOptions, check_flags
from malmoi_pipelines.engine.results import decode, error_in
from malmoi_pipelines.engine.tally import Tally, by_step
from malmoi_pipelines.engine.watching import watched

IN_MEMORY_BYTES = 16 << 20  # input up to this runs in this process: worker processes need about 4 s to start


def run_job(job: Job, work: str, options: RunOptions, progress: Progress = SILENT) -> list[Result]:
    """Run a job; returns its results in a fixed order (step, partition, kind, content).

    Args:
        job: the job.
        work: the stage's scratch folder, visible to all workers.
        options: runner, processes, Beam flags.
        progress: told as partitions finish.

    Raises:
        MalmoiError: a step's own error, as it was raised there.
    """
    check_flags(options)
    small = options.workers is None and job.input_bytes <= IN_MEMORY_BYTES
    if options.runner == DIRECT and not small and not work.startswith("memory://"):
        lines = run_in_processes(job, work, options.workers or os.cpu_count() or 1, progress)
    else:
        lines = _run_graph(job, work, options, progress)
    order = {step.name: number for number, step in enumerate(job.steps)}
    # Sorting is stable and the lines of a partition are sorted as text: by kind, then by content.
    told = sorted(decode(sorted(lines)), key=lambda entry: (order[entry.step], entry.partition))
    note_timings(work, job.name, [{"step": step, **tally.to_json()} for step, tally in by_step(told).items()])
    if error := error_in(told):  # in the order of the steps: an error is often the cause of those after it
        raise error
    return [entry.result for entry in told if not isinstance(entry.result, Tally)]


def _run_graph(job: Job, work: str, options: RunOptions, progress: Progress) -> list[bytes]:
    # Here and not above: Beam takes three seconds to import, which a driver of worker processes need not wait for.
    from malmoi_pipelines.engine.transforms import run_graph  # noqa: PLC0415

    path = files.join(work, "results.jsonl")
    if options.runner == DIRECT:  # it runs in this process, where partitions can be seen to end
        with watched(JobProgress(job, progress).done):
            run_graph(job, path, options)
    else:
        with progress.doing(f"{job.name} on {options.runner}"):
            run_graph(job, path, options)
    return files.read_bytes(path).splitlines()
