"""One task of the clean stage: its files read, cleaned and written; or read and scored, where a model is used."""

import contextlib
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.clean.core import CleanedBlock, clean_block, judge_block, masked_texts
from malmoi_pipelines.clean.counts import CleanCounts
from malmoi_pipelines.clean.perplexity import F32, NOTHING_KNOWN, Decision, Scores, load_models, score, sketch
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.ledger import Ledger
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.result import Accounted, Result
from malmoi_pipelines.contracts.schemas import DOCUMENTS, REJECTS, SPANS
from malmoi_pipelines.contracts.table_sink import TableSink
from malmoi_pipelines.raw.files_read import FilesRead
from malmoi_pipelines.raw.readers import read_blocks
from malmoi_pipelines.raw.rows import RawBlock
from malmoi_pipelines.raw.tasks import FilePart, Task

MAX_SOURCES = 1000  # the ledger is held in memory and read by people: a field of page addresses is no source


@dataclass
class Cleaned(Accounted):
    """What one task, or all of them, made."""

    task: int | None = None
    """Its number; none of all."""
    files: list[FileInfo] = field(default_factory=list)
    counts: CleanCounts = field(default_factory=CleanCounts)
    read: FilesRead = field(default_factory=FilesRead)

    def add(self, cleaned: CleanedBlock) -> None:
        """Count a block."""
        self.ledger.merge(cleaned.ledger)
        self.counts.merge(cleaned.counts)

    def merge(self, other: "Cleaned") -> None:
        """Add another task's result."""
        self.files += other.files
        self.ledger.merge(other.ledger)
        self.counts.merge(other.counts)
        self.read.merge(other.read)


@dataclass(frozen=True)
class Cuts(Result):
    """Where the language model's scores are cut."""

    highest: dict[str, float]
    """Source → the highest score that is kept."""


def read_task(task: Task, config: CleanConfig) -> Iterator[tuple[FilePart, RawBlock]]:
    """The blocks of a task's files, in order; the memory in use does not depend on the size of the files."""
    for part in task.parts:
        for block in read_blocks(part, config.read_options(part.file.source), options_for=config.read_options):
            yield part, block


class TaskWriter:
    """Cleans the blocks of one task and writes `<table>/<name>.parquet` for each table.

    A context manager: at its end `result` is whole; what is not finished when the body raises is not published.
    """

    def __init__(
        self,
        task: Task,
        name: str,
        out: str,
        config: CleanConfig,
        decision: Decision = NOTHING_KNOWN,
        scores: Scores | None = None,
    ) -> None:
        """Prepare.

        Args:
            task: what is read. Only its first part makes an empty table where there is nothing: a Parquet file with few
                row groups would else make many.
            name: of the output files.
            out: the dataset folder, local or remote.
            config: the stage's options.
            decision: what the pass over all files found, where there was one.
            scores: of the task's documents that `judge_block` keeps, where a model is used.
        """
        self._task = task
        self._config = config
        self._decision = decision
        self._scores = scores
        self._documents = TableSink(out, DOCUMENTS, name, even_if_empty=task.parts[0].number == 0)
        self._rejects = TableSink(out, REJECTS, name)
        self._spans = TableSink(out, SPANS, name)
        self._stack = contextlib.ExitStack()
        self.result = Cleaned()
        """What was written so far."""

    def __enter__(self) -> Self:
        for sink in (self._documents, self._rejects, self._spans):
            self._stack.enter_context(sink)
        return self

    def __exit__(self, *exc: Any) -> None:
        self._stack.__exit__(*exc)
        self.result.read = self.result.read.worth_telling(self._task.parts)
        self.result.files = [*self._documents.files, *self._rejects.files, *self._spans.files]

    def write(self, part: FilePart, block: RawBlock) -> None:
        """Clean and write a block.

        Raises:
            BadInputError: there are too many sources.
        """
        cleaned = clean_block(block, self._config, part.file.name, self._decision, self._scores)
        self._documents.write(cleaned.documents)
        self._rejects.write(cleaned.rejects)
        self._spans.write(cleaned.spans)
        self.result.add(cleaned)
        self.result.read.add(part, block)
        if self._scores is not None:
            self._scores = self._scores.rows(slice(cleaned.scored, None))
        check_sources(self.result.ledger, self._config)


class TaskScorer:
    """Scores the documents of one task that the rules keep."""

    def __init__(self, config: CleanConfig) -> None:
        assert config.perplexity is not None, "scored only where a model is given"
        self._config = config
        self._models = load_models(config.perplexity)
        self._bad_weight = config.perplexity.bad_weight
        self._tables: list[F32] = []
        self.sketch: Counter[tuple[str, int]] = Counter()
        """Documents by source and bin of the score."""

    def add(self, block: RawBlock) -> None:
        """Score a block."""
        judged = judge_block(block, self._config)
        kept = judged.kept()
        scores = score(masked_texts(block, judged, kept, self._config), self._models, self._bad_weight)
        self._tables.append(scores.table)
        self.sketch.update(sketch([block.sources[i] for i in kept], scores))

    def save(self, path: str) -> None:
        """Write the scores of all blocks, in order."""
        buffer = io.BytesIO()
        np.save(buffer, np.concatenate(self._tables) if self._tables else np.empty((0, 1), np.float32))
        files.write_bytes(path, buffer.getvalue())


def load_scores(path: str, config: CleanConfig) -> Scores:
    """The scores that `TaskScorer` saved."""
    assert config.perplexity is not None, "scored only where a model is given"
    return Scores(np.load(io.BytesIO(files.read_bytes(path))), config.perplexity.bad_weight)


def check_sources(ledger: Ledger, config: CleanConfig) -> None:
    """Fail if there are more sources than a ledger can be kept for.

    Raises:
        BadInputError: naming the field, never its values.
    """
    if len(ledger.counts) > MAX_SOURCES:
        raise BadInputError(
            f"the field {config.read.columns.source!r} names more than {MAX_SOURCES:,} sources.",
            hint="let folders name the sources: --set read.columns.source=null; the field then goes to meta",
        )
