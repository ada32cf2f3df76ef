"""The shard stage: corpus and tokenizer in, packed training examples out."""

import math
from typing import Any

from malmoi_pipelines.contracts.code import code_of
from malmoi_pipelines.contracts.errors import DefectError
from malmoi_pipelines.contracts.ledger import Ledger
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.progress import SILENT, Progress
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.sources import check_sources_occur
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from malmoi_pipelines.engine.job import Job, Step
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.engine.run import run_job
from malmoi_pipelines.raw.documents import find_documents, known_sources
from malmoi_pipelines.raw.unread import Unread, check_budget
from malmoi_pipelines.shard.config import ShardConfig
from malmoi_pipelines.shard.hf import example_schema, write_dataset_files
from malmoi_pipelines.shard.steps import EncodeFiles, PackShards, Totals
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
        return _summarise(results, out, opened, config, identity.fingerprint)

    return run_stage(identity, out, body, reads=[*corpus, *documents.paths, found.place], overwrite=overwrite)


def _summarise(
    results: list[dict[str, Any]], out: str, tokenizer: Encoder, config: ShardConfig, fingerprint: str
) -> StageOutput:
    unread = Unread.of_results(results)
    ledger, totals = unread.ledger, Totals()
    for result in results:
        if "ledger" in result:
            ledger.merge(Ledger.from_json(result["ledger"]))
            for source, counts in result["sources"].items():
                totals.add(source, **counts)
    check_budget(ledger, unread.problems, config.error_budget)
    check_sources_occur("weights", config.weights, totals.rows)
    infos = [FileInfo.model_validate(result["file"]) for result in results if "file" in result]
    examples = sum(info.rows for info in infos)
    tokens = sum(row["tokens"] for row in totals.rows.values())
    tail = sum(result.get("tail", 0) for result in results)
    check_packed(tokens, examples * config.sequence_length + tail)
    facts = {
        "examples": examples,
        "sequence length": config.sequence_length,
        "tokens": examples * config.sequence_length,
        "new tokens": sum(result.get("new_tokens", 0) for result in results if "file" in result),
        "documents": ledger.documents("in"),
        "documents written": ledger.documents("kept"),
        "copies written": sum(row["copies"] for row in totals.rows.values()),
        "tokens left out at shard ends": tail,
        "vocabulary size": tokenizer.vocab_size,
    }
    rows = [
        {
            "source": source,
            **totals.rows[source],
            "share of tokens": round(totals.rows[source]["tokens"] / max(tokens, 1), 4),
        }
        for source in sorted(totals.rows)
    ]
    infos += write_dataset_files(out, infos, example_schema(tokenizer.dtype), fingerprint)
    report = Report("shard", ledger, facts, {"Mixture": rows, **unread.tables()})
    return StageOutput([*infos, *unread.files], report, tokenizer=tokenizer.fingerprint)


def check_packed(sent: int, packed: int) -> None:
    """Prove that every token that was encoded is in an example or in a counted tail.

    Raises:
        DefectError: tokens were lost or written twice.
    """
    if sent != packed:
        raise DefectError(f"the shards must hold {sent} tokens. Got {packed}.")
