"""A base extended by hand, without the loop: what gates, exports and `explain` are tested on."""

import pyarrow as pa
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.code import Code
from malmoi_pipelines.contracts.fingerprint import fingerprint
from malmoi_pipelines.contracts.hangul import letters_of
from malmoi_pipelines.contracts.manifest import Manifest, write_manifest
from malmoi_pipelines.contracts.tables import write_parquet
from malmoi_pipelines.tokenizers.finding import MODEL_FILE
from malmoi_pipelines.tokenizers.model_proto import CONTROL, USER_DEFINED, Piece, extend, scores_below, serialize
from malmoi_tokenizer_lab.sentencepiece.tokenizer_json import tokenizer_config, tokenizer_json

from tests.tokenizer_lab.small import MASKS

RESERVED = ("<|im_end|>", "<|im_start|>")
MULTIS = (
    "하다",
    "한국",
    "▁한국",
    "합니",
    "합니다",
    "나라",
    "▁나라",
    "으로",
    "영화",
    "▁영화",
    "에서",
    "우리",
    "우리나라",
    "ㅋㅋ",
    "ㅋㅋㅋㅋ",
)


def new_pieces(base, multis=MULTIS):
    """Multis, then the letters they need, none of them in the base."""
    have = {piece.piece for piece in base.pieces}
    letters = sorted(set().union(*map(letters_of, multis)) - have)
    return [piece for piece in multis if piece not in have] + letters


def extended(base, multis=MULTIS, *, masks=MASKS, reserved=RESERVED, scores=None):
    """The extended model. `scores`: of the new pieces, by default as `expand` gives them."""
    new = new_pieces(base, multis)
    fixed = [Piece(text, 0.0, CONTROL) for text in reserved] + [Piece(text, 0.0, USER_DEFINED) for text in masks]
    return extend(base, [*fixed, *map(Piece, new, scores or scores_below(base, len(new)))])


def write_tokenizer(folder, model, base_files=None, **others):
    """A tokenizer's folder; `others`: more files, a dot in their names as `__`."""
    contents = {
        MODEL_FILE: serialize(model),
        "tokenizer.json": tokenizer_json(model, base_files),
        "tokenizer_config.json": tokenizer_config(model, base_files),
        **{name.replace("__", "."): data for name, data in others.items()},
    }
    for name, data in contents.items():
        files.write_bytes(f"{folder}/{name}", data)
    return str(folder)


def write_tables(folder, kind, tables, *, inputs=(), config=()):
    """A dataset folder of hand-written tables: table → rows as dictionaries."""
    infos = []
    for table, rows in tables.items():
        columns = [pa.array([row[field.name] for row in rows], field.type) for field in table.schema]
        batch = pa.RecordBatch.from_arrays(columns, schema=table.schema)
        infos.append(write_parquet(folder, table, table.name, [batch]))
    manifest = Manifest(
        kind=kind.name,
        stage=kind.stage,
        fingerprint=fingerprint(folder),
        inputs=dict(inputs),
        config=dict(config),
        code=Code(stage=""),
        files=tuple(infos),
    )
    write_manifest(folder, manifest)
    return folder
