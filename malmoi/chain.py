"""The stages of a run in order, each reading the folders of those before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.progress import Progress
from malmoi_pipelines.contracts.stage import StageResult, check_apart
from malmoi_pipelines.engine.options import RunOptions

from malmoi.recipe import BaseRecipe
from malmoi.stages import FOLDERS, STAGES, Place, Stage, below


@dataclass(frozen=True)
class Step:
    """One step of a run: a stage with its settings at its place."""

    name: str
    """The stage's name; numbered where a recipe has several steps of the stage."""
    stage: Stage
    config: Any
    place: Place

    @property
    def folder(self) -> str:
        """What it writes."""
        return self.place.out

    def run(self, progress: Progress) -> StageResult:
        """Run it, or skip it if its folder holds just that."""
        return self.stage.run(self.config, self.place, progress)


def build_chain(
    recipe: BaseRecipe, root: str | None, out: str, options: RunOptions, stages: Sequence[Stage] = STAGES
) -> list[Step]:
    """The steps of a recipe.

    Args:
        recipe: the settings. A section that is a list of settings is as many steps, in folders `run-1`, `run-2`, ...
        root: the input root, or None where the recipe generates its input.
        out: the run folder; each stage writes the folder below it that its declaration names.
        options: runner and workers of the data stages.
        stages: their declarations, in order.

    Raises:
        UsageError: there is no input, or the run would write into it.
    """
    if root is None and not any(stage.makes_input and recipe.section(stage.name) for stage in stages):
        raise UsageError(f"{recipe.name} generates no input.", hint="give the root of the raw text with --input ROOT")
    if root is not None:
        check_apart(out, [root])
    raw = files.join(out, FOLDERS["sample"], "data") if root is None else root
    inputs = tuple(below(raw, recipe.inputs))
    steps: list[Step] = []
    before: dict[str, str] = {}
    for stage in stages:
        for suffix, config in _parts(recipe.section(stage.name)):
            if stage.makes_input and root is not None:
                continue
            folder = files.join(out, stage.folder + suffix)
            steps.append(Step(stage.name + suffix, stage, config, Place(folder, raw, inputs, options, {**before})))
            before[stage.name] = folder
    return steps


def _parts(section: Any) -> list[tuple[str, Any]]:
    if isinstance(section, list | tuple):
        return [(f"-{number}", config) for number, config in enumerate(section, 1)]
    return [] if section is None else [("", section)]
