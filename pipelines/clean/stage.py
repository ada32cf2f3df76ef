"""The clean stage: raw text in, documents out."""

from pipelines.clean.config import CleanConfig
from pipelines.clean.job import CleanFiles
from pipelines.clean.summary import summarise
from pipelines.contracts.fingerprint import code_version, content_identity, fingerprint
from pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from pipelines.engine.job import Job, Step
from pipelines.engine.local import Progress
from pipelines.engine.options import RunOptions
from pipelines.engine.run import run_job, silent
from pipelines.raw.inputs import InputFile, find_inputs, group_tasks

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
    found = find_inputs(inputs, config.ignore)
    identity = StageIdentity(
        kind="documents",
        stage="clean",
        inputs={"raw": fingerprint(sorted((file.source, file.name, content_identity(file.path)) for file in found))},
        config=config.model_dump(mode="json"),
        code_version=code_version("pipelines"),
    )

    def body(work: str) -> StageOutput:
        tasks = tuple(group_tasks(found, config.task_bytes))
        steps = (Step("clean: files", CleanFiles(tasks, out, config), len(tasks)),)
        results = run_job(Job("clean", steps, sum(map(_raw_bytes, found))), work, options, progress)
        return StageOutput(*summarise(results, config))

    return run_stage(identity, out, body, reads=[*inputs, *(file.path for file in found)], overwrite=overwrite)


def _raw_bytes(file: InputFile) -> int:
    return file.bytes * EXPANSION if file.compression or file.format == "parquet" else file.bytes
