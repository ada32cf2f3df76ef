"""The dedupe stage: documents in, corpus out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.code import code_of
from malmoi_pipelines.contracts.progress import SILENT, Progress
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.schemas import DOCUMENTS
from malmoi_pipelines.contracts.sources import check_sources_occur
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from malmoi_pipelines.contracts.tables import ROW_GROUP_BYTES, cut_by_size, write_parquet
from malmoi_pipelines.dedupe.against import add_old, signature
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.steps import Partitions, dedupe_steps
from malmoi_pipelines.dedupe.summary import summarise
from malmoi_pipelines.engine.job import Job, Step
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.engine.run import run_job
from malmoi_pipelines.raw.documents import Documents, find_documents, known_sources


def dedupe(
    documents: list[str],
    out: str,
    config: DedupeConfig,
    options: RunOptions,
    *,
    against: Sequence[str] = (),
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> StageResult:
    """Remove exact and near duplicates.

    Args:
        documents: whatever `clean` reads.
        out: the dataset folder to write.
        config: see `DedupeConfig`.
        options: runner and workers.
        against: folders of earlier corpora, which stay as they are: documents that repeat theirs go.
        overwrite: replace what is in `out`.
        progress: told how far it is.
    """
    found = find_documents(documents, config)
    if (known := known_sources(found)) is not None:
        check_sources_occur("source_priority", config.source_priority, known)
    corpora, old_inputs = add_old((), list(against), config)
    identity = StageIdentity(
        kind="corpus",
        stage="dedupe",
        inputs={"documents": found.fingerprint, **old_inputs},
        config={**config.model_dump(mode="json"), "signature": signature(config)},
        code=code_of(__name__, found.unused_packages),
    )

    def body(work: str) -> StageOutput:
        foreign = foreign_tasks(found)
        adopt = (Step("adopt files", AdoptFiles(found, foreign, out, work), len(foreign)),) if foreign else ()
        new = tuple(found.own_table(number) or adopted_path(work, number) for number in range(len(found.tasks)))
        num_bytes = found.text_bytes + corpora.old_bytes
        steps = (*adopt, *dedupe_steps(replace(corpora, new=new), out, work, config, Partitions.of(num_bytes)))
        results = run_job(Job("dedupe", steps, num_bytes), work, options, progress)
        infos, report = summarise(results, found.files, config)
        assert report.ledger is not None, "every summary has one"
        check_sources_occur("source_priority", config.source_priority, report.ledger.counts)
        return StageOutput(infos, report)

    return run_stage(identity, out, body, reads=[*documents, *found.paths, *against], overwrite=overwrite)


def adopted_path(work: str, number: int) -> str:
    """Where `AdoptFiles` puts what it copies."""
    return files.join(work, "adopted", DOCUMENTS.name, f"part-{number:05d}.parquet")


def foreign_tasks(found: Documents) -> tuple[int, ...]:
    """The numbers of the tasks that are no table of ours, and are copied to one first."""
    return tuple(number for number in range(len(found.tasks)) if found.own_table(number) is None)


@dataclass(frozen=True)
class AdoptFiles:
    """A first step for foreign input: the steps after it read chosen rows again, which only Parquet makes cheap."""

    documents: Documents
    tasks: tuple[int, ...]
    """The tasks to copy, by their numbers."""
    out: str
    work: str

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Result]:
        """Copy one task to Parquet with our columns; what is no document goes to `rejects/`."""
        del chunks  # the first step gets none
        number = self.tasks[partition]
        with self.documents.open(number, self.out) as reader:
            folder, name = files.join(self.work, "adopted"), f"part-{number:05d}"
            write_parquet(folder, DOCUMENTS, name, _row_groups(reader))
        yield reader.unread


def _row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches of any size as row groups of one: they are what later steps hold at once.

    Unlike `RowGroups`, which cut by what others read, none is larger than it should be, whatever comes.
    """
    held: list[pa.RecordBatch] = []
    num_bytes = 0
    for batch in batches:
        for piece in cut_by_size(batch, ROW_GROUP_BYTES // 8):
            if held and num_bytes + piece.nbytes > ROW_GROUP_BYTES:
                yield pa.concat_batches(held)
                held, num_bytes = [], 0
            held.append(piece)
            num_bytes += piece.nbytes
    if held:
        yield pa.concat_batches(held)
