"""Fixtures shared by all tests, and the tiers they are in."""

import contextlib
import fcntl
import os
import pathlib
import uuid

import fsspec
import pyarrow as pa
import pytest
from hypothesis import settings
from malmoi_pipelines.contracts.distinct import REGISTERS
from malmoi_pipelines.contracts.schemas import DOCUMENTS
from malmoi_pipelines.contracts.tables import write_parquet

from tests.end_to_end import run

# How long an example takes says something of the machine and its other work, not of the code.
settings.register_profile("malmoi", deadline=None)
settings.load_profile("malmoi")


STANDARD_ERROR = 1.04 / REGISTERS**0.5
"""Relative, of an estimate of distinct things (`contracts.distinct`)."""
BUILDS = {"small_run", "expanded", "walked", "direct"}
"""Fixtures that take seconds to build: whatever uses them is `long`."""


def pytest_collection_modifyitems(items):
    """`make check` runs what is not `long`: neither what is slow nor what needs something built first."""
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        if marks & {"slow", "flink"} or BUILDS.intersection(item.fixturenames):
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory, worker_id):
    """Open a folder that all test processes of a session share; one at a time is inside.

    What is built there must skip what is finished, as stages do: so it is built once.
    """
    root = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent

    @contextlib.contextmanager
    def enter(name):
        folder = root / f"shared-{name}"
        folder.mkdir(exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder

    return enter


@pytest.fixture
def memory_root():
    """A fresh folder on fsspec's memory filesystem."""
    name = uuid.uuid4().hex
    yield f"memory://{name}"
    fs = fsspec.filesystem("memory")
    if fs.exists(f"/{name}"):
        fs.rm(f"/{name}", recursive=True)


@pytest.fixture
def real_text():
    """The folder of real Korean text that MALMOI_REAL_TEXT names: one folder a source, as `korean-real` reads it."""
    folder = os.environ.get("MALMOI_REAL_TEXT")
    if not folder:
        pytest.skip("needs real Korean text: set MALMOI_REAL_TEXT to its folder")
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def small_run(shared_folder):
    """The folder of a finished small quickstart, run through the command line. Read only: copy it to change it."""
    with shared_folder("walk") as folder:
        if not (folder / "finished").exists():
            run(folder / "out")
            (folder / "finished").touch()
    return folder / "out"


def make_documents(rows):
    """A batch of documents from (id, source, text) rows."""
    ids, sources, texts = zip(*rows, strict=True) if rows else ((), (), ())
    given = {"id": ids, "source": sources, "text": texts}
    columns = [pa.array(given.get(field.name, [None] * len(rows)), field.type) for field in DOCUMENTS.schema]
    return pa.RecordBatch.from_arrays(columns, schema=DOCUMENTS.schema)


@pytest.fixture
def write_documents():
    """Write lists of (id, source, text) rows as Parquet files of documents, one a list; returns the folder."""

    def write(folder, *parts):
        for number, rows in enumerate(parts):
            write_parquet(str(folder), DOCUMENTS, f"part-{number:05d}", [make_documents(rows)])
        return f"{folder}/data"

    return write
