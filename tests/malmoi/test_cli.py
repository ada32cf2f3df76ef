import importlib.metadata
import pathlib
import re
import unicodedata

import pytest
import typer.main
from malmoi_pipelines.contracts.errors import UsageError

from malmoi import cli
from malmoi.recipe import load_recipe
from malmoi.recipes import find_recipe

ROOT = pathlib.Path(__file__).parents[2]
VERBS = set(typer.main.get_command(cli.app).commands)


@pytest.fixture
def words(malmoi, tmp_path, write_documents):
    """A word table made by the command line."""
    corpus = write_documents(tmp_path / "in", [("a", "web", "나라의 말이"), ("b", "web", "나라의 글")])
    code, _, err = malmoi("count", corpus, "--out", tmp_path / "words", "--quiet")
    assert (code, err) == (0, "")
    return tmp_path / "words"


def test_the_verbs_are_those_of_the_design():
    assert {"sample", "clean", "dedupe", "count", "expand", "shard", "train", "run", "inspect", "verify"} <= VERBS


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help_and_a_row_in_the_readme(malmoi, verb):
    code, out, _ = malmoi(verb, "--help")
    assert (code, "Usage" in out) == (0, True)
    assert f"`malmoi {verb} " in (ROOT / "README.md").read_text()


def test_the_readmes_folders_targets_and_recipes_exist():
    readme = (ROOT / "README.md").read_text()
    tree = readme.split("## The house")[1].split("```")[1]
    tree = tree.replace("\nrecipes/ ", "\nmalmoi/recipes/ ")  # the link is not in the source distribution
    assert not (link := ROOT / "recipes").is_symlink() or link.samefile(ROOT / "malmoi" / "recipes")
    package = ROOT
    for indent, folders in re.findall(r"^( *)((?:[a-z_/]+/ ?)+)", tree, re.M):
        for folder in folders.split():
            package = package if indent else ROOT / folder
            assert (package / folder if indent else package).is_dir(), folder
    assert package != ROOT
    for target in re.findall(r"^make (\w+)", readme, re.M):
        assert f"\n{target}: " in (ROOT / "Makefile").read_text()
    for recipe in re.findall(r"recipes/[\w-]+\.yaml", readme):
        assert pathlib.Path(find_recipe(recipe)).is_file()


