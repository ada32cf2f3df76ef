"""One task of the clean stage: its files read, cleaned and written; or read and scored, where a model is used."""

import contextlib
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from pipelines.clean.config import CleanConfig
from pipelines.clean.core import CleanedBlock, clean_block, judge_block
from pipelines.clean.counts import Counts
from pipelines.clean.perplexity import NOTHING_KNOWN, Decision, Scores, score, sketch
from pipelines.clean.sink import TableSink
from pipelines.contracts import files
from pipelines.contracts.errors import BadInputError
from pipelines.contracts.ledger import Ledger
from pipelines.contracts.manifest import FileInfo
from pipelines.contracts.schemas import DOCUMENTS, REJECTS, SPANS
from pipelines.raw.inputs import Part, Task
from pipelines.raw.readers import read_blocks
from pipelines.raw.rows import RawBlock

MAX_SOURCES = 1000  # the ledger is held in memory and read by people: a field of page addresses is no source


@dataclass
class TaskResult:
    """What one task, or all of them, made: crosses to the driver as JSON."""

    files: list[FileInfo] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    counts: Counts = field(default_factory=Counts)

    def add(self, cleaned: CleanedBlock) -> None:
        """Count a block."""
        self.ledger.merge(cleaned.ledger)
        self.counts.merge(cleaned.counts)

    def merge(self, other: "TaskResult") -> None:
        """Add another task's result."""
        self.files += other.files
        self.ledger.merge(other.ledger)
        self.counts.merge(other.counts)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "files": [info.model_dump() for info in self.files],
            "ledger": self.ledger.to_json(),
            "counts": self.counts.to_json(),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            files=[FileInfo.model_validate(info) for info in value["files"]],
            ledger=Ledger.from_json(value["ledger"]),
            counts=Counts.from_json(value["counts"]),
        )


def read_task(task: Task, config: CleanConfig) -> Iterator[tuple[Part, RawBlock]]:
    """The blocks of a task's files, in order; the memory in use does not depend on the size of the files."""
    for part in task.parts:
        for block in read_blocks(part, config.policy(part.file.source).read):
            yield part, block


def write_task(
    task: Task,
    blocks: Iterator[tuple[Part, RawBlock]],
    number: int,
    out: str,
    config: CleanConfig,
    decision: Decision = NOTHING_KNOWN,
    scores: Scores | None = None,
) -> TaskResult:
    """Clean the blocks of one task and write `<table>/part-<number>.parquet` for each table.

    Args:
        task: what is read. Only its first part makes an empty table where there is nothing: a Parquet file with few row
            groups would else make many.
        blocks: as of `read_task`.
        number: of the task; names the output files.
        out: the dataset folder, local or remote.
        config: the stage's options.
        decision: what the pass over all files found, where there was one.
        scores: of the task's documents that `judge_block` keeps, where a model is used.

    Raises:
        BadInputError: a file cannot be read, is damaged and may not be, or there are too many sources.
    """
    result = TaskResult()
    name = f"part-{number:05d}"
    with contextlib.ExitStack() as stack:
        documents = stack.enter_context(TableSink(out, DOCUMENTS, name, even_if_empty=task.parts[0].number == 0))
        rejects = stack.enter_context(TableSink(out, REJECTS, name))
        spans = stack.enter_context(TableSink(out, SPANS, name))
        for part, block in blocks:
            cleaned = clean_block(block, config, part.file.name, decision, scores)
            documents.write(cleaned.documents)
            rejects.write(cleaned.rejects)
            spans.write(cleaned.spans)
            result.add(cleaned)
            scores = None if scores is None else scores.rows(slice(cleaned.scored, None))
            check_sources(result.ledger, config)
    result.files = [*documents.files, *rejects.files, *spans.files]
    return result


def score_task(blocks: Iterator[tuple[Part, RawBlock]], path: str, config: CleanConfig) -> Counter[tuple[str, int]]:
    """Score the documents of one task that the rules keep, and save the scores.

    Args:
        blocks: as of `read_task`.
        path: where the scores go.
        config: the stage's options, with models.

    Returns:
        the sketch of the task's scores.
    """
    assert config.perplexity is not None, "scored only where a model is given"
    total: Counter[tuple[str, int]] = Counter()
    parts: list[Scores] = []
    for _, block in blocks:
        judged = judge_block(block, config)
        kept = judged.kept()
        parts.append(score([judged.texts[i] for i in kept], config.perplexity))
        total.update(sketch([block.sources[i] for i in kept], parts[-1]))
    buffer = io.BytesIO()
    np.save(buffer, np.concatenate([part.table for part in parts]) if parts else np.empty((0, 1), np.float32))
    files.write_bytes(path, buffer.getvalue())
    return total


def load_scores(path: str, config: CleanConfig) -> Scores:
    """The scores that `score_task` saved."""
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
