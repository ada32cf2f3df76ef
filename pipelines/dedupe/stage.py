"""The dedupe stage: documents in, corpus out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from pipelines.contracts import files
from pipelines.contracts.fingerprint import code_version
from pipelines.contracts.schemas import DOCUMENTS
from pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from pipelines.contracts.tables import write_parquet
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.plan import dedupe_steps, summarise
from pipelines.documents import DocumentFiles, find_documents
from pipelines.engine.job import Job, Result, Step
from pipelines.engine.local import Progress
from pipelines.engine.options import RunOptions
from pipelines.engine.run import run_job, silent


def dedupe(
    documents: list[str],
    out: str,
    config: DedupeConfig,
    options: RunOptions,
    *,
    overwrite: bool = False,
    progress: Progress = silent,
) -> StageResult:
    """Remove exact and near duplicates.

    Args:
        documents: dataset folders, or files with `id`, `source` and `text`.
        out: the dataset folder to write.
        config: see `DedupeConfig`.
        options: runner and workers.
        overwrite: replace what is in `out`.
        progress: called as partitions finish.
    """
    found = find_documents(documents, config.columns)
    identity = StageIdentity(
        kind="corpus",
        stage="dedupe",
        inputs={"documents": found.fingerprint},
        config=config.model_dump(mode="json"),
        code_version=code_version("pipelines"),
    )

    def body(work: str) -> StageOutput:
        adopt = () if found.ours else (Step("adopt files", AdoptFiles(found, work), len(found.paths)),)
        paths = found.paths if found.ours else tuple(adopted_path(work, n) for n in range(len(found.paths)))
        steps = (*adopt, *dedupe_steps(paths, out, work, config, found.text_bytes))
        results = run_job(Job("dedupe", steps, found.text_bytes), work, options, progress)
        return StageOutput(*summarise(results, config))

    return run_stage(identity, out, body, reads=[*documents, *found.paths], overwrite=overwrite)


def adopted_path(work: str, number: int) -> str:
    """Where `AdoptFiles` puts a file."""
    return files.join(work, "adopted", DOCUMENTS.name, f"part-{number:05d}.parquet")


@dataclass(frozen=True)
class AdoptFiles:
    """A first step for foreign input: the steps after it read chosen rows again, which only Parquet makes cheap."""

    documents: DocumentFiles
    work: str

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Result]:
        """Copy one file to Parquet with our columns."""
        del chunks  # the first step gets none
        write_parquet(
            files.join(self.work, "adopted"), DOCUMENTS, f"part-{partition:05d}", self.documents.read(partition)
        )
        yield from ()
