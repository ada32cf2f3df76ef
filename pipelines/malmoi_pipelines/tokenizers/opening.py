"""A name to an encoder."""

import dataclasses
import os

import orjson

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.json_files import read_object
from malmoi_pipelines.contracts.manifest import MANIFEST, has_manifest, read_manifest
from malmoi_pipelines.contracts.schemas import NEW_TOKENS, TOKENIZER
from malmoi_pipelines.contracts.tables import read_table
from malmoi_pipelines.tokenizers.encoder import Encoder
from malmoi_pipelines.tokenizers.finding import CONFIG_FILE, TokenizerFile, find_tokenizer
from malmoi_pipelines.tokenizers.sentencepiece_model import sentencepiece_encoder
from malmoi_pipelines.tokenizers.tokenizer_json import json_encoder


def open_encoder(name: str, *, finds_special: bool = False) -> Encoder:
    """Open a tokenizer.

    Args:
        name: a folder, a file under any name, `default`, or a name of the hub (see `finding`).
        finds_special: whether the text of a special token encodes to it, as in transformers: for comparison with it.

    Raises:
        BadInputError: the folder has none, or the file is of no format that is known.
        UsageError: there is nothing of that name, a folder with several, or a package is not installed.
    """
    return encoder_of(find_tokenizer(name), finds_special=finds_special)


def encoder_of(found: TokenizerFile, *, finds_special: bool = False) -> Encoder:
    """The encoder of a tokenizer's file: of a SentencePiece model, a `tokenizer.json` or a Tekken file, by its content.

    BOS, EOS and new tokens are also looked up in what lies beside the file, whether its folder was named or not.

    Raises:
        BadInputError: it is neither.
    """
    beside = os.path.dirname(found.path) or "."
    if found.is_json:
        path = files.join(beside, CONFIG_FILE)
        config = read_object(path) if files.exists(path) else {}
        encoder: Encoder = json_encoder(found.path, found.data, found.fingerprint, config, finds_special=finds_special)
    else:
        encoder = sentencepiece_encoder(found.path, found.data, found.fingerprint)
    first = first_new_id(beside)
    return encoder if first is None else dataclasses.replace(encoder, first_new=first)


def first_new_id(folder: str) -> int | None:
    """The first id that a folder of `malmoi expand` added; None of another, or if it added none.

    Raises:
        BadInputError: the folder is one of malmoi's, of another version.
        CheckError: files of it were changed since.
    """
    if not has_manifest(folder) or not _is_ours(folder) or read_manifest(folder).kind != TOKENIZER.name:
        return None
    ids: list[int] = read_table(folder, NEW_TOKENS, ["id"])["id"].to_pylist()
    return min(ids, default=None)


def _is_ours(folder: str) -> bool:
    """Whether a folder's manifest is one of malmoi's, of whatever version: other tools write such a file, too.

    One that is no JSON is taken for ours: reading it then says that it is damaged, instead of calling no token new.
    """
    try:
        value = orjson.loads(files.read_bytes(files.join(folder, MANIFEST)))
    except orjson.JSONDecodeError:
        return True
    return isinstance(value, dict) and {"kind", "schema_version"} <= value.keys()
