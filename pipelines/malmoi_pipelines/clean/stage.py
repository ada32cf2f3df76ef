"""The clean stage: raw text in, documents out."""

from collections.abc import Iterator
from typing import Any

from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.clean.job import clean_job
from malmoi_pipelines.clean.summary import remove_replaced, summarise
from malmoi_pipelines.contracts.code import code_of
from malmoi_pipelines.contracts.manifest import path_identity
from malmoi_pipelines.contracts.progress import SILENT, Progress
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.engine.run import run_job
from malmoi_pipelines.raw.identity import identify
from malmoi_pipelines.raw.inputs import find_inputs
from malmoi_pipelines.raw.tasks import plan_tasks


def clean(
    inputs: list[str],
    out: str,
    config: CleanConfig,
    options: RunOptions,
    *,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> StageResult:
    """Clean raw text.

    Args:
        inputs: files, globs, folders, dataset folders, remote URLs, in any order.
        out: the dataset folder to write.
        config: see `CleanConfig`.
        options: runner and workers.
        overwrite: replace what is in `out`.
        progress: told how far it is.
    """
    found = find_inputs(inputs, config.read_options, ignore=config.ignore, source=config.source)
    raw = identify(found.files)
    config = config.located()
    sides = config.side_inputs()
    identity = StageIdentity(
        kind="documents",
        stage="clean",
        inputs={"raw": raw.fingerprint, **{role: path_identity(path) for role, path in sides.items()}},
        config=_without_paths(config.model_dump(mode="json"), frozenset(sides.values())),
        code=code_of(__name__, [*raw.unused_packages, *_unused(config)]),
    )

    def body(work: str) -> StageOutput:
        tasks = tuple(plan_tasks(raw.files, config.task_bytes, config.read_options))
        results = run_job(clean_job(tasks, out, work, config, raw.raw_bytes), work, options, progress)
        remove_replaced(results, out)
        return StageOutput(*summarise(results, found, config))

    reads = [*inputs, *(file.path for file in raw.files), *sides.values()]
    return run_stage(identity, out, body, reads=reads, overwrite=overwrite)


def _unused(config: CleanConfig) -> Iterator[str]:
    """The packages that the settings leave out."""
    if config.perplexity is None:
        yield from ("numpy", "regex", "sentencepiece")
    if all(config.policy(source).thresholds.language_id is None for source in ("", *config.sources)):
        yield "fasttext"


def _without_paths(value: Any, paths: frozenset[str]) -> Any:
    """A config without the paths of side inputs: their contents are inputs, and where they lie has no say."""
    if isinstance(value, dict):
        return {key: _without_paths(inner, paths) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_paths(inner, paths) for inner in value]
    return "(side input)" if value in paths else value
