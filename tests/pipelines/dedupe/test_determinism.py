"""The same survivors and the same bytes, however a run is carried out."""

import functools
import itertools
import random

import pyarrow.parquet as pq
import pytest
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from malmoi_pipelines.contracts.schemas import CORPUS
from malmoi_pipelines.contracts.stage import StageResult
from malmoi_pipelines.dedupe.config import DedupeConfig, RepeatedLines
from malmoi_pipelines.dedupe.stage import dedupe
from malmoi_pipelines.engine import transforms
from malmoi_pipelines.engine.options import RunOptions

from tests.pipelines.dedupe.conftest import UNGUARDED, write_files
from tests.pipelines.dedupe.corpus import Document, planted_corpus

pytestmark = pytest.mark.long

CONFIGS = {
    "star": DedupeConfig(guards=UNGUARDED),
    "components": DedupeConfig(guards=UNGUARDED, groups="components"),
    "lines": DedupeConfig(guards=UNGUARDED, repeated_lines=RepeatedLines(min_chars=2, min_documents=2)),
}


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    """Near and exact duplicates, equal texts under several names, and a footer that many share."""
    planted = planted_corpus(21)
    copies = [(f"copy-{i}", f"{source}-2", text) for i, source, text in planted[::5]]
    return [
        (i, s, f"{text}\n모든 권리는 발행인에게 있습니다" if n % 3 else text)
        for n, (i, s, text) in enumerate(planted + copies)
    ]


@pytest.fixture(scope="module")
def paths(documents, tmp_path_factory) -> tuple[str, ...]:
    return write_files(str(tmp_path_factory.mktemp("in")), [documents[n::4] for n in range(4)])


@functools.cache
def in_memory(paths: tuple[str, ...], name: str, folder: str) -> StageResult:
    return dedupe(list(paths), f"{folder}/{name}", CONFIGS[name], RunOptions())


@pytest.fixture(params=CONFIGS)
def expected(request, paths, tmp_path_factory) -> tuple[str, StageResult]:
    folder = tmp_path_factory.getbasetemp() / "determinism"
    return request.param, in_memory(paths, request.param, str(folder))


def rows(result: StageResult) -> dict[str, list[tuple]]:
    """All rows of the tables but the digests, which have no names of their own; sorted."""
    tables = {}
    for table in CORPUS.tables:
        names = [field.name for field in table.fields]
        parts = [
            pq.read_table(f"{result.folder}/{info.path}").to_pylist()
            for info in result.manifest.table_files(table.name)
        ]
        tables[table.name] = sorted(str([row[name] for name in names]) for part in parts for row in part)
    return tables


def test_something_happens(expected):
    _, result = expected
    assert 20 < result.manifest.rows("removals") < 200
    assert result.manifest.rows("digests") == result.manifest.rows()


def repeated(*values):
    """Values after the first, which run in every run: in the slow one."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


@pytest.mark.parametrize("workers", [2, *repeated(1, 4)])
def test_worker_processes_and_the_order_of_inputs_change_no_byte(expected, paths, tmp_path, workers):
    name, result = expected
    shuffled = random.Random(workers).sample(paths, len(paths))
    again = dedupe(shuffled, str(tmp_path / "out"), CONFIGS[name], RunOptions(workers=workers))
    assert again.manifest == result.manifest


def test_repeated_bundles_change_no_byte(expected, paths, tmp_path, monkeypatch):
    name, result = expected
    calls = itertools.count()

    def repeating() -> FnApiRunner:
        next(calls)
        return FnApiRunner(bundle_repeat=2)

    monkeypatch.setattr(transforms, "FnApiRunner", repeating)
    again = dedupe(list(paths), str(tmp_path / "out"), CONFIGS[name], RunOptions())
    assert next(calls) == 1
    assert again.manifest == result.manifest


@pytest.mark.parametrize("cut", [3, *repeated(1, 9)])
def test_the_cut_into_files_and_row_groups_changes_no_row(expected, documents, tmp_path, cut):
    name, result = expected
    mixed = random.Random(cut).sample(documents, len(documents))
    size = -(-len(mixed) // cut)
    parts = [mixed[start : start + size] for start in range(0, len(mixed), size)]
    inputs = write_files(str(tmp_path / "in"), parts, group_rows=5 * cut)
    again = dedupe(list(inputs), str(tmp_path / "out"), CONFIGS[name], RunOptions())
    assert rows(again) == rows(result)
