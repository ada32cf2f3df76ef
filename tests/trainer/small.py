"""Small inputs of a training run, written as the other stages write them, and small models."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import torch
from malmoi_pipelines.contracts.files import hash_file
from malmoi_pipelines.contracts.manifest import FileInfo, Manifest, write_manifest
from malmoi_pipelines.contracts.schemas import EXAMPLES, NEW_TOKENS
from malmoi_pipelines.contracts.tables import write_parquet
from malmoi_trainer.config import ModelConfig, TrainConfig
from malmoi_trainer.data.batches import Batch, collate
from malmoi_trainer.data.examples import Rows
from malmoi_trainer.model.freezing import freeze
from malmoi_trainer.model.surgery import NewRows, grow
from malmoi_trainer.model.trainable import TRAINABLE_SETS
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import LlamaConfig, LlamaForCausalLM

LETTERS = "abcdefghijklmnopqrstuvwxyz가나다라마바사아자차카타파하"
BASE = ["<unk>", "<s>", "</s>", "▁", *LETTERS]
BASE_SIZE = len(BASE)
# piece → its spelling by the base; the last one is reserved and has none
NEW = ["▁가나", "다라", "▁가", "ab", "abc", "▁ab", "가나", "<|reserved|>"]
SPACE = BASE.index("▁")
MERGES = [("가", "나"), ("▁", "가나"), ("다", "라"), ("▁", "가"), ("a", "b"), ("ab", "c"), ("▁", "ab")]
VOCAB_SIZE = BASE_SIZE + len(NEW)
SEQUENCE_LENGTH = 32


def spelling(piece: str) -> list[int]:
    return [] if piece.startswith("<|") else [BASE.index(letter) for letter in piece]


NEW_ROWS = NewRows(tuple(tuple(spelling(piece)) for piece in NEW), SPACE)


def small_config(**changes) -> TrainConfig:
    """A run of a second or less."""
    shape = ModelConfig(hidden_size=32, layers=2, heads=2, kv_heads=1, intermediate_size=48, context_length=64)
    values = {"create": shape, "steps": 6, "batch_size": 4, "warmup_steps": 2, "log_every": 2, "learning_rate": 1e-2}
    return TrainConfig(**{**values, "device": "cpu", "cpu_threads": 1, **changes})


def base_model(dtype: torch.dtype = torch.float32, **changes) -> LlamaForCausalLM:
    """A small model with the base's vocabulary."""
    values = {
        "vocab_size": BASE_SIZE,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 64,
        "tie_word_embeddings": False,
        "attn_implementation": "sdpa",
        "initializer_range": 0.2,
    }
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return LlamaForCausalLM(LlamaConfig(**{**values, **changes})).to(dtype).eval()


def grown_model(train_set: str, dtype: torch.dtype = torch.float32) -> LlamaForCausalLM:
    """The small model with its new rows, frozen for a set."""
    model = base_model(dtype)
    grow(model, NEW_ROWS, BASE_SIZE)
    freeze(model, TRAINABLE_SETS[train_set])
    return model


def random_batch(step: int) -> Batch:
    """Any tokens of the whole vocabulary, in two documents an example."""
    ids = np.random.default_rng(step).integers(0, VOCAB_SIZE, (4, 16))
    lengths = [np.array([5, 11], np.int32)] * 4
    return collate(Rows(ids, lengths, (ids >= BASE_SIZE).sum(axis=1, dtype=np.int32)))


