"""Counting in the loop by a job: every round writes its tokenizer, and the job counts its tokens over the word tables.

For word tables that are too large for this machine's memory (what they need: benchmarks/results/distinct-units). The
counts are the same as in this process, and so is every byte of the result.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.arrays import Bool

from malmoi_tokenizer_lab.base import Base
from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_tokenizer_lab.loop.candidates import Candidates
from malmoi_tokenizer_lab.words import Ints


@dataclass(frozen=True)
class JobCounts:
    """What a job counted."""

    counts: Ints
    """Occurrences of each id, shape [vocabulary]."""
    units: int
    """Distinct units that it encoded."""
    eojeol_tokens: int
    """Tokens of the eojeol."""


CountJob = Callable[[str, str], JobCounts]
"""(folder of a tokenizer, folder to write) → its counts over the word tables."""


@dataclass(frozen=True)
class JobCounting:
    """How to count by jobs."""

    base: Base
    config: ExpandConfig
    job: CountJob
    work: str
    """Folder for each round's tokenizer and counts; the job's workers must reach it."""

    def counter(self, candidates: Candidates, alive: Bool, other_tokens: int) -> "JobCounter":
        """The counter of one loop.

        Args:
            candidates: what may be added.
            alive: which are in the vocabulary at first.
            other_tokens: tokens of the units without Hangul.
        """
        return JobCounter(self, candidates, alive, other_tokens)


class JobCounter:
    """A `TokenCounter` that counts by jobs."""

    def __init__(self, counting: JobCounting, candidates: Candidates, alive: Bool, other_tokens: int) -> None:
        self._counting, self._candidates, self._other_tokens = counting, candidates, other_tokens
        self.alive = alive.copy()
        self.recounted = 0
        self._count()

    def change(self, dropped: Ints, added: Ints) -> None:
        """Take candidates out of the vocabulary and others into it."""
        self.alive[dropped] = False
        self.alive[added] = True
        self._count()

    def counts(self) -> Ints:
        """How often each candidate is emitted, shape [n]; 0 for those not in the vocabulary."""
        return self._counts

    def num_tokens(self) -> tuple[int, int]:
        """Tokens of all Korean units, and of those among them that are eojeol."""
        return self._tokens, self._eojeol_tokens

    def _count(self) -> None:
        this = self._counting
        artefact = this.base.build("round", self._candidates, self.alive, this.config)
        tokenizer, counted = files.join(this.work, "tokenizer"), files.join(this.work, "counts")
        for folder in (tokenizer, counted):
            files.remove_tree(folder)
        for name, data in artefact.files.items():
            files.write_bytes(files.join(tokenizer, name), data)
        result = this.job(tokenizer, counted)
        self._counts = np.zeros(len(self._candidates), np.int64)
        for place, row in enumerate(artefact.rows):
            if row.candidate >= 0:
                self._counts[row.candidate] = result.counts[this.base.size + place]
        self._tokens = int(result.counts.sum()) - self._other_tokens
        self._eojeol_tokens = result.eojeol_tokens
        self.recounted = result.units
