"""The stage `expand`: word tables in, a folder with the extended tokenizer out.

tokenizer.model (SentencePiece bases), tokenizer.json, tokenizer_config.json, ...    what loads it
README.md                            a model card
data/new_tokens.parquet              one row a new row of the vocabulary
candidates/, rounds/, history/       what the loop did
report.json, report.md, report.html  figures, lists of tokens and plots
"""

import os
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import xxhash
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.code import code_of
from malmoi_pipelines.contracts.errors import DefectError, UsageError
from malmoi_pipelines.contracts.extras import is_installed
from malmoi_pipelines.contracts.fingerprint import fingerprint_files
from malmoi_pipelines.contracts.manifest import FileInfo, open_dataset
from malmoi_pipelines.contracts.progress import SILENT, Progress
from malmoi_pipelines.contracts.schemas import (
    CANDIDATES,
    HELD_OUT,
    HISTORY,
    NEW_TOKENS,
    ROUNDS,
    TOKENIZER,
    WORD_TABLE,
    WORDS,
    Table,
)
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from malmoi_pipelines.contracts.tables import write_parquet
from malmoi_pipelines.contracts.timings import note_timings
from malmoi_pipelines.contracts.word_tables import open_word_tables
from malmoi_pipelines.tokenizers.finding import JSON_FILE, MODEL_FILE

from malmoi_tokenizer_lab.base import Base
from malmoi_tokenizer_lab.bases import open_base
from malmoi_tokenizer_lab.build import Expansion, build_tokenizer
from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_tokenizer_lab.evaluate import (
    Evaluation,
    UnitTable,
    evaluate,
    pair_files,
    read_pairs,
    read_unit_table,
    unused_packages,
)
from malmoi_tokenizer_lab.job_counter import CountJob, JobCounting
from malmoi_tokenizer_lab.loop.curation import Curation, read_curation
from malmoi_tokenizer_lab.report.card import make_card
from malmoi_tokenizer_lab.report.facts import corpus_row, expansion_facts, policy_rows
from malmoi_tokenizer_lab.report.loop_tables import loop_tables
from malmoi_tokenizer_lab.report.report import TOKENIZERS, LoopTables, make_report
from malmoi_tokenizer_lab.words import check_tables, words_fingerprint

CARD = "README.md"

_NOT_IDENTITY = {"base", "num_threads", "allow", "deny", "held_out", "parallel"}
"""Settings that do not decide the output: files count by their content, and threads change no byte."""


def expand(
    words: list[str],
    out: str,
    config: ExpandConfig,
    *,
    overwrite: bool = False,
    progress: Progress = SILENT,
    count_job: CountJob | None = None,
) -> StageResult:
    """Extend a tokenizer on one or more word tables.

    Args:
        words: folders of word tables; equal units are summed.
        out: the folder to write.
        config: all settings.
        overwrite: replace a folder that holds something else.
        progress: told what is being done.
        count_job: counts the tokens in the loop; None: this process does. Which one changes no byte.

    Returns:
        The finished stage. `manifest.tokenizer` is the xxh3-128 of `tokenizer.model`, or of `tokenizer.json` where
        there is none.

    Raises:
        UsageError: no word table, a folder of another kind, a base or setting that cannot work.
        CheckError: a gate failed; nothing is published.
    """
    if not words:
        raise UsageError("expand needs at least one word table.", hint="make one with `malmoi count`")
    base = open_base(config.base)
    config = settings_for(base, config)
    _check_words(words, base, config)
    if count_job is not None:
        _check_job(base, config)
    curation = read_curation(config.allow, config.deny, base.piece_of, base.may_add, base.text_of)

    def body(work: str) -> StageOutput:
        counting = None if count_job is None else JobCounting(base, config, count_job, work)
        expansion, evaluation, facts = _expansion(base, words, config, curation, progress, counting)
        note_timings(work, "loop", _timings(expansion))
        return _write(out, expansion, evaluation, facts, config)

    named = (*words, base.place, config.allow, config.deny, *config.held_out, config.parallel)
    reads = [path for path in named if path]
    return run_stage(_identity(words, base, config), out, body, reads=reads, overwrite=overwrite)


