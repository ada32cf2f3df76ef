"""The dedupe stage: documents in, corpus out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.arrays import cuts
from malmoi_pipelines.contracts.code import code_of
from malmoi_pipelines.contracts.progress import SILENT, Progress
from malmoi_pipelines.contracts.schemas import DOCUMENTS
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from malmoi_pipelines.contracts.tables import ROW_GROUP_BYTES, cut_by_size, write_parquet
from malmoi_pipelines.dedupe.against import add_old, signature
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.parquet_rows import row_group_bytes
from malmoi_pipelines.dedupe.steps import Partitions, dedupe_steps
from malmoi_pipelines.dedupe.summary import summarise
from malmoi_pipelines.documents import DocumentFiles, find_documents
from malmoi_pipelines.engine.job import Job, Result, Step
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.engine.run import run_job

ADOPTED_BYTES = 128 << 20  # uncompressed bytes of a part of a foreign file


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
        documents: dataset folders, or files with `id`, `source` and `text`.
        out: the dataset folder to write.
        config: see `DedupeConfig`.
        options: runner and workers.
        against: folders of earlier corpora, which stay as they are: documents that repeat theirs go.
        overwrite: replace what is in `out`.
        progress: told how far it is.
    """
    found = find_documents(documents, config.columns)
    corpora, old_inputs = add_old(found.paths, list(against), config)
    identity = StageIdentity(
        kind="corpus",
        stage="dedupe",
        inputs={"documents": found.fingerprint, **old_inputs},
        config={**config.model_dump(mode="json"), "signature": signature(config)},
        code=code_of(__name__),
    )

    def body(work: str) -> StageOutput:
        adopted = () if found.ours else adoptions(found)
        adopt = (Step("adopt files", AdoptFiles(found, adopted, work), len(adopted)),) if adopted else ()
        new = tuple(adopted_path(work, number) for number in range(len(adopted))) or found.paths
        num_bytes = input_bytes(found) + corpora.old_bytes
        steps = (*adopt, *dedupe_steps(replace(corpora, new=new), out, work, config, Partitions.of(num_bytes)))
        results = run_job(Job("dedupe", steps, num_bytes), work, options, progress)
        return StageOutput(*summarise(results, config))

    return run_stage(identity, out, body, reads=[*documents, *found.paths, *against], overwrite=overwrite)


def input_bytes(found: DocumentFiles) -> int:
    """Bytes of text, or what comes near for foreign files: Parquet as it is uncompressed, others as they are stored."""
    if found.ours:
        return found.text_bytes
    text = dict(found.columns).get("text", "text")
    return sum(
        int(row_group_bytes(path, text).sum()) if path.endswith(".parquet") else files.size(path)
        for path in found.paths
    )


def adopted_path(work: str, number: int) -> str:
    """Where `AdoptFiles` puts what it copies."""
    return files.join(work, "adopted", DOCUMENTS.name, f"part-{number:05d}.parquet")


Adoption = tuple[int, range | None]
"""A part of the input: the number of its file and some row groups, or None for the whole file."""


def adoptions(found: DocumentFiles) -> tuple[Adoption, ...]:
    """Cut foreign files into parts of about `ADOPTED_BYTES`: a part is what one worker does at a time.

    Only Parquet can be cut without being read.
    """
    parts: list[Adoption] = []
    for number, path in enumerate(found.paths):
        if path.endswith(".parquet"):
            parts += [(number, range(start, stop)) for start, stop in cuts(row_group_bytes(path), ADOPTED_BYTES)]
        else:
            parts.append((number, None))
    return tuple(parts)


@dataclass(frozen=True)
class AdoptFiles:
    """A first step for foreign input: the steps after it read chosen rows again, which only Parquet makes cheap."""

    documents: DocumentFiles
    parts: tuple[Adoption, ...]
    work: str

    def __call__(self, partition: int, chunks: Iterable[pa.RecordBatch]) -> Iterator[Result]:
        """Copy one part to Parquet with our columns."""
        del chunks  # the first step gets none
        # Row groups are what later steps hold at once, and foreign ones can have any size.
        batches = (
            group
            for batch in self.documents.read(*self.parts[partition])
            for group in cut_by_size(batch, ROW_GROUP_BYTES)
        )
        write_parquet(files.join(self.work, "adopted"), DOCUMENTS, f"part-{partition:05d}", batches)
        yield from ()
