"""Stages are declared once: what is made from a declaration, and that another one needs nothing else."""

import dataclasses
import pathlib
import subprocess
import sys

import pytest
import typer.main
from malmoi_pipelines.contracts.config import Config, parse_config
from malmoi_pipelines.contracts.schemas import DATASETS, RUN
from malmoi_pipelines.engine.options import RunOptions

from malmoi import cli
from malmoi.chain import build_chain
from malmoi.recipe import load_recipe, recipe_class
from malmoi.stages import FOLDERS, STAGES, Stage, stages_page

ROOT = pathlib.Path(__file__).parents[2]
QUICKSTART = str(ROOT / "malmoi/recipes/quickstart.yaml")


class EvaluateConfig(Config):
    """Settings of a stage that malmoi does not have."""

    shots: int = 5


def evaluate(config, place, progress):
    return config, place


EVALUATE = Stage("evaluate", "Judge a model.", "evaluation", RUN, f"{__name__}:EvaluateConfig", evaluate, ("train",))


def test_a_run_writes_the_folders_of_the_design():
    assert FOLDERS == {
        "sample": "raw",
        "lm": "lm",
        "clean": "docs",
        "dedupe": "corpus",
        "count": "words",
        "expand": "tokenizer",
        "shard": "shards",
        "train": "run",
    }


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_stage_is_a_verb_a_section_and_a_kind_of_dataset(stage):
    assert stage.name in typer.main.get_command(cli.app).commands
    assert (ROOT / f"malmoi/verbs/{stage.name}.py").is_file()
    assert stage.kind in DATASETS
    assert stage.kind.stage.split()[0] == stage.name
    assert parse_config(recipe_class([stage]), {"name": "r"}, "r").section(stage.name) == (
        None if stage.optional else stage.config_class()()
    )


@pytest.mark.parametrize("number", range(len(STAGES)), ids=FOLDERS)
def test_a_stage_reads_only_what_was_made_before(number):
    assert set(STAGES[number].reads) <= {stage.name for stage in STAGES[:number]}


def test_the_page_of_the_stages_is_true():
    assert (ROOT / "docs/stages.md").read_text() == stages_page()


def test_one_more_stage_is_one_more_declaration():
    stages = (*STAGES, EVALUATE)
    recipe = parse_config(
        recipe_class(stages), {"name": "r", "sample": {"bytes": "1MB"}, "evaluate": {"shots": 3}}, "r"
    )
    *_, train, step = build_chain(recipe, None, "out", RunOptions(), stages)
    assert (train.name, step.name, step.folder) == ("train", "evaluate", "out/evaluation")
    config, place = step.run(None)
    assert config.shots == 3
    assert place.before["train"] == "out/run"


def test_a_stage_can_be_taken_in_several_steps():
    several = dataclasses.replace(EVALUATE, optional=True, several=True)
    recipe = parse_config(recipe_class([*STAGES, several]), {"name": "r", "evaluate": [{"shots": 0}, {}]}, "r")
    *_, first, second = build_chain(recipe, "root", "out", RunOptions(), [*STAGES, several])
    assert (first.folder, second.folder) == ("out/evaluation-1", "out/evaluation-2")
    assert [step.run(None)[0].shots for step in (first, second)] == [0, 5]
    assert second.place.before["evaluate"] == first.folder


def test_a_stage_without_its_section_is_left_out_and_a_root_needs_no_sample():
    recipe = load_recipe(QUICKSTART, ["lm=null"])
    assert [step.name for step in build_chain(recipe, "root", "out", RunOptions())] == [
        name for name in FOLDERS if name not in ("sample", "lm")
    ]
    assert build_chain(recipe, "root", "out", RunOptions())[0].place.inputs == ("root",)


def test_help_starts_without_the_heavy_packages():
    code = (
        "import sys; from malmoi.cli import app; from typer.testing import CliRunner\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "sys.exit(', '.join({'apache_beam', 'torch', 'transformers', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
