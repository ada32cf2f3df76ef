"""The clean stage: raw text in, documents out."""

from collections.abc import Callable

from pipelines.clean.config import CleanConfig
from pipelines.clean.job import clean_job
from pipelines.clean.summary import summarise
from pipelines.contracts.fingerprint import code_version, content_identity, fingerprint
from pipelines.contracts.manifest import path_identity
from pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from pipelines.engine.local import Progress
from pipelines.engine.options import RunOptions
from pipelines.engine.run import run_job, silent
from pipelines.raw.config import ReadOptions
from pipelines.raw.inputs import InputFile, find_inputs, plan_tasks

EXPANSION = 4  # raw text is about this much larger than its compressed files (zstd on Korean JSON Lines: 4 to 8)


def clean(
    inputs: list[str],
    out: str,
    config: CleanConfig,
    options: RunOptions,
    *,
    overwrite: bool = False,
    progress: Progress = silent,
) -> StageResult:
    """Clean raw text.

    Args:
        inputs: files, globs, folders, dataset folders, remote URLs, in any order.
        out: the dataset folder to write.
        config: see `CleanConfig`.
        options: runner and workers.
        overwrite: replace what is in `out`.
        progress: called as tasks finish.
    """
    found = find_inputs(inputs, _read_options(config), ignore=config.ignore, source=config.source)
    identity = StageIdentity(
        kind="documents",
        stage="clean",
        inputs={
            "raw": fingerprint(sorted((file.source, file.name, content_identity(file.path)) for file in found.files)),
            **{role: path_identity(path) for role, path in config.side_inputs().items()},
        },
        config=config.model_dump(mode="json"),
        code_version=code_version("pipelines"),
    )

    def body(work: str) -> StageOutput:
        tasks = tuple(plan_tasks(found.files, config.task_bytes, _read_options(config)))
        job = clean_job(tasks, out, work, config, sum(map(_raw_bytes, found.files)))
        return StageOutput(*summarise(run_job(job, work, options, progress), found, config))

    reads = [*inputs, *(file.path for file in found.files), *config.side_inputs().values()]
    return run_stage(identity, out, body, reads=reads, overwrite=overwrite)


def _read_options(config: CleanConfig) -> Callable[[str], ReadOptions]:
    return lambda source: config.policy(source).read


def _raw_bytes(file: InputFile) -> int:
    return file.bytes * EXPANSION if file.compression or file.format in ("parquet", "arrow") else file.bytes
