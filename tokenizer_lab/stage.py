"""The stage `expand`: word tables in, a folder with the extended tokenizer out.

tokenizer.model, tokenizer.json, tokenizer_config.json     agree bit for bit; `from_pretrained(folder)` loads them
data/new_tokens.parquet                                     one row a new token
rounds/rounds.parquet                                       one row a round of the loop
"""

from dataclasses import asdict

import pyarrow as pa
import xxhash

from pipelines.contracts import files
from pipelines.contracts.errors import UsageError
from pipelines.contracts.fingerprint import code_version
from pipelines.contracts.manifest import FileInfo
from pipelines.contracts.schemas import NEW_TOKENS, ROUNDS, TOKENIZER
from pipelines.contracts.stage import StageIdentity, StageOutput, StageResult, run_stage
from pipelines.contracts.tables import write_parquet
from tokenizer_lab.build import Expansion, Progress, build_tokenizer
from tokenizer_lab.config import ExpandConfig
from tokenizer_lab.hf_export import CONFIG_FILE, TOKENIZER_FILE, tokenizer_config
from tokenizer_lab.model_proto import MODEL_FILE, parse_base, read_model, serialize
from tokenizer_lab.new_tokens import new_token_batch
from tokenizer_lab.report import make_report
from tokenizer_lab.words import read_words, words_fingerprint

_NOT_IDENTITY = {"base", "num_threads"}
"""Settings that do not decide the output: the base counts by its content, and threads change no byte."""


def expand(
    words: list[str],
    out: str,
    config: ExpandConfig,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> StageResult:
    """Extend a tokenizer on one or more word tables.

    Args:
        words: folders of word tables; equal units are summed.
        out: the folder to write.
        config: all settings.
        overwrite: replace a folder that holds something else.
        progress: told what is being done, one line at a time.

    Returns:
        The finished stage. `manifest.tokenizer` is the xxh3-128 of `tokenizer.model`.

    Raises:
        UsageError: no word table, a folder of another kind, a base or setting that cannot work.
        CheckError: a gate failed; nothing is published.
    """
    if not words:
        raise UsageError("expand needs at least one word table.", hint="make one with `malmoi count`")
    data = read_model(config.base)
    base = parse_base(data, config.base or "the default base")
    identity = StageIdentity(
        kind=TOKENIZER.name,
        stage=TOKENIZER.stage,
        inputs={"words": words_fingerprint(words), "base": xxhash.xxh3_128_hexdigest(data)},
        config=config.model_dump(mode="json", exclude=_NOT_IDENTITY),
        code_version=code_version("tokenizer_lab"),
    )

    def body(_: str) -> StageOutput:
        table = read_words(words)
        expansion = build_tokenizer(base, table, config, progress or (lambda line: None))
        model = serialize(expansion.model)
        written = _write_tokenizer(out, expansion, model)
        return StageOutput(
            files=[*written, *_write_tables(out, expansion)],
            report=make_report(expansion, table, config),
            tokenizer=xxhash.xxh3_128_hexdigest(model),
        )

    reads = [*words, *([config.base] if config.base is not None else [])]
    return run_stage(identity, out, body, reads=reads, overwrite=overwrite)


def _write_tokenizer(out: str, expansion: Expansion, model: bytes) -> list[FileInfo]:
    contents = {
        MODEL_FILE: model,
        TOKENIZER_FILE: expansion.json,
        CONFIG_FILE: tokenizer_config(expansion.model),
    }
    for name, data in contents.items():
        files.write_bytes(files.join(out, name), data)
    return [FileInfo.of_file(out, name) for name in contents]


def _write_tables(out: str, expansion: Expansion) -> list[FileInfo]:
    rounds = [asdict(this) for this in expansion.fixed_point.rounds]
    columns = [pa.array([row[field.name] for row in rounds], field.type) for field in ROUNDS.schema]
    trace = pa.RecordBatch.from_arrays(columns, schema=ROUNDS.schema)
    return [
        write_parquet(out, NEW_TOKENS, "new_tokens", [new_token_batch(expansion)]),
        write_parquet(out, ROUNDS, "rounds", [trace]),
    ]
