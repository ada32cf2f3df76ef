"""A path to an encoder."""

import dataclasses
import os

import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.manifest import has_manifest, read_manifest, verify_sizes
from malmoi_pipelines.tokenizers.encoder import Encoder
from malmoi_pipelines.tokenizers.sentencepiece_model import open_model
from malmoi_pipelines.tokenizers.tokenizer_json import open_json

MODEL, JSON = "tokenizer.model", "tokenizer.json"


def open_encoder(path: str) -> Encoder:
    """Open a tokenizer.

    Args:
        path: a folder with a `tokenizer.model` or a `tokenizer.json`, as `malmoi expand` or others write it, or one
            such file under any name. Of a folder with both the model is read: they agree, and SentencePiece is three
            times faster.

    Raises:
        BadInputError: there is none, or it is neither.
    """
    file = _file(path)
    data = files.read_bytes(file)
    opened = open_json if data[:64].lstrip().startswith(b"{") else open_model
    encoder = opened(file, data, xxhash.xxh3_128_hexdigest(data))
    return dataclasses.replace(encoder, first_new=_first_new(os.path.dirname(file) or ".", encoder.vocab_size))


def _file(path: str) -> str:
    if not files.is_folder(path):
        if not files.exists(path):
            raise BadInputError(f"there is no {path}.", hint="give a tokenizer's folder or file")
        return path
    for name in (MODEL, JSON):
        if files.exists(file := files.join(path, name)):
            return file
    raise BadInputError(
        f"there is no {MODEL} and no {JSON} in {path}.",
        hint="give a folder made by `malmoi expand`, or a tokenizer's file",
    )


def _first_new(folder: str, vocab_size: int) -> int:
    """The first id of the tokens that a tokenizer folder says it added."""
    if not has_manifest(folder):
        return vocab_size
    manifest = read_manifest(folder)
    verify_sizes(folder, manifest)
    new = [pq.read_table(files.join(folder, info.path), columns=["id"])["id"] for info in manifest.table_files()]
    return min((pc.min(ids).as_py() for ids in new if len(ids)), default=vocab_size)
