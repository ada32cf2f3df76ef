"""Recipes: a model of their own, or one that is there; what the README shows is a valid configuration."""

import pathlib
import re

import pytest
import yaml
from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.contracts.config import parse_config
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.engine.options import RunOptions

from malmoi.chain import build_chain
from malmoi.recipe import Recipe, load_recipe

ROOT = pathlib.Path(__file__).parents[2]


def test_the_model_of_a_recipe_comes_before_clean():
    recipe = load_recipe(str(ROOT / "malmoi/recipes/quickstart.yaml"), [])
    assert [stage.name for stage in build_chain(recipe, None, "out", RunOptions())][:3] == ["sample", "lm", "clean"]


def test_a_recipe_has_one_good_model():
    with pytest.raises(UsageError, match="leave out"):
        load_recipe(str(ROOT / "malmoi/recipes/quickstart.yaml"), ["clean.perplexity.good.model=other"])


def test_the_settings_that_the_readme_shows_are_valid():
    readme = (ROOT / "README.md").read_text()
    cleaning, *models = sorted(re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL), key=lambda block: "train:" in block)
    assert len(models) == 2
    for block in models:
        assert parse_config(Recipe, {"name": "x", **yaml.safe_load(block)}, "README").section("train").model
    config = parse_config(CleanConfig, yaml.safe_load(cleaning), "README")
    assert config.policy("reviews").normalise.repeats == 3
    assert config.policy("web").read.columns.text == "body"