def _check_words(words: list[str], base: Base, config: ExpandConfig) -> None:
    """Check that no word table is named twice, and that text to evaluate on is cut alike and is not among them."""
    check_tables(config.held_out, base.units)
    open_word_tables([*words, *config.held_out])


def _check_job(base: Base, config: ExpandConfig) -> None:
    """Check that a job can count the loop."""
    if config.weights:
        raise UsageError("a job counts every source once.", hint="leave --count-runner or weights out")
    if base.units != "metaspace":
        raise UsageError(
            f"a job cannot count the loop of {base.name}: its eojeol are known in this process only.",
            hint="leave --count-runner out, or use a SentencePiece base",
        )


def _identity(words: list[str], base: Base, config: ExpandConfig) -> StageIdentity:
    return StageIdentity(
        kind=TOKENIZER.name,
        stage=TOKENIZER.stage,
        inputs={"words": words_fingerprint(words), **base.inputs, **_other_inputs(base, config)},
        config=config.model_dump(mode="json", exclude=_NOT_IDENTITY),
        code=code_of(__name__, ("transformers", *unused_packages(config.morphemes))),  # that loads what is finished
    )


def _expansion(
    base: Base,
    words: list[str],
    config: ExpandConfig,
    curation: Curation,
    progress: Progress,
    counting: JobCounting | None,
) -> tuple[Expansion, Evaluation, dict[str, Any]]:
    """The extended tokenizer, how good it is, and the figures of both."""
    with progress.doing("expand: reading words"):
        table = base.read_words(words, config)
    expansion = build_tokenizer(base, table, config, curation, progress, counting)
    evaluation = _evaluate(expansion, words, config, progress)
    if not config.weights:  # with weights the loop rounds each unit's count, the evaluation does not
        _check_length(expansion, evaluation)
    return expansion, evaluation, expansion_facts(expansion, table, config, evaluation)


def settings_for(base: Base, config: ExpandConfig) -> ExpandConfig:
    """The config with the source of its candidates named, and without reserved rows that the base has already.

    Raises:
        UsageError: candidates that do not suit the base, a policy that is to be compared with itself, or a mask that
            the base has already.
    """
    source = config.candidates or base.candidate_sources[0]
    if source not in base.candidate_sources:
        raise UsageError(
            f"candidates = {source!r} does not suit {base.name}: pieces of another training meet a byte-level base's "
            "own merges at odd places.",
            hint=f"use {' or '.join(base.candidate_sources)}, or leave candidates out",
        )
    if config.policy in config.compare or len(set(config.compare)) < len(config.compare):
        raise UsageError(
            f"compare must name other policies than {config.policy!r}, each once. Got {list(config.compare)}."
        )
    if taken := [name for name in config.masks if base.has_row(name)]:
        raise UsageError(f"the base has the mask {taken[0]!r} already.", hint=f"take it out of masks: {config.masks}")
    reserved = tuple(name for name in config.reserved if not base.has_row(name))
    return config.model_copy(update={"candidates": source, "reserved": reserved})


def _other_inputs(base: Base, config: ExpandConfig) -> dict[str, str]:
    """What else decides the bytes: lists, texts, the base's name in the card, libraries that checks and report need."""
    named = {role: [path] for role, path in (("allow", config.allow), ("deny", config.deny)) if path}
    if config.parallel:
        named["parallel"] = pair_files(config.parallel)
    inputs = {role: fingerprint_files(paths) for role, paths in named.items()}
    inputs |= {"name of the base": os.path.basename(base.name.rstrip("/")), "libraries": _libraries(config)}
    return inputs | ({"held out": words_fingerprint(config.held_out)} if config.held_out else {})


def _libraries(config: ExpandConfig) -> str:
    """The optional packages at hand that add to the report; whose version matters, `code_of` knows."""
    wanted = ("transformers", *(("kiwipiepy",) if config.morphemes else ()))
    return ", ".join(filter(is_installed, wanted))


