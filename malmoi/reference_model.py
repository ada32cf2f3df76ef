"""The section `lm` of a recipe."""

from malmoi_pipelines.lm.config import LmConfig
from pydantic import Field


class ReferenceModel(LmConfig):
    """A language model trained on chosen text of the input, by which `clean` judges all of it."""

    inputs: list[str] = Field(min_length=1, examples=[["books"]])
    """Folders, files or globs below the input root: text that is good."""

    def training(self) -> LmConfig:
        """The settings of the training alone."""
        return LmConfig(**{name: getattr(self, name) for name in LmConfig.model_fields})
