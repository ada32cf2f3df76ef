"""The stage `count tokens`: word tables and a tokenizer in, how often each of its tokens occurs out."""

from collections import Counter

import numpy as np
import numpy.typing as npt

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.code import code_of
from malmoi_pipelines.contracts.manifest import open_dataset
from malmoi_pipelines.contracts.progress import SILENT, Progress
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.result import pick
from malmoi_pipelines.contracts.schemas import HELD_OUT, TOKEN_COUNTS, TOKENS
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from malmoi_pipelines.contracts.tables import read_batches, read_table
from malmoi_pipelines.count_tokens.config import CountTokensConfig
from malmoi_pipelines.count_tokens.exactness import SeenParts, check_controls, check_hidden, check_tokenizer
from malmoi_pipelines.count_tokens.steps import Encoded, EncodeUnits, PartEncoded, SumCounts, TokensWritten
from malmoi_pipelines.count_tokens.summary import check_counted, summarise
from malmoi_pipelines.count_tokens.words import WordTables, open_words, read_sources
from malmoi_pipelines.engine.job import Job, Step
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.engine.run import run_job
from malmoi_pipelines.tokenizers.encoder import Encoder
from malmoi_pipelines.tokenizers.finding import find_tokenizer
from malmoi_pipelines.tokenizers.opening import encoder_of


def count_tokens(
    words: list[str],
    tokenizer: str,
    out: str,
    config: CountTokensConfig,
    options: RunOptions,
    *,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> StageResult:
    """Count the tokens of a corpus over its word table: as encoding every document would, token by token.

    Args:
        words: word tables made by `malmoi count`; they add up.
        tokenizer: a tokenizer's folder or file, `default`, or a name of the hub.
        out: the dataset folder to write.
        config: see `CountTokensConfig`.
        options: runner and workers.
        overwrite: replace what is in `out`.
        progress: told how far it is.

    Raises:
        UsageError: the tokenizer needs word tables of another kind of units.
        CheckError: the counts would not be exact.
    """
    tables, found = open_words(words, config.table), find_tokenizer(tokenizer)
    encoder = encoder_of(found)
    check_tokenizer(encoder, tables.folders[0], tables.units)
    identity = StageIdentity(
        kind=TOKEN_COUNTS.name,
        stage=TOKEN_COUNTS.stage,
        inputs={"words": tables.fingerprint, "tokenizer": encoder.fingerprint},
        config=config.model_dump(mode="json"),
        code=code_of(__name__),
    )

    def body(work: str) -> StageOutput:
        steps = (
            Step("count tokens: encode", EncodeUnits(tables.parts, encoder, tables.units), len(tables.parts)),
            Step("count tokens: sum", SumCounts(out, encoder), 1),
        )
        results = run_job(Job("count tokens", steps, tables.stored_bytes), work, options, progress)
        [written] = pick(results, TokensWritten)
        counts = _read_counts(files.join(out, written.file.path))
        report = _checked_report(pick(results, PartEncoded), tables, encoder, counts, config)
        return StageOutput([written.file], report, tokenizer=encoder.fingerprint)

    return run_stage(identity, out, body, reads=[*words, found.place], overwrite=overwrite)


def read_token_counts(folder: str) -> npt.NDArray[np.int64]:
    """How often each id occurs, by what `count_tokens` wrote; shape [vocab_size].

    Raises:
        BadInputError: the folder holds something else.
    """
    open_dataset(folder, TOKEN_COUNTS)
    table = read_table(folder, TOKENS, columns=["id", "count"])
    return _dense(table["id"].to_numpy(), table["count"].to_numpy())


def _read_counts(path: str) -> npt.NDArray[np.int64]:
    (batch,) = read_batches(path, columns=["id", "count"])
    return _dense(batch.column("id").to_numpy(), batch.column("count").to_numpy())


def _dense(ids: npt.NDArray[np.int32], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Counts by id; no token may have some of the ids."""
    dense = np.zeros(int(ids[-1]) + 1, np.int64)
    dense[ids] = counts
    return dense


def _checked_report(
    parts: list[PartEncoded],
    tables: WordTables,
    encoder: Encoder,
    counts: npt.NDArray[np.int64],
    config: CountTokensConfig,
) -> Report:
    """Check what only all tasks together show, and report."""
    seen = SeenParts.of(encoder, tables.units)
    sources, names = read_sources(tables, held_out=config.table == HELD_OUT.name)
    total = Encoded()
    tokens: Counter[str] = Counter()
    for part in parts:
        seen.merge(part.seen)
        total.merge(part.encoded)
        tokens.update({names[part.table][number]: found for number, found in part.encoded.sources.items()})
    check_controls(encoder, {control for part in parts for control in part.controls})
    hidden = seen.possible()
    if config.hidden_tokens == "refuse":
        check_hidden(encoder, hidden)
    check_counted(total, tables.rows, counts, encoder.spellings(), tokens)
    report = summarise(encoder, counts, total, sources, tokens)
    report.facts["added tokens counted as text"] = ", ".join(hidden) or "none"
    return report
