"""The progress of a job from its partitions: how many are done, their share of the input, documents by the ledgers."""

from collections import Counter

from malmoi_pipelines.contracts.progress import Progress
from malmoi_pipelines.engine.job import Job
from malmoi_pipelines.engine.tally import Tally


class JobProgress:
    """Counts the partitions of a job's steps and passes on how far each is.

    The partitions of a step hold about equal shares of the job's input, so that their number tells the bytes; the
    documents are those that came in by the ledgers among the results.
    """

    def __init__(self, job: Job, progress: Progress) -> None:
        self._job, self._progress = job, progress
        self._partitions = {step.name: step.partitions for step in job.steps}
        self._done: Counter[str] = Counter()
        self._documents: Counter[str] = Counter()
        self._tell(job.steps[0].name)

    def done(self, step: str, tally: Tally) -> None:
        """A partition of a step is done; after the last one the next step begins."""
        self._done[step] += 1
        self._documents[step] += tally.documents
        self._tell(step)
        names = list(self._partitions)
        if self._done[step] == self._partitions[step] and step != names[-1]:
            self._tell(names[names.index(step) + 1])

    def _tell(self, step: str) -> None:
        done, total, documents = self._done[step], self._partitions[step], self._documents[step]
        amounts = {"bytes": self._job.input_bytes * done // max(total, 1)}
        if documents:
            amounts["documents"] = documents
        self._progress(step, done, total, **amounts)
