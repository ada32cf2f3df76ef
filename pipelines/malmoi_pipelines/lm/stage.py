"""The stage `lm train`: reference text in, an n-gram language model as an ARPA file out."""

from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow.compute as pc

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.code import code_of
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.progress import SILENT, Progress
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.engine.run import run_job
from malmoi_pipelines.lm.arpa import write_arpa
from malmoi_pipelines.lm.config import LmConfig
from malmoi_pipelines.lm.scoring import ARPA, DESCRIPTION, SENTENCEPIECE, TOKENIZER, LanguageModel, load_scorer
from malmoi_pipelines.lm.sentences import CCNET, EOJEOL, find_sentencepiece, load_tokenizer
from malmoi_pipelines.lm.train import CountingPlan, Trained, train
from malmoi_pipelines.lm.work_files import held_out_path, read_table
from malmoi_pipelines.raw.budget import tell_problems
from malmoi_pipelines.raw.identity import identify
from malmoi_pipelines.raw.inputs import find_inputs
from malmoi_pipelines.raw.tasks import plan_tasks

MAX_HELD_OUT = 4 << 20  # UTF-8 bytes of held-out text that are scored


def train_lm(
    inputs: list[str],
    out: str,
    config: LmConfig,
    options: RunOptions,
    *,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> StageResult:
    """Train a language model on reference text; nothing but blank texts is filtered, so choose it well.

    Args:
        inputs: files, globs, folders, dataset folders, remote URLs, in any order.
        out: the dataset folder to write.
        config: see `LmConfig`.
        options: runner and workers.
        overwrite: replace what is in `out`.
        progress: told how far it is.
    """
    raw = identify(find_inputs(inputs, config.read_options, ignore=config.ignore, source=config.source).files)
    pieces = find_sentencepiece(config.tokenizer)  # its errors are the user's, and come before any work
    if pieces is not None:
        config = config.model_copy(update={"tokenizer": pieces.path})  # in full: workers open it, wherever they stand
    identity = StageIdentity(
        kind="lm",
        stage="lm train",
        inputs={"raw": raw.fingerprint, **({} if pieces is None else {"tokenizer": pieces.fingerprint})},
        config={**config.model_dump(mode="json"), "tokenizer": EOJEOL if pieces is None else SENTENCEPIECE},
        code=code_of(__name__, [*raw.unused_packages, *_unused(config)]),
    )

    def body(work: str) -> StageOutput:
        tasks = tuple(plan_tasks(raw.files, config.task_bytes, config.read_options))
        plan = CountingPlan(tasks, raw.raw_bytes, work, config)
        trained = train(plan, lambda job: run_job(job, work, options, progress))
        infos = [write_arpa(out, ARPA, trained.words, trained.orders)]
        if pieces is not None:
            infos.append(_write(out, TOKENIZER, pieces.data))
        infos.append(_write(out, DESCRIPTION, _describe(config, trained)))
        facts = {**_score_held_out(out, plan), **_facts(trained)}
        report = Report("lm train", trained.ledger, facts, {"N-grams by order": _rows(trained)})
        tell_problems(report, trained.unread, raw.files)
        return StageOutput(infos, report)

    reads = [*inputs, *([] if pieces is None else [pieces.place]), *(file.path for file in raw.files)]
    return run_stage(identity, out, body, reads=reads, overwrite=overwrite)


def _unused(config: LmConfig) -> Iterator[str]:
    """The packages that the settings leave out."""
    if config.tokenizer == EOJEOL:
        yield "sentencepiece"
    if config.normalisation != CCNET:
        yield "regex"


def _write(folder: str, name: str, data: bytes) -> FileInfo:
    files.write_bytes(files.join(folder, name), data)
    return FileInfo.of_file(folder, name)


def _describe(config: LmConfig, trained: Trained) -> bytes:
    """lm.json: what scoring must know, and how the model was made."""
    value = {
        "order": config.order,
        "tokenizer": EOJEOL if config.tokenizer == EOJEOL else SENTENCEPIECE,
        "normalisation": config.normalisation,
        "ngrams": [len(order.log_p) for order in trained.orders],
        "discounts": [list(total.discounts.amounts) for total in trained.totals],
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def _facts(trained: Trained) -> dict[str, Any]:
    return {
        "sentences": trained.sentences,
        "tokens": trained.tokens,
        "distinct words": trained.distinct_words,
        "words of the model": len(trained.words),
        "share of unknown tokens": round(1 - trained.known_tokens / trained.tokens, 4),
    }


def _rows(trained: Trained) -> list[dict[str, Any]]:
    return [
        {
            "order": order,
            "distinct": total.distinct,
            "kept": total.kept,
            **{
                name: round(amount, 4)
                for name, amount in zip(("D1", "D2", "D3+"), total.discounts.amounts, strict=True)
            },
            "discounts": "fallback" if total.discounts.fallback else "of the data",
        }
        for order, total in enumerate(trained.totals, 1)
    ]


def _score_held_out(out: str, plan: CountingPlan) -> dict[str, Any]:
    """How well the model predicts the documents that it did not see, over at most about `MAX_HELD_OUT` of them."""
    config = plan.config
    texts: list[str] = []
    size = 0
    for task in range(len(plan.tasks)):
        column = read_table(held_out_path(plan.work, task))["text"]
        texts += column.to_pylist()
        size += pc.sum(pc.binary_length(column)).as_py() or 0
        if size >= MAX_HELD_OUT:
            break
    if not texts:
        return {}
    scorer = load_scorer(files.join(out, ARPA))
    log10, tokens = LanguageModel(scorer, load_tokenizer(config.tokenizer), config.normalisation).scores(texts)
    perplexity = 10 ** (-float(log10.sum()) / float(tokens.sum()))
    return {"held-out tokens": int(tokens.sum()), "held-out perplexity": round(perplexity, 1)}
