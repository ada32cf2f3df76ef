"""The stage `train`: shards and a tokenizer in, a trained model and its loss curve out.

This half decides whether there is anything to do, without torch and transformers, which take seconds to import.
"""

from functools import partial

from malmoi_pipelines.contracts import extras, files
from malmoi_pipelines.contracts.code import code_of
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.manifest import open_dataset
from malmoi_pipelines.contracts.progress import SILENT, Progress
from malmoi_pipelines.contracts.schemas import SHARDS, TOKENIZER
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from malmoi_pipelines.tokenizers.finding import locate

from malmoi_trainer.config import TrainConfig
from malmoi_trainer.data.inputs import Inputs, check_pair
from malmoi_trainer.model.model_folder import CREATED, find_model, model_fingerprint

ONLY_SPELL = ("sentencepiece", "tokenizers")
"""Packages that open the tokenizer: of it ids and spellings are read, nothing is encoded, so no version says more."""


def train(
    shards: str,
    tokenizer: str,
    out: str,
    config: TrainConfig,
    *,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> StageResult:
    """Grow a model by the new tokens and train it; or skip, if `out` holds just that already.

    A run that was killed starts again from its first step and, on a CPU of the same kind, ends in the same bytes.

    Args:
        shards: a dataset folder made by `malmoi shard`.
        tokenizer: the folder of `malmoi expand` that they were made with, or its name on the hub.
        out: the local dataset folder to write: `checkpoint/`, `losses.jsonl`, `loss.png`, report and manifest.
        config: see `TrainConfig`.
        overwrite: replace what is in `out`.
        progress: told after each step.

    Raises:
        UsageError: the configuration, the machine or the model does not fit.
        BadInputError: a folder is not what it must be, or the shards hold no examples.
        CheckError: a hash, a pair of shards and tokenizer, or a frozen tensor is not what it must be.
    """
    if not files.is_local(out):
        raise UsageError(
            f"the output of training must be a local folder. Got {out!r}.", hint="train locally, then copy the folder"
        )
    check_machine(config)
    model_folder = find_model(config.model) if config.model is not None else None
    shards_manifest, tokenizer = open_dataset(shards, SHARDS), locate(tokenizer)
    read = Inputs(shards, shards_manifest, tokenizer, open_dataset(tokenizer, TOKENIZER), model_folder)
    check_pair(read.shards_manifest, read.tokenizer_manifest)
    identity = StageIdentity(
        kind="run",
        stage="train",
        inputs={
            "shards": read.shards_manifest.content_fingerprint,
            "tokenizer": read.tokenizer_manifest.content_fingerprint,
            "model": CREATED if model_folder is None else model_fingerprint(model_folder),
        },
        # A model's path is where it lies, not what it is: its fingerprint is among the inputs.
        config=config.model_dump(mode="json", exclude={"model"} if model_folder is None else {"model", "create"}),
        code=code_of(__name__, ONLY_SPELL),
    )
    reads = [shards, tokenizer, *([model_folder] if model_folder is not None else [])]
    body = partial(_run, read, out, config, progress)
    return run_stage(identity, out, body, reads=reads, overwrite=overwrite)


def check_machine(config: TrainConfig) -> None:
    """Refuse a machine that cannot train, while what is in the folder is still there.

    Raises:
        UsageError: a package or the device is missing.
    """
    extras.require("training", *extras.missing_of("train"))
    if config.device == "cuda":
        from malmoi_trainer.training.device import resolve  # noqa: PLC0415  # torch: only it knows the devices, and `auto` asks later

        resolve(config)


def _run(read: Inputs, out: str, config: TrainConfig, progress: Progress, work: str) -> StageOutput:
    from malmoi_trainer.training.run import run_training  # noqa: PLC0415  # seconds of imports that a finished stage does not need

    return run_training(read, out, config, progress, work)
