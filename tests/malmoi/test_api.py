"""`import malmoi`: lazy, typed; the page and the docstrings run as they stand."""

import inspect
import pathlib
import pkgutil
import re
import subprocess
import sys
import textwrap
import types

import pyarrow as pa
import pytest
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.report import Report

import malmoi
from malmoi.run_folder import FinishedRun

ROOT = pathlib.Path(__file__).parents[2]
API = ["clean", "count", "count_tokens", "dedupe", "expand", "open_dataset", "run_recipe", "sample", "shard", "train"]


def in_a_new_process(code):
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_api_is_this():
    assert malmoi.__all__ == ["Dataset", *API]
    assert set(malmoi.__all__) <= set(dir(malmoi))
    with pytest.raises(AttributeError, match="no attribute 'cleen'"):
        _ = malmoi.cleen


def test_importing_it_loads_nothing_and_the_functions_nothing_heavy():
    in_a_new_process(
        "import sys, malmoi\n"
        "assert not {'typer', 'pyarrow', 'malmoi.api', 'malmoi_pipelines'} & set(sys.modules)\n"
        "[getattr(malmoi, name) for name in malmoi.__all__]\n"
        "assert not {'apache_beam', 'torch', 'transformers', 'pandas', 'datasets'} & set(sys.modules)"
    )


@pytest.mark.long
def test_the_command_line_hides_no_function():
    in_a_new_process(
        "import malmoi, malmoi.cli, malmoi.verbs.train, malmoi.verbs.count\n"
        f"assert all(callable(getattr(malmoi, name)) for name in {API})"
    )
    assert not {module.name for module in pkgutil.iter_modules(malmoi.__path__)} & set(malmoi.__all__)


@pytest.mark.long
def test_the_types_are_seen(tmp_path):
    (tmp_path / "caller.py").write_text(
        "import malmoi\n"
        "reveal_type(malmoi.clean('in', 'out', dedupe=True))\n"
        "reveal_type(malmoi.open_dataset('x').manifest.kind)\n"
        "malmoi.train('shards')\n"
    )
    command = [sys.executable, "-m", "mypy", str(tmp_path / "caller.py"), "--follow-imports=silent"]
    output = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True).stdout
    assert 'Revealed type is "malmoi.dataset.Dataset"' in output
    assert 'Revealed type is "str"' in output or 'Revealed type is "builtins.str"' in output
    assert 'Missing positional arguments "tokenizer", "out"' in output


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """docs/python.md, run in an empty folder; gives the folder and the names that it made."""
    folder = tmp_path_factory.mktemp("page")
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/python.md").read_text(), re.S | re.M)
    names = {"__name__": "page"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in blocks:
            exec(compile(block, "docs/python.md", "exec"), names)
    return folder, names


def test_the_page_ends_with_a_model(walked):
    folder, names = walked
    assert (folder / "demo/run/checkpoint/config.json").is_file()
    assert names["num_characters"] > 100_000
    assert names["why"].sum() == names["docs"].manifest.rows("rejects")
    assert [names["made"][stage].skipped for stage in ("sample", "train")] == [False, False]


@pytest.mark.parametrize("name", [*API, "Dataset"])
def test_the_example_of_a_docstring_runs(walked, name, monkeypatch):
    """They make what the page has made, so each is skipped, and done at once."""
    folder, names = walked
    monkeypatch.chdir(folder)
    _, found, example = inspect.getdoc(getattr(malmoi, name)).partition("Example:\n")
    assert found
    scope = {"malmoi": malmoi, "recipe": names["recipe"]}
    exec(textwrap.dedent(example), scope)
    made = [value for value in scope.values() if isinstance(value, malmoi.Dataset)]
    assert all(dataset.skipped for dataset in made if name in API and name != "open_dataset")


def test_settings_are_checked_as_those_of_yaml(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'sequence_length'"):
        malmoi.shard("corpus", "tokenizer", tmp_path / "out", sequenc_length=3)


def test_a_recipe_of_ours_is_named_and_warned_of_as_by_the_verb(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(
        "malmoi.run_folder.run_steps",
        lambda name, steps, folder, **how: ran.append((name, how)) or FinishedRun({}, Report(name)),
    )
    with pytest.warns(UserWarning, match="train: .*random"):
        assert malmoi.run_recipe("quickstart", tmp_path / "out", overrides=["train.steps=20"]) == {}
    assert ran == [("quickstart", {"overwrite": False, "quiet": True})]
    with pytest.raises(UsageError, match="quickstrat"):
        malmoi.run_recipe("quickstrat", tmp_path / "out")


def test_a_dataset_says_what_it_has(walked):
    folder, names = walked
    words = malmoi.open_dataset(folder / "demo/words")
    assert words.tables == ("data", "growth", "letters", "sources")
    assert str(words).startswith(f"words in {folder}/demo/words (rows: data ")
    assert words.table("held_out").num_rows == 0  # a table of its kind without files
    with pytest.raises(UsageError, match="no table 'spans'") as error:
        words.table("spans")
    assert "letters" in error.value.hint
    with pytest.raises(UsageError, match="no column 'word'"):
        words.table(columns=["word"])
    with pytest.raises(BadInputError):
        malmoi.open_dataset(folder / "demo")
    shards = malmoi.open_dataset(folder / "demo/shards")
    assert shards.to_datasets().num_rows == names["shards"].manifest.rows()


def test_polars_is_given_the_arrow_table(walked, monkeypatch):
    folder, _ = walked
    words = malmoi.open_dataset(folder / "demo/words")
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(UsageError, match="needs polars"):
        words.to_polars()
    monkeypatch.setitem(sys.modules, "polars", types.SimpleNamespace(from_arrow=lambda table: table))
    assert isinstance(words.to_polars("letters"), pa.Table)
