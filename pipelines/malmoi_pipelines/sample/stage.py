"""The sample stage: generated raw text with its ground truth."""

from malmoi_pipelines.contracts.code import code_of
from malmoi_pipelines.contracts.progress import SILENT, Progress
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from malmoi_pipelines.engine.job import Job, Step
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.engine.run import run_job
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.job import GenerateShards, summarise
from malmoi_pipelines.sample.plan import plan_shards


def sample(
    out: str,
    config: SampleConfig,
    options: RunOptions,
    *,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> StageResult:
    """Generate raw text below `out/data/<source>/` and its ground truth below `out/truth/`.

    Args:
        out: the dataset folder to write.
        config: see `SampleConfig`.
        options: runner and workers.
        overwrite: replace what is in `out`.
        progress: told how far it is.
    """
    identity = StageIdentity("raw", "sample", {}, config.model_dump(mode="json"), code_of(__name__))

    def body(work: str) -> StageOutput:
        shards = len(plan_shards(config))
        steps = (Step("sample: generate", GenerateShards(config, out), shards),)
        results = run_job(Job("sample", steps, config.bytes), work, options, progress)
        return StageOutput(*summarise(results))

    return run_stage(identity, out, body, overwrite=overwrite)
