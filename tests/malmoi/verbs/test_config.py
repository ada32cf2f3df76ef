"""`malmoi config`: what it prints is a file that the verb takes as it stands."""

import json
import pathlib

import pytest
import yaml
from malmoi_pipelines.contracts.errors import UsageError

from malmoi.settings.verbs import CONFIGS

ROOT = pathlib.Path(__file__).parents[3]


@pytest.mark.parametrize("verb", CONFIGS)
def test_every_verb_prints_its_settings(malmoi, verb):
    code, out, _ = malmoi("config", *verb.split())
    assert code == 0
    assert isinstance(yaml.safe_load(out), dict)
    assert out.startswith(f"# Every setting of malmoi {verb}")


def test_a_printed_file_is_taken_by_its_verb(malmoi, tmp_path, write_documents):
    corpus = write_documents(tmp_path / "in", [("a", "web", "나라의 말이"), ("b", "web", "나라의 글")])
    (tmp_path / "count.yaml").write_text(malmoi("config", "count")[1])
    assert malmoi("count", corpus, "--out", tmp_path / "plain", "--quiet")[0] == 0
    code, out, _ = malmoi("count", corpus, "--out", tmp_path / "plain", "--config", tmp_path / "count.yaml", "--quiet")
    assert code == 0
    assert "nothing to do" in out  # the same settings


def test_a_recipe_is_printed_with_its_values_and_those_set(malmoi):
    recipe = ROOT / "malmoi" / "recipes" / "quickstart.yaml"
    code, out, _ = malmoi("config", recipe, "--set", "clean.error_budget=0.25")
    assert code == 0
    values = yaml.safe_load(out)
    assert values["clean"]["error_budget"] == 0.25
    assert values["sample"]["bytes"] == yaml.safe_load(recipe.read_text())["sample"]["bytes"]


def test_the_schema(malmoi):
    code, out, _ = malmoi("config", "count", "--schema")
    assert (code, "units" in json.loads(out)["properties"]) == (0, True)


@pytest.mark.parametrize(
    ("given", "hint"), [("coun", "did you mean count?"), ("recipes/none.yaml", "name a recipe file, or one of: run,")]
)
def test_another_name_gets_a_suggestion(malmoi, given, hint):
    code, _, err = malmoi("config", given)
    assert code == UsageError.exit_code
    assert hint in " ".join(err.split())


def test_a_setting_that_does_not_exist_is_an_error(malmoi):
    assert (
        malmoi("config", ROOT / "malmoi" / "recipes" / "quickstart.yaml", "--set", "clean.nothing=1")[0]
        == UsageError.exit_code
    )
    assert malmoi("config", "clean", "--set", "nothing=1")[0] == UsageError.exit_code
