"""Large jobs on one machine: step after step, worker processes, durable chunk files between the steps.

FnApiRunner groups in memory at about four times the payload and moves a shuffle as one message, so it cannot carry a
large job whole (apache/beam#21993). Here each worker process runs Beam pipelines of one partition of one step, and the
shuffle between two steps is a folder of Arrow files: memory is bounded by a partition, whatever the size of the input.
"""

import concurrent.futures
import concurrent.futures.process
import multiprocessing
import os
import shutil
import tempfile

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import MalmoiError
from malmoi_pipelines.contracts.progress import Progress
from malmoi_pipelines.engine.chunk_files import Index, write_index
from malmoi_pipelines.engine.job import Job, Step
from malmoi_pipelines.engine.job_progress import JobProgress
from malmoi_pipelines.engine.results import decode, error_in
from malmoi_pipelines.engine.tally import Tally
from malmoi_pipelines.engine.worker import start_worker


def run_in_processes(job: Job, work: str, workers: int, progress: Progress) -> list[bytes]:
    """Run a job with worker processes; returns its encoded results, sorted. The first error among them ends it.

    Args:
        job: the job.
        work: the stage's scratch folder; chunk files go there if it is local, else to the machine's temp folder.
        workers: number of processes.
        progress: told as partitions finish.
    """
    local = files.is_local(work)
    root = os.path.abspath(files.filesystem(work)[1]) + "/chunks" if local else tempfile.mkdtemp(prefix="malmoi-")
    context = multiprocessing.get_context("spawn")  # fork would copy Beam's and Arrow's threads in an unknown state
    results: list[bytes] = []
    told = JobProgress(job, progress)

    try:
        with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context, initializer=start_worker) as pool:
            for number, step in enumerate(job.steps):
                lines, failed = _run_step(pool, step, f"{root}/{number}", f"{root}/{number + 1}", told)
                results += lines
                shutil.rmtree(f"{root}/{number}", ignore_errors=True)
                if failed:
                    break
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return sorted(results)


def _run_step(
    pool: concurrent.futures.Executor, step: Step, source: str, target: str, progress: JobProgress
) -> tuple[list[bytes], bool]:
    """The encoded results of a step, and whether an error is among them: then its other partitions may be left out."""
    tasks = [pool.submit(_run_partition, step, partition, source, target) for partition in range(step.partitions)]
    results: list[bytes] = []
    indexes: list[Index] = []
    try:
        for task in concurrent.futures.as_completed(tasks):
            lines, index = task.result()
            told = decode(lines)
            results += lines
            if error_in(told):
                return results, True  # now, not after the other partitions
            indexes.append(index)
            for entry in told:
                if isinstance(entry.result, Tally):
                    progress.done(step.name, entry.result)
    except concurrent.futures.process.BrokenProcessPool:
        raise MalmoiError(
            f"a worker process died in step {step.name!r}.", hint="most often memory ran out: use fewer --workers"
        ) from None
    finally:
        for task in tasks:
            task.cancel()
    if indexes:
        write_index(target, indexes)
    return results, False


def _run_partition(step: Step, partition: int, source: str, target: str) -> tuple[list[bytes], Index]:
    """Import Beam in the worker alone: it takes three seconds, in which the driver is already at work."""
    from malmoi_pipelines.engine.local_partition import run_partition  # noqa: PLC0415

    return run_partition(step, partition, source, target)
