"""Fixtures of the tests of the word table."""

import pytest
from malmoi_pipelines.contracts.manifest import Manifest, write_manifest
from malmoi_pipelines.contracts.schemas import DOCUMENTS
from malmoi_pipelines.contracts.tables import write_parquet

from tests.conftest import make_documents


@pytest.fixture
def write_corpus():
    """Write lists of (id, source, text) rows as a dataset folder, one file a list; returns the folder."""

    def write(folder, *parts):
        infos = [
            write_parquet(str(folder), DOCUMENTS, f"part-{number:05d}", [make_documents(rows)])
            for number, rows in enumerate(parts)
        ]
        whole = {"kind": "corpus", "stage": "dedupe", "inputs": {}, "config": {}, "code_version": "", "files": infos}
        write_manifest(str(folder), Manifest(fingerprint=str([info.xxh3_128 for info in infos]), **whole))
        return str(folder)

    return write
