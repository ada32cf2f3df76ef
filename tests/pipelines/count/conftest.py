"""Fixtures of the tests of the word table."""

import pytest
from malmoi_pipelines.contracts.manifest import Manifest, write_manifest
from malmoi_pipelines.contracts.schemas import DOCUMENTS
from malmoi_pipelines.contracts.tables import write_parquet
from malmoi_pipelines.count import growth

from tests.conftest import make_documents


@pytest.fixture
def write_corpus():
    """Write lists of (id, source, text) rows as a dataset folder, one file a list; returns the folder."""

    def write(folder, *parts):
        infos = [
            write_parquet(str(folder), DOCUMENTS, f"part-{number:05d}", [make_documents(rows)])
            for number, rows in enumerate(parts)
        ]
        whole = {"kind": "corpus", "stage": "dedupe", "inputs": {}, "config": {}, "code": {"stage": ""}, "files": infos}
        write_manifest(str(folder), Manifest(fingerprint=str([info.xxh3_128 for info in infos]), **whole))
        return str(folder)

    return write


@pytest.fixture(autouse=True)
def plain_pictures(monkeypatch):
    """Nothing is drawn: a count of a few documents would spend most of its time on it."""
    monkeypatch.setattr(growth, "draw", lambda axes_of, salt: salt.encode())