@pytest.mark.parametrize("path", sorted((ROOT / "malmoi" / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_recipes_are_valid(path):
    recipe = load_recipe(str(path), [])
    assert recipe.name == path.stem
    assert recipe.description


def test_inspect_shows_manifest_ledger_and_rows(malmoi, words):
    code, out, _ = malmoi("inspect", words)
    assert code == 0
    for text in ("fingerprint", "web", "나라의", "letters: ", "distinct units"):
        assert text in out


def test_verify_finds_one_changed_byte(malmoi, words):
    assert malmoi("verify", words)[0] == 0
    path = next((words / "data").iterdir())
    data = bytearray(path.read_bytes())
    data[10] ^= 1
    path.write_bytes(bytes(data))
    code, _, err = malmoi("verify", words)
    assert code == 4
    assert path.name in err
    assert "content has changed" in err


def test_a_second_call_does_nothing(malmoi, tmp_path, words):
    code, out, _ = malmoi("count", tmp_path / "in" / "data", "--out", words)
    assert (code, "up to date" in out) == (0, True)


def test_changed_code_is_told_and_can_be_accepted(malmoi, monkeypatch, tmp_path, words):
    monkeypatch.setattr(unicodedata, "unidata_version", "99.0")
    again = ("count", tmp_path / "in", "--out", words, "--quiet")
    code, _, err = malmoi(*again)
    assert code == UsageError.exit_code
    assert "→ 99.0" in err
    assert "malmoi accept" in err
    code, out, _ = malmoi("accept", words, "--dry-run")
    assert (code, "→ 99.0" in out, "changed" in out) == (0, True, True)
    assert malmoi(*again)[0] == UsageError.exit_code
    assert "accepted" in malmoi("accept", words)[1]
    assert "nothing to do" in malmoi(*again)[1]
    assert "nothing has changed" in malmoi("accept", words)[1]


def test_a_changed_setting_is_refused_and_overwrite_says_why(malmoi, tmp_path, words):
    arguments = ("count", tmp_path / "in" / "data", "--out", words, "--set", "partition_bytes=10")
    code, _, err = malmoi(*arguments)
    assert code == 2
    assert "--overwrite" in err
    code, out, _ = malmoi(*arguments, "--overwrite", "--quiet")
    assert code == 0
    assert "partition_bytes: 128000000 → 10" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("count", "x", "--out", "y", "--runner", "FlinkRunner", "--paralelism=2"), 2, "did you mean --parallelism?"),
        (("count", "x", "--out", "y", "--workes=2"), 2, "did you mean --workers?"),
        (("count", "x", "--out", "y", "--workers", "0"), 2, "at least 1. Got 0"),
        (("count", "x", "--out", "y", "--set", "partition=3"), 2, "did you mean 'partition_bytes'?"),
        (("count", "x", "--out", "y", "--set", "partition_bytes=0"), 2, "partition_bytes = 0"),
        (("count", "--out", "y"), 2, "at least one input is needed"),
        (("clean", "--out", "y"), 2, "Missing argument"),
        (("clean", "nothing/*.jsonl", "--out", "y"), 2, "nothing/*.jsonl"),
        (("inspect", "nowhere"), 2, "there is nothing at nowhere"),
        (("run", "nowhere.yaml", "--out", "y"), 2, "there is no file nowhere.yaml"),
        (("run", str(ROOT / "malmoi/recipes/korean-real.yaml"), "--out", "y"), 2, "--input ROOT"),
        (
            ("run", str(ROOT / "malmoi/recipes/quickstart.yaml"), "--out", "y", "--set", "trian.steps=1"),
            2,
            "did you mean 'train'?",
        ),
        (("expand", "nowhere", "--out", "y", "--budgt", "3"), 2, "did you mean --budget?"),
        (("expand", "nowhere", "--out", "y", "--parallelism=3"), 2, "need --count-runner"),
        (("clean", "x", "--out", "y", "--overwite"), 2, "did you mean --overwrite?"),
        (("dedupe", "x", "--out", "y", "--agianst=z"), 2, "did you mean --against?"),
        (("lm", "train", "x", "--out", "y", "--oder", "3"), 2, "did you mean --order?"),
        (("run", "x.yaml", "--out", "y", "--dryrun"), 2, "did you mean --dry-run?"),
        (("count", "x", "--out", "y", "--runner", "FlinkRunner", "--parallelism=2"), 2, "--flink_version=VERSION"),
        (("shard", "x", "--tokenizer", "t", "--out", "y", "--set", "sequence_length=a"), 2, "malmoi shard: sequence"),
    ],
)
def test_wrong_usage_names_the_remedy(malmoi, monkeypatch, tmp_path, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    got, _, err = malmoi(*arguments)
    assert got == code
    assert message in err
    assert not (tmp_path / "y").exists()


def test_a_run_never_clears_a_foreign_folder(malmoi, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years")
    code, _, err = malmoi("run", ROOT / "malmoi/recipes/quickstart.yaml", "--out", tmp_path / "out")
    assert code == 2
    assert "not a malmoi run" in err
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years"


def test_a_recipe_error_names_file_key_and_value(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("name: r\nshard: {sequence_length: 2}\n")
    with pytest.raises(UsageError, match=r"r\.yaml: shard\.sequence_length = 2: input should be greater than"):
        load_recipe(str(path), [])


def test_ctrl_c_says_how_to_go_on(malmoi, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("malmoi.verbs.verify.dataset_folders", interrupted)
    code, _, err = malmoi("verify", tmp_path)
    assert code == 130
    assert "finished stages are kept" in err


def test_overwrite_never_deletes_its_input(malmoi, tmp_path, words):
    code, _, err = malmoi("count", tmp_path / "in" / "data", "--out", tmp_path / "in", "--overwrite")
    assert (code, "must lie apart" in err) == (2, True)
    code, _, err = malmoi(
        "run", ROOT / "malmoi/recipes/korean-real.yaml", "--input", tmp_path, "--out", tmp_path, "--overwrite"
    )
    assert (code, "must lie apart" in err) == (2, True)
    assert len(list((tmp_path / "in" / "data").iterdir())) == 1


def test_the_version_is_printed(malmoi):
    code, text, _ = malmoi("--version")
    assert (code, text.strip()) == (0, importlib.metadata.version("malmoi"))


def test_the_shell_completes_verbs(monkeypatch, capsys):
    monkeypatch.setenv("_MALMOI_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "malmoi ded")
    monkeypatch.setenv("COMP_CWORD", "1")
    with pytest.raises(SystemExit):
        cli.app(prog_name="malmoi")
    assert capsys.readouterr().out.split() == ["dedupe"]


@pytest.mark.parametrize("name", ["quickstart", "recipes/quickstart.yaml"])
def test_our_recipes_are_found_in_any_folder(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quickstart").mkdir()  # of `--out quickstart`, and the same command is given again
    assert load_recipe(name, []) == load_recipe(str(ROOT / "malmoi/recipes/quickstart.yaml"), [])
    assert find_recipe("none.yaml") == "none.yaml"
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "quickstart.yaml").write_text("name: mine\n")
    assert load_recipe("recipes/quickstart.yaml", []).name == "mine"
