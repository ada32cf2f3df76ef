"""A recipe: the settings of every stage in one YAML file."""

from pydantic import Field

from malmoi.arguments import load_yaml
from pipelines.clean.config import CleanConfig
from pipelines.contracts.config import Config, apply_overrides, parse_config
from pipelines.count.config import CountConfig
from pipelines.dedupe.config import DedupeConfig
from pipelines.sample.config import SampleConfig
from pipelines.shard.config import ShardConfig
from tokenizer_lab.config import ExpandConfig
from trainer.config import TrainConfig


class Recipe(Config):
    """The settings of a whole run, one section a stage; a section left out has its defaults."""

    name: str
    """Name of the recipe, for reports."""
    description: str = ""
    """One line on what it is for."""
    inputs: list[str] = Field(["."], min_length=1)
    """Folders, files or globs below the input root."""
    sample: SampleConfig | None = None
    """Generate the input where no root is given on the command line."""
    clean: CleanConfig = CleanConfig()
    dedupe: DedupeConfig = DedupeConfig()
    count: CountConfig = CountConfig()
    expand: ExpandConfig = ExpandConfig()
    shard: ShardConfig = ShardConfig()
    train: TrainConfig = TrainConfig()


def load_recipe(path: str, overrides: list[str]) -> Recipe:
    """Read a recipe and apply `--set stage.key=value` to it.

    Raises:
        UsageError: no such file, unknown keys or impossible values, each named with its remedy.
    """
    return parse_config(Recipe, apply_overrides(load_yaml(path), overrides), path)