def write_tokenizer(folder: Path, new: list[str] = NEW) -> Path:
    """A tokenizer folder; its `tokenizer.model` is only hashed and copied by training."""
    folder.mkdir(parents=True, exist_ok=True)
    vocab = {piece: index for index, piece in enumerate([*BASE, *new])}
    tokenizer = Tokenizer(
        BPE(vocab=vocab, merges=[pair for pair in MERGES if "".join(pair) in vocab], unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    specials = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_bytes(
        orjson.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **specials})
    )
    (folder / "tokenizer.model").write_bytes(f"model of {len(new)} new tokens".encode())
    rows = [
        {
            "id": BASE_SIZE + index,
            "piece": piece,
            "text": piece,
            "score": -10.0 - index,
            "kind": "multi" if spelling(piece) else "reserved",
            "reason": "kept" if spelling(piece) else "reserved",
            "count": 1,
            "raw_count": 1,
            "parents": [],
            "base_ids": spelling(piece),
        }
        for index, piece in enumerate(new)
    ]
    table = write_parquet(
        str(folder), NEW_TOKENS, "new_tokens", pa.Table.from_pylist(rows, NEW_TOKENS.schema).to_batches()
    )
    names = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model")
    infos = [file_info(folder, name) for name in names]
    publish(folder, "tokenizer", [table, *infos], infos[-1].xxh3_128)
    return folder


def publish(folder: Path, kind: str, infos: list[FileInfo], tokenizer: str | None = None) -> None:
    identity = {"kind": kind, "stage": "test", "fingerprint": "f", "inputs": {}, "config": {}, "code": {"stage": ""}}
    write_manifest(str(folder), Manifest(**identity, tokenizer=tokenizer, files=tuple(infos)))


def file_info(folder: Path, name: str, table: str = "", rows: int = 0) -> FileInfo:
    path = folder / name
    return FileInfo(path=name, table=table, rows=rows, bytes=path.stat().st_size, xxh3_128=hash_file(str(path)))


@dataclass(frozen=True)
class Example:
    """A packed example: documents of ids, cut to one length in all."""

    documents: list[list[int]]

    def row(self) -> dict:
        ids = [token for document in self.documents for token in document]
        lengths = [len(document) for document in self.documents]
        return {"input_ids": ids, "lengths": lengths, "n_new": sum(token >= BASE_SIZE for token in ids)}


def write_shards(folder: Path, shards: list[list[Example]], tokenizer: str, wide: bool = False) -> Path:
    """A shards folder of Arrow stream files, two record batches each."""
    schema = EXAMPLES.schema
    if wide:
        schema = schema.set(0, pa.field("input_ids", pa.list_(pa.uint32()), nullable=False))
    (folder / "data").mkdir(parents=True, exist_ok=True)
    infos = []
    for number, examples in enumerate(shards):
        name = f"data/part-{number:05d}.arrow"
        table = pa.Table.from_pylist([example.row() for example in examples], schema)
        with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, schema) as stream:
            for batch in table.to_batches(max_chunksize=max(1, len(examples) // 2)):
                stream.write_batch(batch)
        infos.append(file_info(folder, name, "data", len(examples)))
    publish(folder, "shards", infos, tokenizer)
    return folder


def make_examples(number: int, seed: int = 0, length: int = SEQUENCE_LENGTH) -> list[Example]:
    """Documents that count upwards through a few tokens, old and new: predictable after some steps."""
    random = np.random.default_rng(seed)
    examples = []
    for _ in range(number):
        cut = int(random.integers(1, length))
        starts = random.integers(0, 12, size=2)
        counts = [(start + np.arange(size)) % 12 for start, size in zip(starts, (cut, length - cut), strict=True)]
        examples.append(Example([(VOCAB_SIZE - 12 + count).tolist() for count in counts]))
    return examples


@dataclass(frozen=True)
class Inputs:
    shards: str
    tokenizer: str


def write_inputs(folder: Path, examples: int = 24) -> Inputs:
    tokenizer = write_tokenizer(folder / "tokenizer")
    made = make_examples(examples)
    half = examples // 2
    fingerprint = hash_file(str(tokenizer / "tokenizer.model"))
    shards = write_shards(folder / "shards", [made[:half], made[half:]], fingerprint)
    return Inputs(str(shards), str(tokenizer))
