"""The count stage: corpus in, word table out."""

from typing import Any

from pipelines.contracts import files
from pipelines.contracts.errors import CheckError
from pipelines.contracts.fingerprint import code_version
from pipelines.contracts.ledger import IN, Ledger
from pipelines.contracts.manifest import FileInfo
from pipelines.contracts.report import Report
from pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from pipelines.contracts.tables import read_batches
from pipelines.count.config import CountConfig
from pipelines.count.words import CountFiles, MergeCounts
from pipelines.documents import find_documents
from pipelines.engine.job import Job, Step
from pipelines.engine.local import Progress
from pipelines.engine.options import RunOptions
from pipelines.engine.run import run_job, silent


def count(
    corpus: list[str],
    out: str,
    config: CountConfig,
    options: RunOptions,
    *,
    overwrite: bool = False,
    progress: Progress = silent,
) -> StageResult:
    """Make the word table of a corpus.

    Args:
        corpus: dataset folders, or files with `id`, `source` and `text`.
        out: the dataset folder to write.
        config: see `CountConfig`.
        options: runner and workers.
        overwrite: replace what is in `out`.
        progress: called as partitions finish.
    """
    documents = find_documents(corpus, config.columns)
    identity = StageIdentity(
        kind="words",
        stage="count",
        inputs={"corpus": documents.fingerprint},
        config=config.model_dump(mode="json"),
        code_version=code_version("pipelines"),
    )

    def body(work: str) -> StageOutput:
        partitions = max(1, -(-documents.text_bytes // config.partition_bytes))
        steps = (
            Step("count: units", CountFiles(documents, partitions), len(documents.paths)),
            Step("count: merge", MergeCounts(out, partitions), partitions + 1),
        )
        results = run_job(Job("count", steps, documents.text_bytes), work, options, progress)
        return _summarise(results, out)

    return run_stage(identity, out, body, reads=[*corpus, *documents.paths], overwrite=overwrite)


def _summarise(results: list[dict[str, Any]], out: str) -> StageOutput:
    ledger = Ledger()
    for result in results:
        if "ledger" in result:
            ledger.merge(Ledger.from_json(result["ledger"]))
    infos = [FileInfo.model_validate(result["file"]) for result in results if "file" in result]
    words = [result["words"] for result in results if "words" in result]
    check_counted(ledger, sum(part["bytes"] for part in words))
    letters = next(result["letters"] for result in results if "letters" in result)
    facts = {
        "documents": ledger.documents("in"),
        "distinct units": sum(part["rows"] for part in words),
        "units": sum(part["occurrences"] for part in words),
        "MB of text": round(ledger.bytes("in") / 1e6, 2),
        "distinct letters": letters["rows"],
        "letters": letters["occurrences"],
    }
    return StageOutput(infos, Report("count", ledger, facts, {"Most frequent units": _top(infos, out)}))


def check_counted(ledger: Ledger, num_bytes: int) -> None:
    """Prove that the table holds the corpus: its units are all texts, with one space before each.

    Raises:
        CheckError: bytes were lost or counted twice.
    """
    expected = ledger.bytes(IN) + ledger.documents(IN)
    if num_bytes != expected:
        raise CheckError(
            f"the word table must hold {expected} bytes of text. Got {num_bytes}.",
            hint="this is a defect of malmoi, not of your data: please report it",
        )


def _top(infos: list[FileInfo], out: str, number: int = 20) -> list[dict[str, Any]]:
    """The most frequent units over all partitions: each file starts with its own."""
    rows: list[dict[str, Any]] = []
    for info in infos:
        if info.table == "data":
            for batch in read_batches(files.join(out, info.path)):
                rows += batch.slice(0, number).to_pylist()
                break
    rows.sort(key=lambda row: (-row["count"], row["unit"].encode()))
    return [{"unit": repr(row["unit"]), "count": row["count"]} for row in rows[:number]]
