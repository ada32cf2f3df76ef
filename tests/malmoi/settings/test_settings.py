"""Every setting is described, on the page, in the schema, and in a YAML file that its verb accepts as it stands."""

import itertools
import pathlib
import re
import subprocess
import sys
import types
import typing

import jsonschema
import pydantic
import pytest
import yaml
from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.contracts.config import parse_config
from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_trainer.config import TrainConfig

from malmoi.recipe import Recipe, load_recipe
from malmoi.settings.commented import commented_yaml
from malmoi.settings.page import schema_text, settings_page, shown
from malmoi.settings.tree import flat, json_schema, settings_of
from malmoi.settings.verbs import CONFIGS, config_class

ROOT = pathlib.Path(__file__).parents[3]
RECIPES = sorted((ROOT / "malmoi" / "recipes").glob("*.yaml"))
STAGES = [verb for verb in CONFIGS if verb != "run"]


def models(annotation):
    """All classes of settings that an annotation reaches."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, pydantic.BaseModel):
            yield annotation
            for field in annotation.model_fields.values():
                yield from models(field.annotation)
        return
    for argument in typing.get_args(annotation):
        yield from models(argument)


def parts(settings):
    """Every setting at any depth, those of groups by name, too."""
    for setting in settings:
        yield setting
        yield from parts(setting.settings)


@pytest.mark.parametrize("verb", CONFIGS)
def test_every_setting_has_a_description_of_its_own(verb):
    for model in models(config_class(verb)):
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name} needs a docstring below it"


@pytest.mark.parametrize("verb", CONFIGS)
def test_no_setting_is_left_out_of_the_tree(verb):
    cls = config_class(verb)
    assert {setting.key for setting in parts(settings_of(cls))} == {
        name for model in models(cls) for name in model.model_fields
    }


@pytest.mark.parametrize("verb", CONFIGS)
def test_defaults_are_those_of_the_class(verb):
    if required := [setting for setting in settings_of(config_class(verb)) if setting.required]:
        assert all(setting.default is not None for setting in required), "an example stands for a default"
    given = {setting.key: setting.default for setting in settings_of(config_class(verb)) if setting.required}
    values = parse_config(config_class(verb), given, verb).model_dump(mode="json")
    for key, setting in flat(settings_of(config_class(verb))):
        value = values
        for part in key.split("."):
            value = value[part] if isinstance(value, dict) else None
        if value is not None and not setting.settings and not setting.required:
            assert setting.default == value, key


@pytest.mark.parametrize("verb", CONFIGS)
def test_the_yaml_is_accepted_unchanged_and_means_the_defaults(verb):
    cls = config_class(verb)
    text = commented_yaml(cls, f"malmoi {verb}")
    required = {setting.key: setting.default for setting in settings_of(cls) if setting.required}
    assert parse_config(cls, yaml.safe_load(text), verb) == parse_config(cls, required, verb)
    assert all(len(line) <= 100 for line in text.splitlines() if line.lstrip().startswith("# "))


@pytest.mark.parametrize("verb", STAGES)
def test_every_part_that_is_off_can_be_switched_on(verb):
    text = commented_yaml(config_class(verb), f"malmoi {verb}")
    off = re.compile(r"^( *)#(?! [^ ])", re.MULTILINE)
    switched_on = text
    while off.search(switched_on):
        switched_on = off.sub(r"\1", switched_on)
    keys = {line.split(":")[0].strip() for line in switched_on.splitlines() if re.match(r" *[a-z_0-9]+:", line)}
    named = [setting for setting in parts(settings_of(config_class(verb))) if setting.named]
    inside = {setting.key for group in named for setting in parts(group.settings)}
    assert keys >= {setting.key for setting in parts(settings_of(config_class(verb)))} - inside
    parse_config(config_class(verb), yaml.safe_load(switched_on), verb)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_printed_whole_is_the_same_recipe(path, tmp_path):
    whole = tmp_path / "whole.yaml"
    whole.write_text(commented_yaml(Recipe, str(path), yaml.safe_load(path.read_text())))
    assert load_recipe(str(whole), []) == load_recipe(str(path), [])


def test_a_given_value_stands_with_its_default():
    text = commented_yaml(ExpandConfig, "", {"budget": 1024})
    assert re.search(r"default 8960\)\nbudget: 1024\n", text)


def test_a_language_that_is_changed_in_the_file_still_decides_the_shares():
    text = commented_yaml(CleanConfig, "").replace("language: korean", "language: english")
    thresholds = parse_config(CleanConfig, yaml.safe_load(text), "clean").thresholds
    assert (thresholds.min_hangul_share, thresholds.min_latin_share) == (None, 0.5)


@pytest.mark.parametrize("verb", CONFIGS)
def test_every_setting_is_on_the_page(verb):
    section = settings_page().split(f"\n## malmoi {verb}\n")[1].split("\n## ")[0]
    rows = {match[1] for match in re.finditer(r"^\| `([^`]+)` \|", section, re.MULTILINE)}
    assert rows == {key for key, _ in shown(verb, config_class(verb))}
    if verb == "run":  # what stands by the stages' own verbs
        assert {key.partition(".")[0] for key, _ in flat(settings_of(Recipe))} <= rows


def test_the_page_and_the_schema_are_what_make_docs_writes():
    assert (ROOT / "docs/settings.md").read_text() == settings_page(), "run `make docs`"
    assert (ROOT / "docs/settings.schema.json").read_text() == schema_text(Recipe), "run `make docs`"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_schema_accepts_the_recipes(path):
    jsonschema.Draft202012Validator(json_schema(Recipe)).validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"budget": 0}, ["budget"]),
        ({"policy": "leaf"}, ["policy"]),
        ({"scaffold": "keep"}, []),
    ],
)
def test_the_schema_refuses_what_the_verb_refuses(given, where):
    errors = list(jsonschema.Draft202012Validator(json_schema(ExpandConfig)).iter_errors(given))
    assert [list(error.path) for error in errors] == [where]


def test_choices_that_a_validator_knows_are_in_the_schema():
    (setting,) = [setting for setting in settings_of(TrainConfig) if setting.key == "train_set"]
    for name in setting.values.replace(" or ", ", ").split(", "):
        TrainConfig(train_set=name, warmup_steps=0)
    assert len(set(itertools.chain(setting.values.split(", ")))) > 3


def test_the_help_loads_no_settings():
    code = "import sys, malmoi.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    configs = [name for name in loaded if name.startswith("malmoi_") and name.endswith(".config")]
    assert configs == ["malmoi_pipelines.contracts.config"]
