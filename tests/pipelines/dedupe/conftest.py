"""An executor of steps that does what engines may do."""

import os
import pickle
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from malmoi_pipelines.contracts import files, tables
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.schemas import DOCUMENTS, REMOVALS, Table, check_schema
from malmoi_pipelines.dedupe import pictures
from malmoi_pipelines.dedupe import stage as stage_module
from malmoi_pipelines.dedupe.config import DedupeConfig, Guards
from malmoi_pipelines.dedupe.steps import CorpusFiles, Partitions, dedupe_steps
from malmoi_pipelines.dedupe.summary import summarise
from malmoi_pipelines.engine.dry_run import dry_run
from malmoi_pipelines.engine.job import Send, Step

from tests.pipelines.dedupe.corpus import Document, Removal

PARTITIONS = Partitions(3, 1)
UNGUARDED = Guards(**{name: 1.0 for name in Guards.model_fields if name.endswith("_share")})


def run_steps(steps: tuple[Step, ...], seed: int = 0) -> list[Result]:
    """Run a chain as hostilely as an engine may: any order, any cuts, abandoned and repeated calls, pickled steps."""
    rng = random.Random(seed)
    sent: dict[int, list[pa.RecordBatch]] = {}
    results = []
    for step in steps:
        following = defaultdict(list)
        for partition in rng.sample(range(step.partitions), step.partitions):
            chunks = sent.get(partition, [])
            function = pickle.loads(pickle.dumps(step.run))
            abandoned = function(partition, recut(chunks, rng))
            next(iter(abandoned), None)
            abandoned.close()
            list(function(partition, recut(chunks, rng)))
            for output in function(partition, iter(recut(chunks, rng))):
                if isinstance(output, Send):
                    following[output.partition].append(output.chunk)
                else:
                    assert isinstance(output, Result)
                    results.append(output)
        assert all(partition >= 0 for partition in following)
        sent = following
    assert not sent, "the last step sends nothing"
    return results


def recut(chunks: list[pa.RecordBatch], rng: random.Random) -> list[pa.RecordBatch]:
    """The same rows in random pieces, in random order."""
    pieces = []
    for chunk in chunks:
        start = 0
        while start < chunk.num_rows:
            length = rng.randint(1, chunk.num_rows - start)
            pieces.append(chunk.slice(start, length))
            start += length
    rng.shuffle(pieces)
    return pieces


def write_files(folder: str, parts: list[list[Document]], group_rows: int = 7) -> tuple[str, ...]:
    """Write each list of documents as a Parquet file of small row groups."""
    paths = []
    for number, documents in enumerate(parts):
        rows = [{"id": i, "source": s, "text": t, "meta": None} for i, s, t in documents]
        paths.append(files.join(folder, f"in-{number:03d}.parquet"))
        with files.atomic_write(paths[-1]) as sink:
            table = pa.Table.from_pylist(rows, DOCUMENTS.schema)
            pq.write_table(table, pa.PythonFile(sink, mode="w"), row_group_size=group_rows)
    return tuple(paths)


@dataclass
class Outcome:
    """What a run left."""

    kept: dict[str, str]
    """id → text of the documents in the output."""
    removals: list[dict]
    report: Report
    infos: list[FileInfo]
    out: str
    cluster_sizes: dict[str, int]
    """id → documents that a survivor stands for."""

    @property
    def removed(self) -> dict[str, dict]:
        """id → row of the removal table."""
        return {row["id"]: row for row in self.removals}

    @property
    def reasons(self) -> dict[str, Removal]:
        """id → why it went, to compare with `plain_dedupe`."""
        names = ("reason", "partner_id", "cluster_id")
        return {
            i: Removal(*(row[name] for name in names), pytest.approx(row["similarity"], abs=1e-6))
            for i, row in self.removed.items()
        }

    @property
    def hashes(self) -> dict[str, str]:
        """path → xxh3-128 of every output file."""
        return {info.path: info.xxh3_128 for info in self.infos}


class Deduper:
    """Runs the whole chain on lists of documents, one list a file."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._runs = 0

    def __call__(
        self,
        parts: list[list[Document]],
        config: DedupeConfig | None = None,
        seed: int = 0,
        partitions: Partitions = PARTITIONS,
        against: Sequence[Outcome] = (),
        group_rows: int = 7,
    ) -> Outcome:
        self._runs += 1
        root = files.join(self._root, f"run-{self._runs}")
        config = config or DedupeConfig(guards=UNGUARDED)
        out = files.join(root, "out")
        paths = write_files(files.join(root, "in"), parts, group_rows)
        old = [path for corpus in against for path in files.list_files(files.join(corpus.out, "data"))]
        old_digests = [path for corpus in against for path in files.list_files(files.join(corpus.out, "digests"))]
        corpus_files = CorpusFiles(paths, tuple(old), tuple(old_digests))
        steps = dedupe_steps(corpus_files, out, files.join(root, "work"), config, partitions)
        infos, report = summarise(run_steps(steps, seed), (), config)
        rows = read_rows(out, DOCUMENTS, len(parts))
        kept = {row["id"]: row["text"] for row in rows}
        sizes = {row["id"]: row["cluster_size"] for row in rows}
        return Outcome(kept, read_rows(out, REMOVALS, len(parts)), report, infos, out, sizes)


def read_rows(out: str, table: Table, count: int) -> list[dict]:
    """All rows of an output table, which must have one file an input file."""
    paths = files.list_files(files.join(out, table.name))
    assert [path.rsplit("/", 1)[1] for path in paths] == [f"part-{number:05d}.parquet" for number in range(count)]
    rows = []
    for path in paths:
        with files.open_read(path) as file:
            check_schema(pq.read_schema(file), table.schema, path)
        for batch in tables.read_batches(path):
            rows += batch.to_pylist()
    return rows


@pytest.fixture
def plain_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage's steps in this process and nothing drawn: for tests that are not about runners."""
    monkeypatch.setattr(stage_module, "run_job", lambda job, work, options, progress: dry_run(job.steps)[0])
    monkeypatch.setattr(pictures, "draw", lambda axes_of, salt: salt.encode())


@pytest.fixture
def dedupe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deduper:
    """Without what takes most of the time of small runs: drawing, and waiting for the disk."""
    monkeypatch.setattr(pictures, "draw", lambda axes_of, salt: salt.encode())
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    return Deduper(str(tmp_path))
