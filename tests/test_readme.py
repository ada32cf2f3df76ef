"""Every `sh` command of the README: run as it stands on ordinary data, or on the short list of those that cannot be."""

import os
import pathlib
import re
import shlex
import subprocess
import sys

import orjson
import pytest
from malmoi_pipelines.engine.options import RunOptions, check_flags
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.stage import sample
from rich.cells import cell_len

from malmoi.arguments import split_inputs
from malmoi.recipes import find_recipe
from tests.tokenizer_lab.byte_level.small import make_json

ROOT = pathlib.Path(__file__).parents[1]

# Command → why it is not run here. What of it can be checked is, below.
KOREAN_REAL = "malmoi run recipes/korean-real.yaml --input /data/korean --out run"
FLINK = (
    "malmoi clean RAW --out DOCS --runner FlinkRunner --flink_master=HOST:8081 --flink_submit_uber_jar "
    "--flink_version=1.19 --environment_type=EXTERNAL --environment_config=localhost:50000 --parallelism=8"
)
NOT_RUN = {
    "make demo": "installs an environment; .ci/run begins with it",
    "make test": "is what runs this test",
    ". .venv/bin/activate": "the environment of these tests is another",
    KOREAN_REAL: "needs eight sources of real text, and minutes; tests/test_real_text.py reads such text",
    FLINK: "needs a cluster of Flink",
}


def commands():
    """The commands of the README's `sh` blocks in order, without comments, continued lines joined."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.join(words) for line in lines if (words := shlex.split(line, comments=True))]


COMMANDS = commands()
RUN = [command for command in COMMANDS if command not in NOT_RUN]


def prepare(folder):
    """What the commands name and none of them makes: documents with rejects, later ones, a base of Llama 3's kind."""
    for name, seed, size in (("raw", 7, "3MB"), ("new", 8, "1MB")):
        sample(str(folder / name), SampleConfig(bytes=size, seed=seed), RunOptions())
    text = "원심판결을 파기하고 사건을 서울고등법원에 환송한다. 상고이유를 판단한다. " * 5
    rulings = [orjson.dumps({"id": f"court/2019-{number}", "text": text}) for number in (76, 77)]
    (folder / "raw/data/court").mkdir()
    (folder / "raw/data/court/rulings.jsonl").write_bytes(b"\n".join(rulings))
    for name, out in (("raw", "docs"), ("new", "new-docs")):
        call(folder, f"malmoi clean {name}/data --out {out} --quiet")
    base = folder / "path/to/llama3"
    base.mkdir(parents=True)
    (base / "tokenizer.json").write_bytes(orjson.dumps(make_json()))


def call(folder, command, **environment):
    """Run a command of malmoi there; returns what came of it."""
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done


@pytest.mark.slow
def test_the_commands_run_in_order_on_ordinary_data(tmp_path):
    prepare(tmp_path)
    for command in RUN:
        call(tmp_path, command)
    for folder in ("docs", "corpus", "words", "tok"):
        read_at_80_columns(call(tmp_path, f"malmoi inspect {folder}", COLUMNS="80").stdout)


def read_at_80_columns(shown):
    """No line of a table is longer, and no column of one is so narrow that words stand one letter below another."""
    heads = [line for line in shown.splitlines() if line.startswith("┏")]
    assert heads
    assert max(cell_len(line) for line in shown.splitlines() if line[:1] in "┏┃┡│└├") <= 80
    for line in re.findall(r"^│.*│$", shown, re.MULTILINE):
        cells = line[1:-1].split("│")
        assert all(len(cell.strip()) > 1 or len(cell) > 4 or re.fullmatch(r" *[\d.-]? *", cell) for cell in cells), line


def test_all_commands_are_run_or_on_the_list():
    assert len(COMMANDS) >= 16
    assert set(NOT_RUN) <= set(COMMANDS), "the list names a command that the README has no longer"
    assert all(command.startswith("malmoi ") for command in RUN), "a new kind of command: run it, or say why not"


def test_what_cannot_be_run_can_be_read():
    for command in NOT_RUN:
        verb, *words = shlex.split(command)
        if verb == "make":
            assert f"\n{words[0]}: " in (ROOT / "Makefile").read_text()
        if "--runner" in words:
            flags = split_inputs(words[words.index("FlinkRunner") + 1 :], [])[1]
            check_flags(RunOptions("FlinkRunner", None, flags))
        for word in words:
            assert not word.startswith("recipes/") or pathlib.Path(find_recipe(word)).is_file()