def _evaluate(expansion: Expansion, words: list[str], config: ExpandConfig, progress: Progress) -> Evaluation:
    """The base, the result and the compared policies, on the corpus and on held-out text."""
    return evaluate(
        [expansion.base.subject(), expansion.artefact.subject, *(artefact.subject for _, artefact in expansion.others)],
        read_unit_table(words, weights=config.weights),
        held_out=_held_out(words, config),
        cutoff=expansion.cutoff,
        pairs=read_pairs(config.parallel) if config.parallel else (),
        with_morphemes=config.morphemes,
        progress=progress,
    )


def _check_length(expansion: Expansion, evaluation: Evaluation) -> None:
    """Two ways to the length of the corpus must agree: the loop's, and the published files over the whole word table.

    Raises:
        DefectError: they do not.
    """
    for loop in (expansion.loop, *(loop for loop, _ in expansion.others)):
        counted = loop.fixed_point.rounds[-1].corpus_tokens
        encoded = corpus_row(evaluation, loop.policy)["tokens"]
        if counted != encoded:
            raise DefectError(
                f"{loop.policy}: the loop counted {counted} tokens in the corpus, its tokenizer makes {encoded}."
            )


def _held_out(words: list[str], config: ExpandConfig) -> UnitTable | None:
    if config.held_out:
        return read_unit_table(config.held_out, WORDS.name)
    if any(open_dataset(folder, WORD_TABLE).table_files(HELD_OUT.name) for folder in words):
        return read_unit_table(words, HELD_OUT.name, config.weights)
    return None


def _write(
    out: str, expansion: Expansion, evaluation: Evaluation, facts: dict[str, Any], config: ExpandConfig
) -> StageOutput:
    tables = loop_tables(expansion)
    report = make_report(facts, tables, evaluation, expansion.cutoff)
    gates = {gate.gate: gate.compared for gate in expansion.gates}
    report.tables = {
        "Policies": policy_rows(expansion, evaluation),
        **report.tables,
        "Gates": [gate.row() for gate in expansion.gates],
    }
    card = make_card(
        {
            "base": expansion.base.name,
            "masks": list(config.masks),
            **expansion.artefact.facts,
            **_without_verdict(facts),
        }
        | gates,
        report.tables[TOKENIZERS],
        config.model_dump(mode="json", exclude=_NOT_IDENTITY),
        sentencepiece=MODEL_FILE in expansion.artefact.files,
    )
    contents = {**expansion.artefact.files, CARD: card}
    for name, data in contents.items():
        files.write_bytes(files.join(out, name), data)
    main = expansion.artefact.files.get(MODEL_FILE, expansion.artefact.files.get(JSON_FILE, b""))
    return StageOutput(
        files=[*(FileInfo.of_file(out, name) for name in contents), *_write_tables(out, tables)],
        report=report,
        tokenizer=xxhash.xxh3_128_hexdigest(main),
    )


def _without_verdict(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts for the card, which must not tell how many gates this machine could run."""
    return {name: value for name, value in facts.items() if name != "gates"}


def _timings(expansion: Expansion) -> list[dict[str, float]]:
    """How each round was counted, and how long it took."""
    measured = zip(expansion.loop.fixed_point.recounted, expansion.loop.seconds, strict=True)
    return [
        {"round": number, "units encoded": recounted, "seconds": round(seconds, 3)}
        for number, (recounted, seconds) in enumerate(measured, 1)
    ]


def _write_tables(out: str, tables: LoopTables) -> list[FileInfo]:
    named: Sequence[tuple[Table, str, pa.Table]] = (
        (NEW_TOKENS, "new_tokens", tables.new_tokens),
        (CANDIDATES, "candidates", tables.candidates),
        (ROUNDS, "rounds", tables.rounds),
        (HISTORY, "history", tables.history),
    )
    return [write_parquet(out, schema, name, table.combine_chunks().to_batches()) for schema, name, table in named]
