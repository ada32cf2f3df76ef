"""The count stage: corpus in, word table out."""

from typing import Any

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.code import code_of
from malmoi_pipelines.contracts.errors import DefectError, UsageError
from malmoi_pipelines.contracts.fingerprint import fingerprint
from malmoi_pipelines.contracts.ledger import KEPT
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.progress import SILENT, Progress
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.result import Result, ledger_of, pick
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from malmoi_pipelines.contracts.tables import read_batches
from malmoi_pipelines.count.added import find_added
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.growth import GrowthPoint, growth_picture, heaps_law
from malmoi_pipelines.count.steps import CountFiles, MergeCounts, TableLayout, WriteCounts
from malmoi_pipelines.count.uncleaned import Uncleaned
from malmoi_pipelines.count.written import (
    FileWritten,
    GrowthWritten,
    LettersWritten,
    SourceRow,
    SourcesWritten,
    UnitsWritten,
)
from malmoi_pipelines.engine.job import Job, Step
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.engine.run import run_job
from malmoi_pipelines.raw.budget import check_read, tell_problems
from malmoi_pipelines.raw.documents import Documents, find_documents
from malmoi_pipelines.raw.unread import Unread
from malmoi_pipelines.text.units import unit_rule

TOP = 20  # units shown in the report


def count(
    corpus: list[str],
    out: str,
    config: CountConfig,
    options: RunOptions,
    *,
    add: list[str] | tuple[str, ...] = (),
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> StageResult:
    """Make the word table of a corpus.

    Args:
        corpus: whatever `clean` reads; none to add tables up.
        out: the dataset folder to write.
        config: see `CountConfig`.
        options: runner and workers.
        add: finished word tables to add in. The result is that of counting their corpora, too.
        overwrite: replace what is in `out`.
        progress: told how far it is.

    Raises:
        UsageError: neither a corpus nor a table is given, or a table was made with other settings.
        BadInputError: an input is not readable or no input of this stage.
    """
    if not corpus and not add:
        raise UsageError("there is nothing to count.", hint="name a corpus, or word tables to add up")
    documents = find_documents(corpus, config)
    added = find_added(list(add), config)
    identity = StageIdentity(
        kind="words",
        stage="count",
        inputs={"corpus": documents.fingerprint, "added": fingerprint(added.fingerprints)},
        config=config.model_dump(mode="json"),
        code=code_of(__name__, documents.unused_packages),
    )

    def body(work: str) -> StageOutput:
        text_bytes = documents.text_bytes + added.text_bytes
        layout = lay_out(text_bytes, config)
        cut = CountFiles(documents, added.files, out, layout, config.units, config.held_out_share)
        steps = (
            Step("count: units", cut, len(documents.tasks) + len(added.files)),
            Step("count: merge", MergeCounts(layout), layout.growth + 1),
            Step("count: write", WriteCounts(out, layout), layout.letters + 1),
        )
        results = run_job(Job("count", steps, text_bytes), work, options, progress)
        return _summarise(results, out, documents, config, progress)

    return run_stage(identity, out, body, reads=[*corpus, *documents.paths, *add], overwrite=overwrite)


def lay_out(text_bytes: int, config: CountConfig) -> TableLayout:
    """The number of files of each table, from the bytes of all texts, those of added tables with them."""
    held_out = int(text_bytes * config.held_out_share)
    return TableLayout(
        max(1, -(-(text_bytes - held_out) // config.partition_bytes)),
        max(1, -(-held_out // config.partition_bytes)) if config.held_out_share else 0,
    )


def _summarise(
    results: list[Result], out: str, documents: Documents, config: CountConfig, progress: Progress
) -> StageOutput:
    unread, ledger = Unread.total(results), ledger_of(results)
    check_read(unread, ledger, documents.files, config)
    infos = [part.file for part in pick(results, FileWritten)]
    [written], [letters] = pick(results, SourcesWritten), pick(results, LettersWritten)
    [growth] = pick(results, GrowthWritten)
    sources = written.rows
    for row in sources:
        ledger.add(row.source, KEPT, row.documents, row.bytes)
    facts: dict[str, Any] = {}
    for held_out in (False, True) if config.held_out_share else (False,):
        parts = [part for part in pick(results, UnitsWritten) if part.held_out == held_out]
        texts = [row for row in sources if row.held_out == held_out]
        check_counted(texts, sum(part.bytes for part in parts), unit_rule(config.units).dummy_space)
        facts |= {
            f"{name}{' held out' if held_out else ''}": value
            for name, value in (
                ("documents", sum(row.documents for row in texts)),
                ("distinct units", sum(part.rows for part in parts)),
                ("units", sum(part.occurrences for part in parts)),
            )
        }
    facts |= {
        "MB of text": round(sum(row.bytes for row in sources) / 1e6, 2),
        "distinct letters": letters.rows,
        "letters": letters.occurrences,
        "cut by": config.units,
    }
    facts |= _uncleaned_facts(results, sum(row.documents for row in sources), progress)
    tables = {"Sources": [_source_row(row) for row in sources], "Most frequent units": _top(infos, out)}
    report = Report("count", ledger, facts, tables)
    tell_problems(report, unread, documents.files)
    # Tables that were counted before growth was have none to add: then there is no curve of all texts.
    if growth.points and growth.points[-1].bytes == sum(row.bytes for row in sources if not row.held_out):
        _add_growth(report, growth.points)
    return StageOutput([*infos, *unread.files], report)


def _uncleaned_facts(results: list[Result], documents: int, progress: Progress) -> dict[str, int]:
    """The documents that `clean` would have mended; a person is warned of them."""
    total = Uncleaned()
    for part in pick(results, Uncleaned):
        total.merge(part)
    for line in total.warnings(documents):
        progress.warn(f"count: {line}")
    found = {"documents not in NFC": total.decomposed, "documents with carriage returns": total.returns}
    return {name: counts.total() for name, counts in found.items() if counts.total()}


def _add_growth(report: Report, points: list[GrowthPoint]) -> None:
    """The curve as a table and, where there is text enough to tell, Heaps' law and the picture."""
    report.tables["Growth of distinct units"] = [
        {
            "sample": point.share,
            "documents": point.documents,
            "MB": round(point.bytes / 1e6, 2),
            "distinct units, about": point.distinct_units,
        }
        for point in points
    ]
    if law := heaps_law(points):
        report.facts |= {
            "exponent of Heaps' law": round(law[1], 3),
            "distinct units in twice the text, about": round(law[0] * (2 * points[-1].bytes) ** law[1]),
        }
        report.pictures["Growth of distinct units"] = growth_picture(points, law)


def check_counted(texts: list[SourceRow], num_bytes: int, dummy_space: bool) -> None:
    """Prove that the units are the whole corpus: joined, they are all texts, with a space before each if so cut.

    Args:
        texts: documents and bytes of each source.
        num_bytes: bytes of all units.
        dummy_space: whether a space was put before each document.

    Raises:
        DefectError: bytes were lost or counted twice.
    """
    expected = sum(row.bytes + row.documents * dummy_space for row in texts)
    if num_bytes != expected:
        raise DefectError(f"the word table must hold {expected} bytes of text. Got {num_bytes}.")


def _source_row(row: SourceRow) -> dict[str, Any]:
    figures = ("documents", "characters", "lines", "eojeol", "units", "letters")
    return {
        "source": row.source,
        "held out": "yes" if row.held_out else "",
        "MB": round(row.bytes / 1e6, 2),
        **{name: getattr(row, name) for name in figures},
    }


def _top(infos: list[FileInfo], out: str) -> list[dict[str, Any]]:
    """The most frequent units over all partitions: each file starts with its own."""
    rows: list[dict[str, Any]] = []
    for info in infos:
        if info.table == "data":
            for batch in read_batches(files.join(out, info.path), ["unit", "count"], [0] if info.rows else []):
                rows += batch.slice(0, TOP).to_pylist()
    rows.sort(key=lambda row: (-row["count"], row["unit"].encode()))
    return [{"unit": repr(row["unit"]), "count": row["count"]} for row in rows[:TOP]]
