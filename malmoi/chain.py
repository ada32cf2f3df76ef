"""The stages of a run in order, each reading the folders of those before it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from malmoi_pipelines.clean.perplexity import PerplexityOptions
from malmoi_pipelines.clean.stage import clean
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.progress import Progress
from malmoi_pipelines.contracts.stage import StageResult
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.dedupe.stage import dedupe
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.lm.scoring import ModelOptions
from malmoi_pipelines.lm.stage import train_lm
from malmoi_pipelines.sample.stage import sample
from malmoi_pipelines.shard.stage import shard

from malmoi.folders import FOLDERS
from malmoi.recipe import Recipe


@dataclass(frozen=True)
class ChainStage:
    """One stage of a run: its name, its folder, and how to run it."""

    name: str
    folder: str
    run: Callable[[Progress], StageResult]


def build_chain(recipe: Recipe, root: str | None, out: str, options: RunOptions) -> list[ChainStage]:
    """The stages of a recipe.

    Args:
        recipe: the settings.
        root: the input root, or None where the recipe generates its input.
        out: the run folder; stages write `out/{raw,lm,docs,corpus,words,tokenizer,shards,run}`.
        options: runner and workers of the data stages.
    """
    folder = {stage: files.join(out, name) for stage, name in FOLDERS.items()}
    base = files.join(folder["sample"], "data") if root is None else root
    inputs = _below(base, recipe.inputs)
    # A run owns its folders: a stage that no longer matches is replaced, and says why.
    common: dict[str, Any] = {"options": options, "overwrite": True}

    def raw(p: Progress) -> StageResult:
        assert recipe.sample is not None, "checked before the chain is built"
        return sample(folder["sample"], recipe.sample, progress=p, **common)

    stages = [ChainStage("sample", folder["sample"], raw)] if root is None else []
    cleaning = recipe.clean
    if recipe.lm is not None:
        model, reference = recipe.lm.training(), _below(base, recipe.lm.inputs)
        stages.append(
            ChainStage("lm", folder["lm"], lambda p: train_lm(reference, folder["lm"], model, progress=p, **common))
        )
        scoring = PerplexityOptions(good=ModelOptions(model=folder["lm"]))
        cleaning = cleaning.model_copy(update={"perplexity": scoring})
    return [
        *stages,
        ChainStage("clean", folder["clean"], lambda p: clean(inputs, folder["clean"], cleaning, progress=p, **common)),
        ChainStage(
            "dedupe",
            folder["dedupe"],
            lambda p: dedupe([folder["clean"]], folder["dedupe"], recipe.dedupe, progress=p, **common),
        ),
        ChainStage(
            "count",
            folder["count"],
            lambda p: count([folder["dedupe"]], folder["count"], recipe.count, progress=p, **common),
        ),
        ChainStage("expand", folder["expand"], lambda p: _expand(recipe, folder, p)),
        ChainStage(
            "shard",
            folder["shard"],
            lambda p: shard([folder["dedupe"]], folder["expand"], folder["shard"], recipe.shard, progress=p, **common),
        ),
        ChainStage("train", folder["train"], lambda p: _train(recipe, folder, p)),
    ]


def _below(base: str, names: list[str]) -> list[str]:
    return [base if name == "." else files.join(base, name) for name in names]


def _expand(recipe: Recipe, folder: dict[str, str], progress: Progress) -> StageResult:
    from malmoi_tokenizer_lab.stage import expand

    return expand([folder["count"]], folder["expand"], recipe.expand, overwrite=True, progress=progress)


def _train(recipe: Recipe, folder: dict[str, str], progress: Progress) -> StageResult:
    from malmoi_trainer.stage import train

    return train(
        folder["shard"],
        folder["expand"],
        folder["train"],
        recipe.train,
        overwrite=True,
        progress=progress,
    )
