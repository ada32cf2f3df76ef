"""The clean stage as a job of three steps.

    read   a task's files: cleaned and written at once, or only scored where a language model is used
    meet   shared ids, by hash of the id; the cut of each source, from the sketches of all tasks
    settle the tasks that this concerns are cleaned again, now knowing it, into files of another name

Cleaning again costs less than keeping the texts of the first pass, and only documents with clashing ids or a model that
needs its percentile are ever cleaned twice.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.clean.ids import ID_DIGEST, SHARED_ID, digest_batch, find_shared
from malmoi_pipelines.clean.perplexity import (
    BINS_PER_UNIT,
    CUT,
    SCORE_BIN,
    Decision,
    find_cuts,
    merge_sketches,
    sketch_batch,
)
from malmoi_pipelines.clean.task import Cuts, TaskScorer, TaskWriter, load_scores, read_task
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.engine.chunk_kind import by_kind
from malmoi_pipelines.engine.job import Job, Send, Step
from malmoi_pipelines.engine.partition import PartitionBuffer, partition_of, split
from malmoi_pipelines.raw.rows import RawBlock
from malmoi_pipelines.raw.tasks import Task

MEETING_BYTES = 1 << 30  # raw text for each partition in which ids meet: about 100 MB of digests of film reviews


@dataclass(frozen=True)
class ReadFiles:
    """Partition n reads task n. Sends digests of given ids, and the sketch of scores."""

    tasks: tuple[Task, ...]
    out: str
    work: str
    config: CleanConfig
    meetings: int
    """Partitions of the step after."""

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Read one task, block by block."""
        del chunks  # the first step gets none
        task = self.tasks[partition]
        digests = PartitionBuffer()
        if self.config.perplexity is None:
            with TaskWriter(task, f"part-{partition:05d}", self.out, self.config) as writer:
                for part, block in read_task(task, self.config):
                    yield from self._send_digests(digests, block, partition)
                    writer.write(part, block)
            yield replace(writer.result, task=partition)
        else:
            scorer = TaskScorer(self.config)
            for _, block in read_task(task, self.config):
                yield from self._send_digests(digests, block, partition)
                scorer.add(block)
            scorer.save(scores_path(self.work, partition))
            yield Send(0, sketch_batch(scorer.sketch))
        yield from digests.flush()

    def _send_digests(self, buffer: PartitionBuffer, block: RawBlock, task: int) -> Iterator[Send]:
        batch = digest_batch(block, task)
        if batch.num_rows:
            yield from buffer.add(batch, partition_of(batch.column("key").to_numpy(), self.meetings))


@dataclass(frozen=True)
class Meet:
    """Partition n compares the ids with hash n, partition 0 also cuts each source; tasks get what concerns them."""

    tasks: int
    config: CleanConfig

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Merge the digests, and the sketches if there are any."""
        digests, sketches = by_kind(chunks, ID_DIGEST, SCORE_BIN)
        shared = find_shared(pa.Table.from_batches(digests, ID_DIGEST))
        yield from split(shared, shared.column("task").to_numpy().astype(np.int64))
        total = merge_sketches(sketches)
        if total:
            shares = {source: self.config.policy(source).perplexity_cut for source, _ in total}
            cuts = find_cuts(total, shares)
            batch = pa.RecordBatch.from_pydict({"source": list(cuts), "bin": list(cuts.values())}, schema=CUT)
            yield from (Send(task, batch) for task in range(self.tasks))
            yield Cuts({source: math.exp((cut + 1) / BINS_PER_UNIT) for source, cut in cuts.items()})


@dataclass(frozen=True)
class Settle:
    """Partition n cleans task n with what the meeting found, if it concerns the task."""

    tasks: tuple[Task, ...]
    out: str
    work: str
    config: CleanConfig

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Send | Result]:
        """Clean one task again.

        Raises:
            BadInputError: documents share an id, and may not.
        """
        shared_ids, cuts = by_kind(chunks, SHARED_ID, CUT)
        keys = [chunk.column("key").to_numpy() for chunk in shared_ids]
        task = self.tasks[partition]
        if keys and self.config.duplicate_ids == "fail":
            raise BadInputError(
                f"{', '.join(sorted({part.file.name for part in task.parts}))}: {sum(map(len, keys)):,} ids are those "
                "of other documents of the same source, too.",
                hint="give each such document an id of its own: --set duplicate_ids=rekey, or name the field that "
                "holds the id: --set read.columns.id=NAME",
            )
        scores = None
        if self.config.perplexity is not None:
            scores = load_scores(scores_path(self.work, partition), self.config)
        elif not keys:
            return
        shared = np.unique(np.concatenate([np.empty(0, np.uint64), *keys]))
        decision = Decision(shared, {row["source"]: row["bin"] for chunk in cuts for row in chunk.to_pylist()})
        # Another name than the first step's: a late attempt of that one must not bring its file back.
        with TaskWriter(task, f"part-{partition:05d}-settled", self.out, self.config, decision, scores) as writer:
            for part, block in read_task(task, self.config):
                writer.write(part, block)
        yield replace(writer.result, task=partition)


def scores_path(work: str, task: int) -> str:
    """Where a task's scores lie between the steps."""
    return files.join(work, "scores", f"part-{task:05d}.npy")


def clean_job(tasks: tuple[Task, ...], out: str, work: str, config: CleanConfig, raw_bytes: int) -> Job:
    """The job.

    Args:
        tasks: what to clean.
        out: the dataset folder.
        work: the stage's scratch folder.
        config: the stage's options.
        raw_bytes: estimated bytes of raw text.
    """
    meetings = max(1, math.ceil(raw_bytes / MEETING_BYTES))
    first, last = ("files", "shared ids") if config.perplexity is None else ("scores", "files")
    steps = (
        Step(f"clean: {first}", ReadFiles(tasks, out, work, config, meetings), len(tasks)),
        Step("clean: meet", Meet(len(tasks), config), meetings),
        Step(f"clean: {last}", Settle(tasks, out, work, config), len(tasks)),
    )
    return Job("clean", steps, raw_bytes)
