"""A recipe: the settings of every stage in one YAML file."""

from typing import Self

from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.contracts.config import Config, apply_overrides, parse_config
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.lm.config import LmConfig
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.shard.config import ShardConfig
from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_trainer.config import TrainConfig
from pydantic import Field, model_validator

from malmoi.arguments import load_yaml


class ReferenceModel(LmConfig):
    """A language model trained on chosen text of the input, by which `clean` judges all of it."""

    inputs: list[str] = Field(min_length=1, examples=[["books"]])
    """Folders, files or globs below the input root: text that is good."""

    def training(self) -> LmConfig:
        """The settings of the training alone."""
        return LmConfig(**{name: getattr(self, name) for name in LmConfig.model_fields})


class Recipe(Config):
    """The settings of a whole run, one section a stage; a section left out has its defaults."""

    name: str = Field(examples=["my-run"])
    """Name of the recipe, for reports."""
    description: str = ""
    """One line on what it is for."""
    inputs: list[str] = Field(["."], min_length=1)
    """Folders, files or globs below the input root."""
    sample: SampleConfig | None = None
    """Generate the input where no root is given on the command line."""
    lm: ReferenceModel | None = None
    """Train a language model first and score documents with it; null: none, unless `clean.perplexity` names one."""
    clean: CleanConfig = CleanConfig()
    """Raw text to documents: normalised, filtered, personal data masked."""
    dedupe: DedupeConfig = DedupeConfig()
    """Documents to a corpus without duplicates."""
    count: CountConfig = CountConfig()
    """Corpus to the word table."""
    expand: ExpandConfig = ExpandConfig()
    """Word table to an extended tokenizer."""
    shard: ShardConfig = ShardConfig()
    """Corpus and tokenizer to packed training examples."""
    train: TrainConfig = TrainConfig()
    """Shards to a trained model."""

    @model_validator(mode="after")
    def _one_good_model(self) -> Self:
        if self.lm is not None and self.clean.perplexity is not None:
            raise ValueError("lm trains the model that clean uses: leave out clean.perplexity, or lm")
        return self


def load_recipe(path: str, overrides: list[str]) -> Recipe:
    """Read a recipe and apply `--set stage.key=value` to it.

    Raises:
        UsageError: no such file, unknown keys or impossible values, each named with its remedy.
    """
    return parse_config(Recipe, apply_overrides(load_yaml(path), overrides), path)
