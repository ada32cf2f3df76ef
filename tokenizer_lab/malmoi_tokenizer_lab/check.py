"""`malmoi tokenizer check`: all gates over any tokenizer folder, ours or not, to the end."""

from collections.abc import Iterator
from typing import Any

import orjson
import xxhash
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.manifest import has_manifest, read_manifest
from malmoi_pipelines.contracts.schemas import NEW_TOKENS, TOKENIZER
from malmoi_pipelines.contracts.tables import read_table
from malmoi_pipelines.tokenizers.model_proto import (
    CONTROL,
    MODEL_FILE,
    first_rows,
    parse_model,
    read_model,
    serialize,
)

from malmoi_tokenizer_lab.byte_level import gates as byte_level_gates
from malmoi_tokenizer_lab.byte_level import text_gates as byte_level_texts
from malmoi_tokenizer_lab.byte_level.base import parse_byte_level, read_byte_level
from malmoi_tokenizer_lab.byte_level.extension import Extension
from malmoi_tokenizer_lab.folder_tokenizer import ByteLevelFolder
from malmoi_tokenizer_lab.gates.result import GateResult
from malmoi_tokenizer_lab.sentencepiece.base_files import CONFIG_FILE, COPIED, TOKENIZER_FILE
from malmoi_tokenizer_lab.sentencepiece.gates import NO_BASE, named_texts, row_gates, special_pieces, text_gates

DEFAULT_BASE = "default"
"""Names the base that `expand` extends by default."""

_LOADED = (MODEL_FILE, CONFIG_FILE, "added_tokens.json", "config.json", *COPIED)
"""The files that transformers may read, besides `tokenizer.json`."""


def check_tokenizer(folder: str, base: str | None = None) -> list[GateResult]:
    """Run every gate over a tokenizer folder.

    Args:
        folder: a folder with `tokenizer.model`, `tokenizer.json` or both.
        base: the base it extends: a file, a folder, or `default`. None: what the folder itself tells of its base; gates
            that need more say so.

    Returns:
        One result a gate, whether it failed or not.

    Raises:
        UsageError: no folder, or no tokenizer of a known kind in it.
        BadInputError: files that cannot be read.
    """
    if not files.is_folder(folder):
        raise UsageError(f"{folder} is no folder.", hint="name a folder with tokenizer.model or tokenizer.json")
    found = {name: files.exists(files.join(folder, name)) for name in (MODEL_FILE, TOKENIZER_FILE)}
    if found[MODEL_FILE]:
        return list(_sentencepiece_gates(folder, base))
    if found[TOKENIZER_FILE]:
        return list(_byte_level_gates(folder, base))
    raise UsageError(f"{folder} has neither {MODEL_FILE} nor {TOKENIZER_FILE}.", hint="name a tokenizer's folder")


def _sentencepiece_gates(folder: str, base_path: str | None) -> Iterator[GateResult]:
    model = parse_model(read_model(folder), files.join(folder, MODEL_FILE))
    if base_path is None:
        base = _own_base(folder, model)
    else:
        base = parse_model(read_model(None if base_path == DEFAULT_BASE else base_path), base_path)
    path = files.join(folder, TOKENIZER_FILE)
    tokenizer_json = files.read_bytes(path) if files.exists(path) else None
    added = _added_tokens(tokenizer_json, path) if tokenizer_json is not None else {}
    yield from row_gates(base, model, tokenizer_json)
    if tokenizer_json is None:
        yield GateResult("SentencePiece = tokenizer.json", 0, note=f"there is no {TOKENIZER_FILE}")
        return
    size = len(base.pieces) if base is not None else 0
    # A base's chat tokens are often no special ones by their flag. Rows of tokenizer.model that no text encodes to are.
    control = {piece.piece for piece in model.pieces if piece.type == CONTROL}
    words = [text for text, is_special in added.items() if not is_special and text not in control]
    specials = [*special_pieces(model), *(text for text in added if text not in words)]
    names = named_texts(size, model, specials=specials, added=words)
    yield from text_gates(base, model, tokenizer_json, names, _loaded_files(folder))


def _byte_level_gates(folder: str, base_path: str | None) -> Iterator[GateResult]:
    path = files.join(folder, TOKENIZER_FILE)
    data, first_id = files.read_bytes(path), _first_new_id(folder)
    if base_path is not None:
        base = read_byte_level(base_path)
    elif first_id is not None:
        base = parse_byte_level(ByteLevelFolder(orjson.loads(data)).base(first_id).json, {}, path, first_id)
    else:
        base = read_byte_level(folder)
    extension = Extension(base, data)
    texts = byte_level_texts.text_gates(extension, byte_level_texts.named_texts(extension), _loaded_files(folder))
    if base_path is not None:
        yield from byte_level_gates.row_gates(extension)
    else:
        yield GateResult("the base's rows are untouched", 0, note=NO_BASE)
    if base_path is None and first_id is None:
        yield from (_without_base(result) for result in texts)
        return
    yield from byte_level_gates.token_gates(extension)
    yield from texts


def _without_base(result: GateResult) -> GateResult:
    """A gate over a tokenizer that was compared with itself."""
    return GateResult(result.gate, 0, note=NO_BASE) if result.gate.endswith("with the base") else result


def _own_base(folder: str, model: Any) -> Any | None:
    """The base of an `expand` folder: the rows before its new tokens, if their digest is that of the base it names."""
    if (first_id := _first_new_id(folder)) is None:
        return None
    base = first_rows(model, first_id)
    return base if xxhash.xxh3_128_hexdigest(serialize(base)) == read_manifest(folder).inputs.get("base") else None


def _first_new_id(folder: str) -> int | None:
    """The first new id of an `expand` folder; None of another, or if it adds none."""
    if not has_manifest(folder):
        return None
    try:
        kind = read_manifest(folder).kind
    except BadInputError:  # of another tool, or of another version: a tokenizer like any other
        return None
    if kind != TOKENIZER.name:
        return None
    ids: list[int] = read_table(folder, NEW_TOKENS, ["id"])["id"].to_pylist()
    return ids[0] if ids else None


def _added_tokens(tokenizer_json: bytes, where: str) -> dict[str, bool]:
    """The added tokens of a `tokenizer.json`, and whether each is special."""
    try:
        value = orjson.loads(tokenizer_json)
        return {token["content"]: token["special"] for token in value["added_tokens"] or []}
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise BadInputError(f"{where} is no tokenizer.json: {type(error).__name__} {error}") from None


def _loaded_files(folder: str) -> dict[str, bytes]:
    paths = {name: files.join(folder, name) for name in _LOADED}
    return {name: files.read_bytes(path) for name, path in paths.items() if files.exists(path)}
