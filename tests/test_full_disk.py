"""No room to write: a stage says so and leaves nothing that looks whole; with room it makes what it always would."""

import resource
import subprocess
import sys

import pytest
from malmoi_pipelines.contracts.manifest import read_manifest

from tests.malmoi.test_extras import VERBS

LIMIT = 10_000  # bytes of a file: a write beyond it fails as one on a full disk does
STAGES = ("sample", "lm train", "clean", "dedupe", "count", "shard")
"""All whose files are written by contracts.files alone: SentencePiece and torch write some of the other two's."""


def call(words, limit=resource.RLIM_INFINITY):
    """Run a command of malmoi whose files can be no larger."""
    return subprocess.run(
        [sys.executable, "-m", "malmoi", *words],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "stage", [name if name == "clean" else pytest.param(name, marks=pytest.mark.slow) for name in STAGES]
)
@pytest.mark.fault("full disk")
def test_a_stage_without_room_says_so_and_is_made_again_with_room(small_run, tmp_path, stage):
    words = VERBS[stage].format(run=small_run, out=tmp_path).split()
    out = tmp_path / words[words.index("--out") + 1].rpartition("/")[2]
    done = call(words, LIMIT)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr[-4000:]
    assert "error: cannot write" in done.stderr
    assert "hint: make room there" in done.stderr
    assert not (out / "manifest.json").exists()
    assert not list(out.rglob("*.tmp"))
    done = call(words)
    assert done.returncode == 0, done.stderr[-4000:]
    assert read_manifest(str(out)).files
