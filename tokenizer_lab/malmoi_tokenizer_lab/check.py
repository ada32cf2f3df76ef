"""`malmoi tokenizer check`: all gates over any tokenizer, ours or not, to the end."""

from collections.abc import Iterator
from typing import Any

import orjson
import xxhash
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.manifest import read_manifest
from malmoi_pipelines.tokenizers.finding import CONFIG_FILE, JSON_FILE, MODEL_FILE, TokenizerFile, find_tokenizer
from malmoi_pipelines.tokenizers.json_spec import first_ids
from malmoi_pipelines.tokenizers.model_proto import CONTROL, first_rows, serialize
from malmoi_pipelines.tokenizers.opening import encoder_of, first_new_id
from malmoi_pipelines.tokenizers.tokenizer_json import JsonEncoder

from malmoi_tokenizer_lab.bases import extendable
from malmoi_tokenizer_lab.beside import COPIED
from malmoi_tokenizer_lab.byte_level import gates as byte_level_gates
from malmoi_tokenizer_lab.byte_level import text_gates as byte_level_texts
from malmoi_tokenizer_lab.byte_level.base import ByteLevelBase, parse_byte_level, read_byte_level
from malmoi_tokenizer_lab.byte_level.extension import Extension
from malmoi_tokenizer_lab.gates.result import GateResult
from malmoi_tokenizer_lab.sentencepiece.gates import NO_BASE, all_gates, named_texts, special_pieces

_LOADED = (MODEL_FILE, CONFIG_FILE, "added_tokens.json", "config.json", *COPIED)
"""The files that transformers may read, besides `tokenizer.json`."""


def check_tokenizer(name: str, base: str | None = None) -> list[GateResult]:
    """Run every gate over a tokenizer.

    Args:
        name: a folder, a file, `default`, or a name of the hub. Of a file alone, what needs the files beside it says
            so.
        base: the base it extends, named likewise. None: what the folder itself tells of its base; gates that need more
            say so.

    Returns:
        One result a gate, whether it failed or not.

    Raises:
        BadInputError: the folder has none, or it cannot be read.
        UsageError: there is nothing of the name, one of a kind that `expand` can neither extend nor make, or a base of
            another kind.
    """
    found = find_tokenizer(name)
    encoder = extendable(encoder_of(found, finds_special=True), found)
    named = find_tokenizer(base) if base is not None else None
    opened = extendable(encoder_of(named, finds_special=True), named) if named is not None else None
    if opened is not None and opened.units != encoder.units:
        raise UsageError(
            f"{name} is of the {encoder.units} kind, and its base {base} of the {opened.units} kind.",
            hint="name the tokenizer that it extends",
        )
    if isinstance(encoder, JsonEncoder):
        known = read_byte_level(named, opened) if named is not None and isinstance(opened, JsonEncoder) else None
        return list(_byte_level_gates(found, encoder, known))
    model = opened.model if opened is not None and not isinstance(opened, JsonEncoder) else None
    return list(_sentencepiece_gates(found, encoder.model, model))


def _sentencepiece_gates(found: TokenizerFile, model: Any, base: Any | None) -> Iterator[GateResult]:
    base = base if base is not None else _own_base(found.folder, model)
    path = files.join(found.folder, JSON_FILE) if found.folder else None
    tokenizer_json = files.read_bytes(path) if path and files.exists(path) else None
    added = _added_tokens(tokenizer_json, path or "") if tokenizer_json is not None else {}
    size = len(base.pieces) if base is not None else 0
    # A base's chat tokens are often no special ones by their flag. Rows of tokenizer.model that no text encodes to are.
    control = {piece.piece for piece in model.pieces if piece.type == CONTROL}
    words = [text for text, is_special in added.items() if not is_special and text not in control]
    specials = [*special_pieces(model), *(text for text in added if text not in words)]
    names = named_texts(size, model, specials=specials, added=words)
    return all_gates(base, model, tokenizer_json, names, files=_loaded_files(found.folder))


def _byte_level_gates(found: TokenizerFile, encoder: JsonEncoder, base: ByteLevelBase | None) -> Iterator[GateResult]:
    first_id = first_new_id(found.folder) if found.folder else None
    if base is not None:
        before = base
    elif first_id is not None:
        before = parse_byte_level(first_ids(encoder.spec, first_id), {}, found.path, first_id)
    else:
        before = read_byte_level(found, encoder)
    extension = Extension(before, orjson.dumps(encoder.spec) if encoder.is_tekken else found.data)
    loaded = _loaded_files(found.folder) if found.folder and not encoder.is_tekken else before.files
    texts = byte_level_texts.text_gates(extension, byte_level_texts.named_texts(extension), loaded)
    if base is not None:
        yield from byte_level_gates.row_gates(extension)
    else:
        yield GateResult("the base's rows are untouched", 0, note=NO_BASE)
    if base is None and first_id is None:
        yield from (_without_base(result) for result in texts)
        return
    yield from byte_level_gates.token_gates(extension)
    yield from texts


def _without_base(result: GateResult) -> GateResult:
    """A gate over a tokenizer that was compared with itself."""
    return GateResult(result.gate, 0, note=NO_BASE) if result.gate.endswith("with the base") else result


def _own_base(folder: str | None, model: Any) -> Any | None:
    """The base of an `expand` folder: the rows before its new tokens, if their digest is that of the base it names."""
    if folder is None or (first_id := first_new_id(folder)) is None:
        return None
    base = first_rows(model, first_id)
    return base if xxhash.xxh3_128_hexdigest(serialize(base)) == read_manifest(folder).inputs.get("base") else None


def _added_tokens(tokenizer_json: bytes, where: str) -> dict[str, bool]:
    """The added tokens of a `tokenizer.json`, and whether each is special."""
    try:
        value = orjson.loads(tokenizer_json)
        return {token["content"]: token["special"] for token in value["added_tokens"] or []}
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise BadInputError(f"{where} is no tokenizer.json: {type(error).__name__} {error}") from None


def _loaded_files(folder: str | None) -> dict[str, bytes] | None:
    if folder is None:
        return None
    paths = {name: files.join(folder, name) for name in _LOADED}
    return {name: files.read_bytes(path) for name, path in paths.items() if files.exists(path)}
