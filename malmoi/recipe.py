"""A recipe: the settings of every stage in one YAML file."""

import os
from collections.abc import Iterable, Mapping
from typing import Any, Self

from malmoi_pipelines.contracts.config import Config, apply_overrides, parse_config
from pydantic import Field, create_model, model_validator

from malmoi.arguments import load_yaml
from malmoi.recipes import find_recipe
from malmoi.stages import STAGES, Stage


class BaseRecipe(Config):
    """The settings of a whole run, one section a stage; a section left out has its defaults."""

    name: str = Field(examples=["my-run"])
    """Name of the recipe, for reports."""
    description: str = ""
    """One line on what it is for."""
    inputs: list[str] = Field(["."], min_length=1)
    """Folders, files or globs below the input root."""

    @model_validator(mode="after")
    def _one_good_model(self) -> Self:
        if self.section("lm") is not None and self.section("clean").perplexity is not None:
            raise ValueError("lm trains the model that clean uses: leave out clean.perplexity, or lm")
        return self

    def section(self, stage: str) -> Any:
        """The settings of a stage; None: it is left out."""
        return getattr(self, stage, None)


def recipe_class(stages: Iterable[Stage]) -> type[BaseRecipe]:
    """The class of recipes with these stages, a section for each."""
    sections: dict[str, Any] = {}
    for stage in stages:
        config = stage.config_class()
        kind: Any = config | list[config] if stage.several else config  # type: ignore[valid-type]
        default = None if stage.optional else config()
        kind = kind | None if stage.optional else kind
        sections[stage.name] = (kind, Field(default, description=stage.about))
    return create_model("Recipe", __base__=BaseRecipe, __doc__=BaseRecipe.__doc__, **sections)


Recipe = recipe_class(STAGES)


def recipe_values(recipe: str | os.PathLike[str] | Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """The content of a recipe, with `--set stage.key=value` applied to it.

    Args:
        recipe: its path, one of ours by its name, or its content.
        overrides: single settings.

    Raises:
        UsageError: there is no such recipe, or a setting is no key=value.
    """
    given = dict(recipe) if isinstance(recipe, Mapping) else load_yaml(find_recipe(os.fspath(recipe)))
    return apply_overrides(given, list(overrides))


def load_recipe(recipe: str | os.PathLike[str] | Mapping[str, Any], overrides: Iterable[str]) -> BaseRecipe:
    """The settings of a recipe; see `recipe_values`.

    Raises:
        UsageError: no such recipe, unknown keys or impossible values, each named with its remedy.
    """
    where = "the recipe" if isinstance(recipe, Mapping) else os.fspath(recipe)
    return parse_config(Recipe, recipe_values(recipe, overrides), where)
