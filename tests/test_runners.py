"""The same data files from any number of workers, any order of input files, and a real Flink."""

import json
import os
import pathlib
import re
import shutil

import pytest
from apache_beam.utils.subprocess_server import JavaJarServer
from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.clean.stage import clean
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.stage import dedupe
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.lm.config import LmConfig
from malmoi_pipelines.lm.stage import train_lm
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.stage import sample
from malmoi_pipelines.shard.config import ShardConfig
from malmoi_pipelines.shard.stage import shard

from tests.end_to_end import base_model

SOURCES = ("web", "reviews", "legal", "english", "parallel")


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """A generated sample in many small files, so that there is something to spread and to reorder; one id is shared."""
    folder = tmp_path_factory.mktemp("raw")
    sample(str(folder / "raw"), SampleConfig(bytes="3MB", shard_bytes="400kB"), RunOptions())
    data = folder / "raw" / "data"
    twin = {"id": "web-00000-0000001", "text": "같은 이름을 가진 다른 글이 여기에 하나 더 있습니다."}
    (data / "web" / "twin.jsonl").write_text(json.dumps(twin, ensure_ascii=False))
    return data


def walk(inputs, out, options):
    """lm train, clean, dedupe, count, shard; returns the files of each."""
    reference = f"{os.path.commonpath(inputs)}/legal"
    model = train_lm([reference], f"{out}/lm", LmConfig(task_bytes=100_000, partition_bytes=400_000), options)
    config = CleanConfig.model_validate(
        {
            "sources": {name: {"thresholds": {"language": name}} for name in ("english", "parallel")},
            "task_bytes": 200_000,
            "perplexity": {"good": {"model": model.folder}},
            "perplexity_cut": 0.02,
        }
    )
    docs = clean(inputs, f"{out}/docs", config, options)
    corpus = dedupe([docs.folder], f"{out}/corpus", DedupeConfig(), options)
    words = count([corpus.folder], f"{out}/words", CountConfig(partition_bytes=500_000), options)
    shards = shard(
        [corpus.folder], base_model(), f"{out}/shards", ShardConfig(sequence_length=128, shard_bytes=600_000), options
    )
    return {result.manifest.stage: result.manifest.files for result in (model, docs, corpus, words, shards)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the walk of the default runner is."""
    return tmp_path_factory.mktemp("direct")


@pytest.fixture(scope="module")
def direct(raw, folder):
    """The default: DirectRunner, in memory."""
    return walk([str(raw)], folder, RunOptions())


@pytest.mark.long
def test_the_walk_has_several_files_a_shared_id_and_a_cut(direct, folder):
    for stage, files in direct.items():
        assert stage == "lm train" or len([info for info in files if info.table == "data"]) >= 4
    report = read_report(f"{folder}/docs")
    assert report.facts["documents given an id of their own"] == 2
    assert report.ledger.documents("dropped:perplexity") > 10


@pytest.mark.long
@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_worker_processes_and_input_order_change_no_byte(raw, direct, tmp_path, workers):
    inputs = [str(raw / source) for source in SOURCES][:: 1 if workers == 1 else -1]
    assert walk(inputs, tmp_path, RunOptions(workers=workers)) == direct


def flink_jar():
    """The job server jar: named by MALMOI_FLINK_JAR, or the one Beam fetches for itself."""
    if jar := os.environ.get("MALMOI_FLINK_JAR"):
        return jar
    artefact = ":runners:flink:1.20:job-server:shadowJar"
    try:
        return JavaJarServer.local_jar(JavaJarServer.path_to_beam_jar(artefact))
    except (OSError, RuntimeError) as error:
        pytest.skip(f"no Flink job server jar: MALMOI_FLINK_JAR is not set and Beam cannot fetch one ({error})")


@pytest.mark.flink
@pytest.mark.skipif(shutil.which("java") is None, reason="Flink needs Java, and there is none on PATH")
def test_a_real_flink_gives_the_same_bytes(raw, direct, tmp_path):
    jar = flink_jar()
    version = re.search(r"flink-(?:job-server-)?(\d+\.\d+)", pathlib.Path(jar).name)
    flags = (
        "--flink_master=[local]",
        f"--flink_version={version[1]}",
        f"--flink_job_server_jar={jar}",
        "--environment_type=LOOPBACK",
        "--parallelism=2",
    )
    assert walk([str(raw)], tmp_path, RunOptions("FlinkRunner", None, flags)) == direct
