"""A byte-level base: a `tokenizer.json` (Llama 3, Qwen, GPT-2 and their kind) or a Tekken file.

What is refused, with a reason: what would make counts by pre-token inexact, or a text decode to another one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.json_files import read_object
from malmoi_pipelines.tokenizers.byte_alphabet import spell, unspell
from malmoi_pipelines.tokenizers.finding import CONFIG_FILE, TokenizerFile
from malmoi_pipelines.tokenizers.json_spec import Spec, decoders, kind_of, merge_pair, obstacle
from malmoi_pipelines.tokenizers.tekken import config_of_tekken
from malmoi_pipelines.tokenizers.tokenizer_json import JsonEncoder

from malmoi_tokenizer_lab.beside import COPIED, check_type, embedding_rows

_PLAIN_CONFIG = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}


@dataclass(frozen=True, eq=False)
class ByteLevelBase:
    """A byte-level BPE tokenizer, as read."""

    json: dict[str, Any]
    """The tokenizer.json (for Tekken: built from its ranks); never changed."""
    tokens: tuple[bytes, ...]
    """Bytes of each token that merging can make, by id; empty for added tokens and unused ids. Shape [size]."""
    byte_ids: npt.NDArray[np.int32]
    """Id of each single byte. Shape [256]."""
    merges: npt.NDArray[np.int32]
    """Left id, right id, id of the result; first merge first. Shape [merges, 3]."""
    size: int
    """First new id: after all ids of the vocabulary and the added tokens, and after the rows of the model's embedding
    where a config.json lies beside the tokenizer and says how many these are (Qwen has more rows than tokens)."""
    ignore_merges: bool
    """Whether a pre-token that is a token is taken whole, without merging."""
    files: dict[str, bytes]
    """Files that belong to the tokenizer, to copy beside the extension."""


def read_byte_level(found: TokenizerFile, encoder: JsonEncoder) -> ByteLevelBase:
    """Read a byte-level base, and what lies beside it where its folder was named.

    Args:
        found: the file.
        encoder: the file, opened: its tokens can be counted by unit.

    Raises:
        BadInputError: it contradicts itself, or a file beside it is broken.
        UsageError: one that cannot be extended exactly.
    """
    rows = embedding_rows(found.folder) if found.folder else 0
    if encoder.is_tekken:
        return parse_byte_level(encoder.spec, {CONFIG_FILE: config_of_tekken()}, found.path, rows)
    beside = _files_beside(found.folder) if found.folder else {}
    beside.setdefault(CONFIG_FILE, orjson.dumps(_PLAIN_CONFIG, option=orjson.OPT_INDENT_2) + b"\n")
    return parse_byte_level(encoder.spec, beside, found.path, rows)


def _files_beside(folder: str) -> dict[str, bytes]:
    """The files to copy: what stays true for the extension, as vocab.json and merges.txt do not.

    Raises:
        BadInputError: one of them is broken; it would be copied, or noticed only after the loop.
    """
    found = {name: path for name in (CONFIG_FILE, *COPIED) if files.exists(path := files.join(folder, name))}
    for name, path in found.items():
        if name.endswith(".json"):
            check_type(read_object(path), "added_tokens_decoder", dict, path)
    return {name: files.read_bytes(path) for name, path in found.items()}


def parse_byte_level(value: Spec, beside: dict[str, bytes], where: str, rows: int = 0) -> ByteLevelBase:
    """A base from the parsed `tokenizer.json`.

    Args:
        value: the parsed JSON.
        beside: the files to copy.
        where: its name in messages.
        rows: rows of the model's embedding, where known; ids up to it are the base's.

    Raises:
        BadInputError: it contradicts itself.
        UsageError: it is no byte-level BPE, or one that cannot be extended exactly.
    """
    for reason in _reasons_against(value):
        raise UsageError(
            f"{where} is no byte-level base that can be extended exactly: {reason}.",
            hint="pass a tokenizer.json of the byte-level BPE kind (Llama 3, Qwen), or a tekken_*.json; "
            "for a SentencePiece base pass its tokenizer.model",
        )
    vocab: dict[str, int] = value["model"]["vocab"]
    added = {token["content"]: token["id"] for token in value.get("added_tokens") or ()}
    _check_ids(vocab, added, where)
    merges = _merge_ids(value["model"], where)
    size = max(rows, 1 + max((*vocab.values(), *added.values())))
    tokens = _token_bytes(vocab, set(added.values()), merges, size)
    byte_ids = [vocab.get(spell(bytes([byte])), -1) for byte in range(256)]
    if -1 in byte_ids:
        raise BadInputError(
            f"{where} has no token for the byte {byte_ids.index(-1):#04x}: text with it cannot be encoded."
        )
    return ByteLevelBase(
        json=value,
        tokens=tokens,
        byte_ids=np.array(byte_ids, np.int32),
        merges=merges,
        size=size,
        ignore_merges=bool(value["model"].get("ignore_merges")),
        files=beside,
    )


def _reasons_against(spec: Spec) -> Iterator[str]:
    """Why a tokenizer is not of the kind that this package extends; nothing if it is."""
    if kind_of(spec) != "byte-level":
        yield "it is no byte-level BPE"
        return
    if reason := obstacle(spec, "byte-level"):
        yield reason
    if spec["model"].get("byte_fallback"):
        yield "it falls back to bytes, which is SentencePiece's kind"
    for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix"):
        if spec["model"].get(name):
            yield f"it has {name} {spec['model'][name]!r}"
    if not any(part["type"] == "ByteLevel" for part in decoders(spec)):
        yield "its decoder has no ByteLevel part"


def _check_ids(vocab: dict[str, int], added: dict[str, int], where: str) -> None:
    names = {index: text for text, index in added.items()}
    if len(names) < len(added) or len(set(vocab.values())) < len(vocab):
        raise BadInputError(f"{where}: two tokens have the same id.")
    for text, index in vocab.items():
        if names.get(index, text) != text or added.get(text, index) != index:
            raise BadInputError(f"{where}: the vocabulary and the added tokens disagree about the id {index}.")


def _merge_ids(model: dict[str, Any], where: str) -> npt.NDArray[np.int32]:
    """Ids of the merges."""
    vocab = model["vocab"]
    rows = []
    for rank, merge in enumerate(model["merges"]):
        try:
            left, right = merge_pair(merge)
            rows.append((vocab[left], vocab[right], vocab[left + right]))
        except (KeyError, ValueError):
            raise BadInputError(f"{where}: merge {rank} is not of two tokens that make a third: {merge!r}.") from None
    merges = np.array(rows, np.int32).reshape(-1, 3)
    keys = merges[:, 0].astype(np.int64) << 32 | merges[:, 1]
    if len(np.unique(keys)) < len(keys):
        raise BadInputError(f"{where}: a merge occurs twice.")
    return merges


def _token_bytes(vocab: dict[str, int], added: set[int], merges: npt.NDArray[np.int32], size: int) -> tuple[bytes, ...]:
    """The bytes of each token. An added token has none, unless merges make it or use it."""
    names_only = added - set(merges.ravel().tolist())
    tokens = [b""] * size
    for text, index in vocab.items():
        if index not in names_only:
            tokens[index] = unspell(text) or b""
    return tuple(tokens)
