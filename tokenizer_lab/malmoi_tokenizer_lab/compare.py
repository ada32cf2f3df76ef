"""The stage `tokenizer compare`: any number of tokenizers measured side by side on word tables; it writes a report."""

from collections.abc import Mapping, Sequence
from typing import Any

from malmoi_pipelines.contracts.code import code_of
from malmoi_pipelines.contracts.config import Config
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.fingerprint import fingerprint, fingerprint_files
from malmoi_pipelines.contracts.progress import SILENT, Progress
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.schemas import COMPARISON, HELD_OUT, WORDS
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from malmoi_pipelines.tokenizers.finding import TokenizerFile
from pydantic import Field

from malmoi_tokenizer_lab.evaluate.evaluation import Evaluation, evaluate, unused_packages
from malmoi_tokenizer_lab.evaluate.parallel import pair_files, read_pairs
from malmoi_tokenizer_lab.evaluate.reading import common_units, inexact, read_subjects, read_tokenizers
from malmoi_tokenizer_lab.evaluate.subject import Subject
from malmoi_tokenizer_lab.evaluate.unit_table import UnitTable, read_unit_table
from malmoi_tokenizer_lab.report.report import TOKENIZERS, evaluation_pictures, evaluation_tables
from malmoi_tokenizer_lab.words import check_tables, words_fingerprint

_NOT_IDENTITY = {"parallel", "num_threads"}
"""Settings that do not decide the output: the parallel text counts by its content, and threads change no byte."""


class CompareConfig(Config):
    """What is measured of the tokenizers."""

    weights: dict[str, float] = {}
    """Source → how often it counts in the figures of all sources together. Sources that are not named count once."""
    parallel: str | None = None
    """Parallel text for parity: JSON Lines with `text_ko` and `text_en`, plain or zstd; a file, or a folder of them."""
    morphemes: bool = True
    """Whether to compare with the morphemes of Kiwi, if kiwipiepy is installed."""
    cutoff: int | None = Field(None, ge=1)
    """Least occurrences of a new token, drawn as a line. null: no line."""
    num_threads: int = Field(2, ge=1)
    """Threads to encode with. The output does not depend on it."""


def compare(
    tokenizers: list[str],
    words: list[str],
    out: str,
    config: CompareConfig,
    *,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> StageResult:
    """Measure tokenizers side by side: on the held-out text of word tables if they have any, else on all of it.

    Args:
        tokenizers: folders, files, names of the hub, or `default`; the first is the base that the
            others are compared with. Those whose first ids are the base's are taken for extensions of it.
        words: word tables; equal units are summed.
        out: the folder to write.
        config: all settings.
        overwrite: replace a folder that holds something else.
        progress: told what is being done.

    Returns:
        The finished stage: a folder with `report.json`, `report.md` and `report.html`.

    Raises:
        UsageError: no tokenizer or word table, tables of other units than the tokenizers need, a wrong setting.
        BadInputError: a file that is no tokenizer.
    """
    if not tokenizers or not words:
        missing = "one tokenizer" if not tokenizers else "one word table"
        raise UsageError(f"tokenizer compare needs at least {missing}.", hint="name the base first, then the others")
    found = read_tokenizers(tokenizers)
    subjects = read_subjects(found, config.num_threads)  # its errors come before anything in `out` is replaced
    check_tables(words, common_units(subjects))
    identity = _identity(found, words, config)

    def body(_: str) -> StageOutput:
        return StageOutput(files=[], report=_report(found, subjects, words, config, progress))

    reads = [*(this.place for this in found.values()), *words, *([config.parallel] if config.parallel else [])]
    return run_stage(identity, out, body, reads=reads, overwrite=overwrite)


def _identity(tokenizers: Mapping[str, TokenizerFile], words: list[str], config: CompareConfig) -> StageIdentity:
    parallel = {"parallel": fingerprint_files(pair_files(config.parallel))} if config.parallel else {}
    return StageIdentity(
        kind=COMPARISON.name,
        stage=COMPARISON.stage,
        inputs={
            "words": words_fingerprint(words),
            "tokenizers": fingerprint([(name, this.fingerprint) for name, this in tokenizers.items()]),
            **parallel,
        },
        config=config.model_dump(mode="json", exclude=_NOT_IDENTITY),
        code=code_of(__name__, unused_packages(config.morphemes)),
    )


def _report(
    tokenizers: Mapping[str, TokenizerFile],
    subjects: Sequence[Subject],
    words: list[str],
    config: CompareConfig,
    progress: Progress,
) -> Report:
    with progress.doing("compare: word tables"):
        held_out = read_unit_table(words, HELD_OUT.name, config.weights)
        corpus = None if len(held_out) else read_unit_table(words, WORDS.name, config.weights)
    evaluation = evaluate(
        subjects,
        corpus,
        held_out=held_out,
        cutoff=config.cutoff,
        pairs=read_pairs(config.parallel) if config.parallel else (),
        with_morphemes=config.morphemes,
        progress=progress,
    )
    evaluation.notes += _doubts(subjects, held_out if corpus is None else corpus)
    return Report(
        COMPARISON.stage,
        facts=_facts(tokenizers, subjects, corpus, held_out, evaluation),
        tables=evaluation_tables(evaluation),
        pictures=evaluation_pictures(evaluation, config.cutoff),
        shown=(TOKENIZERS,),
        with_page=True,
    )


def _doubts(subjects: Sequence[Subject], table: UnitTable) -> list[str]:
    reasons = {subject.name: inexact(subject, table) for subject in subjects}
    return [f"exact counts of {name}: {reason}" for name, reason in reasons.items() if reason]


def _facts(
    tokenizers: Mapping[str, TokenizerFile],
    subjects: Sequence[Subject],
    corpus: UnitTable | None,
    held_out: UnitTable,
    evaluation: Evaluation,
) -> dict[str, Any]:
    table = held_out if corpus is None else corpus
    facts: dict[str, Any] = {
        "measured on": "held-out documents" if corpus is None else "the corpus, nothing was held out",
        "distinct units": len(table),
        "sources": len(table.sources),
    }
    for (name, this), subject in zip(tokenizers.items(), subjects, strict=True):
        facts[f"xxh3-128 of {name}"] = this.fingerprint
        facts[f"vocabulary of {name}"] = subject.vocab_size
        facts[f"new Korean tokens of {name}"] = len(evaluation.new_counts.get(name, {}))
    return facts
