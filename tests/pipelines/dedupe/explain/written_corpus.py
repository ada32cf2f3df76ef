"""Corpus folders written by hand: what explains a removal must need the contracts only, not the stage."""

import pyarrow as pa
from malmoi_pipelines.contracts.code import Code
from malmoi_pipelines.contracts.manifest import Manifest, read_manifest, write_manifest
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.schemas import DOCUMENTS, REMOVALS, REPEATED_LINES, SCHEMA_VERSION, Table
from malmoi_pipelines.contracts.tables import write_parquet
from malmoi_pipelines.dedupe.against import fingerprint_of
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.raw.config import InputConfig
from malmoi_pipelines.raw.documents import find_documents

from tests.pipelines.dedupe.corpus import Document

WORDS = [f"낱말{chr(0xAC00 + 28 * n)}" for n in range(40)]  # no digits: they are all equal to dedupe
LONG = " ".join(WORDS)
"""A text of 40 eojeol."""
OTHER = "다른말"
NEAR = LONG.replace(WORDS[20], OTHER)
"""As LONG, but for one eojeol: 5 of 36 shingles differ, 31 of 41 are shared."""


def document(id_: str, source: str, text: str, cluster_size: int | None = None) -> dict:
    return {"id": id_, "source": source, "text": text, "cluster_size": cluster_size}


def removal(id_, source, text, partner, reason="near", similarity=31 / 41, old=False, cluster=None) -> dict:
    partner_id, partner_source = partner
    cluster_id, cluster_source = cluster or partner
    return {
        "id": id_,
        "source": source,
        "bytes": len(text.encode()),
        "reason": reason,
        "partner_id": partner_id,
        "partner_source": partner_source,
        "partner_old": old,
        "similarity": similarity,
        "cluster_id": cluster_id,
        "cluster_source": cluster_source,
    }


def write_rows(folder, table: Table, *groups: list[dict]):
    """Write a table as one file of the given row groups."""
    schema = table.schema
    batches = [
        pa.RecordBatch.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema)
        for rows in groups
    ]
    return write_parquet(str(folder), table, "part-00000", batches)


def write_folder(folder, kind: str, infos, inputs=None, config=None) -> str:
    """Publish a dataset folder."""
    manifest = Manifest(
        kind=kind,
        stage="dedupe" if kind == "corpus" else "clean",
        schema_version=SCHEMA_VERSION,
        fingerprint=f"of {folder}",
        inputs=inputs or {},
        config=config or {},
        code=Code(stage=""),
        files=tuple(infos),
    )
    Report(manifest.stage).write(str(folder))
    write_manifest(str(folder), manifest)
    return str(folder)


def write_documents_folder(folder, documents: list[Document]) -> str:
    """A dataset folder of documents."""
    rows = [document(*row) for row in documents]
    return write_folder(folder, "documents", [write_rows(folder, DOCUMENTS, rows[:2], rows[2:])])


def write_corpus(
    folder, kept, removals, *, documents=(), against=(), lines=(), finished=True, version=2, **settings
) -> str:
    """A corpus folder, made of the folders `documents` and `against`; unfinished, it is as a guard leaves it.

    `version`: of its signatures.
    """
    infos = [
        write_rows(folder, DOCUMENTS, kept[:1], kept[1:]),
        write_rows(folder, REMOVALS, removals[:1], removals[1:]),
    ]
    if lines:
        infos.append(write_rows(folder, REPEATED_LINES, list(lines)))
    inputs = {}
    if documents:
        inputs["documents"] = find_documents([str(path) for path in documents], InputConfig()).fingerprint
    if against:
        inputs["against"] = fingerprint_of(read_manifest(str(path)) for path in against)
    config = {**DedupeConfig(**settings).model_dump(mode="json"), "signature": {"signature": version, "rows": 8}}
    return write_folder(folder, "corpus", infos, inputs, config) if finished else str(folder)
