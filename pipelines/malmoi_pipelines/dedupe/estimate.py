"""What a run will find and cost, from a sample: `malmoi dedupe plan`.

The job itself runs on a sample of the input, and its measured costs are scaled to the whole. How many duplicates there
are cannot be told that simply: of two copies far apart a sample of a tenth holds both only once in a hundred times. So
the share is given as a range, from that of the sample, true if copies lie side by side, to that over the sampled
fraction, true if they are pairs that lie at random. Exact duplicates can be told better by reading every text once:
HyperLogLog++ over the exact keys says how many documents are distinct, in 16 KB.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.arrays import I64
from malmoi_pipelines.contracts.distinct import distinct, registers
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.hashing import GOLDEN, mix64
from malmoi_pipelines.contracts.schemas import DOCUMENTS
from malmoi_pipelines.contracts.tables import cut_by_size, row_group_bytes, string_bytes, write_parquet
from malmoi_pipelines.dedupe.against import add_old
from malmoi_pipelines.dedupe.config import DedupeConfig, Guards
from malmoi_pipelines.dedupe.digest import BLOCK_BYTES
from malmoi_pipelines.dedupe.exact_key import exact_keys
from malmoi_pipelines.dedupe.stage import foreign_tasks
from malmoi_pipelines.dedupe.steps import CorpusFiles, Partitions, dedupe_steps
from malmoi_pipelines.dedupe.summary import summarise
from malmoi_pipelines.engine.dry_run import StepCost, dry_run
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.documents import TEXTS, Documents, find_documents, read_part
from malmoi_pipelines.raw.identity import raw_bytes
from malmoi_pipelines.raw.inputs import InputFile
from malmoi_pipelines.raw.tasks import FilePart, splittable

_NO_GUARDS = Guards(**{name: 1.0 for name in Guards.model_fields if name.endswith("_share")})
_FILES = 200  # files that are looked into
_JSON_BYTES = 40  # names of three fields, quotes and braces
_PART_BYTES = 8 << 20  # of a file of lines
_STRETCH_BYTES = 1 << 20  # least bytes of a stretch of documents
_WORKER_MB = 300  # of a worker process that has done nothing yet: Python, Arrow, NumPy and Beam
_MERGE_COPIES = 4  # times that the chunks of a partition are in memory while they are merged
_START_SECONDS = 4.0  # of the worker processes
_PARTITION_SECONDS = 0.04  # that Beam needs to plan one partition of one step (docs/log.md)


@dataclass(frozen=True)
class Estimate:
    """Figures by name, and tables of rows with equal keys."""

    facts: dict[str, Any]
    tables: dict[str, list[dict[str, Any]]]


def estimate(
    documents: list[str],
    config: DedupeConfig,
    *,
    against: Sequence[str] = (),
    workers: int | None = None,
    sample_bytes: int = 64 << 20,
    read_all: bool = False,
) -> Estimate:
    """Run dedupe on a sample in this process and scale what it took.

    Args:
        documents: as for the stage.
        config: as for the stage; guards do not stop an estimate.
        against: earlier corpora; their digests are read whole.
        workers: processes to plan for; one a core of this machine if not given.
        sample_bytes: about so much text is deduplicated.
        read_all: also read every text once, and tell how many documents are distinct, within a percent or two.

    Raises:
        BadInputError: there are no documents.
    """
    found = find_documents(documents, config)
    unguarded = config.model_copy(update={"guards": _NO_GUARDS})
    with tempfile.TemporaryDirectory(prefix="malmoi-plan-") as folder:
        sample = _write_sample(found, folder, sample_bytes)
        corpora, _ = add_old(sample.paths, list(against), config)
        steps = dedupe_steps(corpora, f"{folder}/out", f"{folder}/work", unguarded, Partitions.of(sample.text_bytes))
        results, costs = dry_run(steps)
        _, report = summarise(results, (), unguarded)
        work_bytes = sum(files.size(path) for path in files.list_files(f"{folder}/work"))
    num_bytes = sample.text_bytes if sample.whole else _text_bytes(found, sample)
    scale = max(1.0, num_bytes / sample.text_bytes)
    facts = {
        **_input_facts(found, corpora, num_bytes, sample.text_bytes, scale, report.facts),
        **_duplicate_facts(report.facts, scale),
        **(_distinct_facts(found, config) if read_all else {}),
        **_cost_facts(costs, _partition_counts(found, corpora, num_bytes, config), scale, workers, work_bytes),
    }
    tables = {
        "In the sample, by source": report.tables["Removed by source"],
        "Steps": [_step_row(cost, scale) for cost in costs],
        "Chance to find a pair": [_chance_row(config, similarity) for similarity in (0.5, 0.6, 0.7, 0.8, 0.85, 0.9)],
    }
    return Estimate(facts, tables)


@dataclass(frozen=True)
class _Sample:
    paths: tuple[str, ...]
    """One Parquet file a stretch of documents."""
    text_bytes: int
    row_bytes: int
    """All fields of the documents, and what JSON puts around them."""
    whole: bool
    """Nothing was left out."""


def _write_sample(found: Documents, folder: str, sample_bytes: int) -> _Sample:
    """Copy about so much text."""
    paths: list[str] = []
    text_bytes = row_bytes = 0
    whole = len(found.files) <= _FILES
    for batch, is_cut in _batches(found, sample_bytes):
        whole = whole and not is_cut
        info = write_parquet(f"{folder}/in", DOCUMENTS, f"part-{len(paths):05d}", [batch])
        paths.append(f"{folder}/in/{info.path}")
        text_bytes += info.text_bytes
        fields = sum(string_bytes(batch.column(name)) for name in ("id", "source", "text", "meta"))
        row_bytes += fields + _JSON_BYTES * batch.num_rows
        if text_bytes >= sample_bytes:
            whole = False
            break
    if text_bytes == 0:
        raise BadInputError("there is no text to plan for.", hint="check the inputs")
    return _Sample(tuple(paths), text_bytes, row_bytes, whole)


def _text_bytes(found: Documents, sample: _Sample) -> int:
    """Bytes of text in all of the input; where it is stored as JSON, by the share of text in the sample."""
    rows = sum(raw_bytes(file) for file in found.files if file.format != "parquet")
    return found.text_bytes - rows + rows * sample.text_bytes // sample.row_bytes


def _batches(found: Documents, sample_bytes: int) -> Iterator[tuple[pa.RecordBatch, bool]]:
    """Stretches of documents from all over the input; what is no document is passed over.

    With each goes whether documents near it were left out.
    """
    chosen = _scattered(len(found.files))[:_FILES].tolist()
    parts = [part for number in chosen for part in _parts(found.files[number], found.options)]
    share = max(_STRETCH_BYTES, -(-sample_bytes // max(1, len(parts))))
    for order, place in enumerate(_scattered(len(parts)).tolist()):
        left = share
        for batch, _ in read_part(parts[place], found.options):
            if not batch.num_rows:
                continue
            stretch = _stretch(batch, left, order)
            left -= stretch.nbytes
            yield stretch, stretch.num_rows < batch.num_rows or left <= 0
            if left <= 0:
                break


def _parts(file: InputFile, options: ReadOptions) -> list[FilePart]:
    """A file cut where it can be: by row groups, or else into parts of `_PART_BYTES`."""
    if file.format == "parquet":
        of = len(row_group_bytes(file.path))
    else:
        of = -(-file.bytes // _PART_BYTES) if splittable(file, options) else 1
    return [FilePart(file, number, of) for number in range(of)]


def _scattered(count: int) -> I64:
    """The numbers below `count` in an order of chance, always the same."""
    return np.argsort(mix64(np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN)))


def _stretch(batch: pa.RecordBatch, num_bytes: int, salt: int) -> pa.RecordBatch:
    """Consecutive rows of about so many bytes, from a place that depends on `salt`."""
    rows = min(batch.num_rows, max(1, batch.num_rows * num_bytes // max(1, batch.nbytes)))
    start = int(mix64(np.array([salt + 1], np.uint64) * np.uint64(GOLDEN))[0] % np.uint64(batch.num_rows - rows + 1))
    return batch.slice(start, rows)


def _input_facts(
    found: Documents,
    corpora: CorpusFiles,
    num_bytes: int,
    read_bytes: int,
    scale: float,
    report: dict[str, Any],
) -> dict[str, Any]:
    return {
        "input files": len(found.files),
        "input MB": round(num_bytes / 1e6, 1),
        "sampled MB": round(read_bytes / 1e6, 1),
        "documents, about": round(report["documents in"] * scale),
        # The sample was compared with all of it, so what it costs is counted in full for each part of the input.
        **({"MB of earlier corpora, costs at most": round(corpora.old_bytes / 1e6, 1)} if corpora.old else {}),
    }


def _duplicate_facts(report: dict[str, Any], scale: float) -> dict[str, Any]:
    documents = max(1, report["documents in"])
    shares = {kind: report[f"{kind} duplicates removed"] / documents for kind in ("exact", "near")}
    return {
        f"{kind} duplicates, share of documents": f"{share:.2%}"
        if scale == 1
        else f"{share:.2%} to {min(share * scale, 1):.2%}"
        for kind, share in shares.items()
    }


def _distinct_facts(found: Documents, config: DedupeConfig) -> dict[str, Any]:
    """What every text says: documents, and how many of them are no exact duplicate of another."""
    documents = 0
    filled = registers(np.zeros(0, np.uint64))
    for number in range(len(found.tasks)):
        for batch in found.read(number, TEXTS):
            for part in cut_by_size(batch, BLOCK_BYTES):
                documents += part.num_rows
                filled = np.maximum(filled, registers(exact_keys(part.column("text"), config.exact_fold)[:, 0]))
    unlike = min(distinct(filled), documents)
    return {
        "documents": documents,
        "distinct documents, about": unlike,
        "exact duplicates, share of all documents, about": f"{1 - unlike / documents:.2%}",
    }


def _partition_counts(found: Documents, corpora: CorpusFiles, num_bytes: int, config: DedupeConfig) -> dict[str, int]:
    """The partitions of each step of the whole job."""
    foreign = foreign_tasks(found)
    whole = replace(corpora, new=("",) * len(found.tasks))
    steps = dedupe_steps(whole, "", "", config, Partitions.of(num_bytes + corpora.old_bytes))
    return {**({"adopt files": len(foreign)} if foreign else {}), **{step.name: step.partitions for step in steps}}


def _cost_facts(
    costs: list[StepCost], partitions: dict[str, int], scale: float, workers: int | None, work_bytes: int
) -> dict[str, Any]:
    """Time, memory and bytes of the whole, from those of the sample."""
    processes = workers or os.cpu_count() or 1
    cpu = sum(cost.cpu_seconds for cost in costs) * scale
    sent = sum(cost.sent_bytes for cost in costs) * scale
    largest = max(cost.received_bytes * scale / max(1, partitions[cost.name]) for cost in costs)
    planning = _PARTITION_SECONDS * sum(partitions.values())
    return {
        "hash partitions": partitions["group exact"],
        "partitions of all steps": sum(partitions.values()),
        "bytes shuffled, MB": round(sent / 1e6, 1),
        "work files, MB": round(work_bytes * scale / 1e6, 1),
        "CPU seconds": round(cpu + planning, 1),
        "worker processes": processes,
        "wall seconds, about": round(_START_SECONDS + (cpu + planning) / processes),
        "memory of a worker, MB": round(_WORKER_MB + _MERGE_COPIES * largest / 1e6),
    }


def _step_row(cost: StepCost, scale: float) -> dict[str, Any]:
    return {
        "step": cost.name,
        "CPU seconds": round(cost.cpu_seconds * scale, 1),
        "MB sent": round(cost.sent_bytes * scale / 1e6, 1),
    }


def _chance_row(config: DedupeConfig, similarity: float) -> dict[str, Any]:
    """Probability that two documents share a band (Lee et al. 2021, appendix A)."""
    chance = 1 - (1 - similarity**config.rows) ** config.bands
    return {"Jaccard similarity": similarity, "probability": round(chance, 3)}
