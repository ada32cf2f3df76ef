"""The shard stage: corpus and tokenizer in, packed training examples out."""

import math
from dataclasses import asdict

from malmoi_pipelines.contracts.code import code_of
from malmoi_pipelines.contracts.errors import BadInputError, DefectError
from malmoi_pipelines.contracts.progress import SILENT, Progress
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.result import Result, ledger_of, pick
from malmoi_pipelines.contracts.sources import check_sources_occur
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from malmoi_pipelines.engine.job import Job, Step
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.engine.run import run_job
from malmoi_pipelines.raw.budget import check_read, tell_problems
from malmoi_pipelines.raw.documents import Documents, find_documents, known_sources
from malmoi_pipelines.raw.unread import Unread
from malmoi_pipelines.shard.config import ShardConfig
from malmoi_pipelines.shard.hf import example_schema, write_dataset_files
from malmoi_pipelines.shard.steps import EncodeFiles, PackShards, Sampled, ShardPacked
from malmoi_pipelines.tokenizers.encoder import Encoder
from malmoi_pipelines.tokenizers.finding import find_tokenizer
from malmoi_pipelines.tokenizers.opening import encoder_of


def shard(
    corpus: list[str],
    tokenizer: str,
    out: str,
    config: ShardConfig,
    options: RunOptions,
    *,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> StageResult:
    """Sample, encode and pack a corpus.

    Args:
        corpus: whatever `clean` reads.
        tokenizer: a tokenizer's folder or file, `default`, or a name of the hub.
        out: the dataset folder to write.
        config: see `ShardConfig`.
        options: runner and workers.
        overwrite: replace what is in `out`.
        progress: told how far it is.
    """
    documents = find_documents(corpus, config)
    if (known := known_sources(documents)) is not None:
        check_sources_occur("weights", config.weights, known)
    found = find_tokenizer(tokenizer)
    opened = encoder_of(found)
    identity = StageIdentity(
        kind="shards",
        stage="shard",
        inputs={"corpus": documents.fingerprint, "tokenizer": opened.identity},
        config=config.model_dump(mode="json"),
        code=code_of(__name__, documents.unused_packages),
    )

    def body(work: str) -> StageOutput:
        # A source may be written more than once: shards are planned as if all were the one of most copies.
        most = max([1.0, *config.weights.values()])
        shards = max(1, math.ceil(documents.text_bytes * most / config.shard_bytes))
        steps = (
            Step("shard: encode", EncodeFiles(documents, out, opened, config, shards), len(documents.tasks)),
            Step("shard: pack", PackShards(out, opened, config, shards), shards),
        )
        results = run_job(Job("shard", steps, documents.text_bytes), work, options, progress)
        return _summarise(results, out, documents, opened, config, identity.fingerprint)

    return run_stage(identity, out, body, reads=[*corpus, *documents.paths, found.place], overwrite=overwrite)


def _summarise(
    results: list[Result], out: str, documents: Documents, tokenizer: Encoder, config: ShardConfig, fingerprint: str
) -> StageOutput:
    unread, ledger, total = Unread.total(results), ledger_of(results), Sampled()
    for sampled in pick(results, Sampled):
        for source, written in sampled.sources.items():
            total.add(source, written)
    check_read(unread, ledger, documents.files, config)
    check_sources_occur("weights", config.weights, total.sources)
    packed = pick(results, ShardPacked)
    infos = [shard.file for shard in packed]
    examples = sum(info.rows for info in infos)
    tokens = sum(written.tokens for written in total.sources.values())
    tail = sum(shard.tail for shard in packed)
    check_packed(tokens, examples * config.sequence_length + tail)
    if not examples:
        raise BadInputError(
            f"the corpus gives {tokens:,} tokens in {len(packed):,} shards, of which none holds the "
            f"{config.sequence_length:,} of one example.",
            hint="take more text, or shorter examples: --set sequence_length=N",
        )
    facts = {
        "examples": examples,
        "sequence length": config.sequence_length,
        "tokens": examples * config.sequence_length,
        "new tokens": sum(shard.new_tokens for shard in packed),
        "documents": ledger.documents("in"),
        "documents written": ledger.documents("kept"),
        "copies written": sum(written.copies for written in total.sources.values()),
        "tokens left out at shard ends": tail,
        "vocabulary size": tokenizer.vocab_size,
    }
    rows = [
        {
            "source": source,
            **asdict(written),
            "share of tokens": round(written.tokens / max(tokens, 1), 4),
        }
        for source, written in sorted(total.sources.items())
    ]
    infos += write_dataset_files(out, infos, example_schema(tokenizer.dtype), fingerprint)
    report = Report("shard", ledger, facts, {"Mixture": rows})
    tell_problems(report, unread, documents.files)
    return StageOutput([*infos, *unread.files], report, tokenizer=tokenizer.fingerprint)


def check_packed(sent: int, packed: int) -> None:
    """Prove that every token that was encoded is in an example or in a counted tail.

    Raises:
        DefectError: tokens were lost or written twice.
    """
    if sent != packed:
        raise DefectError(f"the shards must hold {sent} tokens. Got {packed}.")
