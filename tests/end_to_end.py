"""What the end-to-end tests share: a small quickstart, run as a user runs it, and its folders."""

import collections
import json
import pathlib
import subprocess
import sys

import mistral_common
import pyarrow.parquet as pq
from malmoi_pipelines.contracts.manifest import read_manifest

from malmoi.stages import FOLDERS

ROOT = pathlib.Path(__file__).parents[1]
SMALL = [
    "sample.bytes=2MB",
    "expand.intermediate_vocab_size=1500",
    "expand.budget=320",
    "expand.cutoff=10",
    "shard.sequence_length=64",
    "train.steps=24",
]


def policies(config, sources):
    """The settings of `clean` for some of the sources alone: a policy for one that does not occur is refused."""
    return config.model_copy(update={"sources": {name: config.sources[name] for name in sources}})


def base_model():
    """The 32k base tokenizer that an installed package carries."""
    return str(pathlib.Path(mistral_common.__file__).parent / "data" / "tokenizer.model.v1")


def command(out, *more, settings=SMALL, recipe="quickstart"):
    """The command line of a small quickstart."""
    sets = [part for setting in settings for part in ("--set", setting)]
    return [
        sys.executable,
        "-m",
        "malmoi",
        "run",
        str(ROOT / f"malmoi/recipes/{recipe}.yaml"),
        "--out",
        str(out),
        *sets,
        *more,
    ]


def run(out, *more, settings=SMALL):
    """Run a small quickstart to its end."""
    done = subprocess.run(
        command(out, *more, settings=settings), capture_output=True, text=True, check=False, cwd=out.parent
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done


def manifests(out):
    """Stage → the files of its manifest: equal if and only if the bytes are."""
    return {stage: read_manifest(str(out / folder)).files for stage, folder in FOLDERS.items()}


def truth(out, kind):
    """The ground truth rows of one kind."""
    paths = sorted((out / "raw" / "truth").glob("*.jsonl"))
    rows = [json.loads(line) for path in paths for line in path.read_text().split("\n") if line]
    return [row for row in rows if row["kind"] == kind]


def rows(folder):
    """The rows of a Parquet table, empty if the folder is not there."""
    return pq.read_table(folder).to_pylist() if folder.is_dir() else []


def spans_by_id(out):
    """Document id → its spans."""
    found = collections.defaultdict(list)
    for span in rows(out / "docs" / "spans"):
        found[span["id"]].append(span)
    return found
