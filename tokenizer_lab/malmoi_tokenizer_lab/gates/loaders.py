"""The same tokenizer as other libraries load it: tokenizers from its file, transformers from its folder."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from malmoi_pipelines.contracts import extras
from tokenizers import Tokenizer

TRANSFORMERS_CLASSES = ("AutoTokenizer", "PreTrainedTokenizerFast")
"""Loaders of transformers: by the class that the folder names, and by the one that takes `tokenizer.json` as it is."""

REBUILDING_CLASSES = ("LlamaTokenizer", "LlamaTokenizerFast")
"""Classes that take only vocabulary and merges from `tokenizer.json` and build the rest by their own rules."""


def encode_with_json(tokenizer_json: bytes, texts: Sequence[str]) -> list[list[int]]:
    """Encode texts, without special tokens, as the package tokenizers does."""
    tokenizer = Tokenizer.from_str(tokenizer_json.decode())
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


def decode_with_json(tokenizer_json: bytes, rows: Sequence[Sequence[int]]) -> list[str]:
    """Decode ids as the package tokenizers does."""
    tokenizer = Tokenizer.from_str(tokenizer_json.decode())
    return list(tokenizer.decode_batch([list(row) for row in rows], skip_special_tokens=False))


def has_transformers() -> bool:
    """Whether transformers is installed: it is an optional extra."""
    return extras.is_installed("transformers")


def encode_with_transformers(
    loader: str, files: Mapping[str, bytes], texts: Sequence[str]
) -> tuple[int, list[list[int]]]:
    """Encode texts, without special tokens, with a tokenizer that transformers loads from a folder.

    Args:
        loader: one of `TRANSFORMERS_CLASSES`.
        files: the folder's files by name.
        texts: what to encode.

    Returns:
        The tokens of its vocabulary, and the ids of each text.

    Raises:
        Exception: whatever transformers raises if it cannot load the files.
    """
    tokenizer = _load_with_transformers(loader, files)
    # Its ids are those of its backend, but for texts that it truncates: this is what a user gets.
    rows: list[list[int]] = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    return len(tokenizer), rows


def special_tokens_with_transformers(
    loader: str, files: Mapping[str, bytes], texts: Sequence[str]
) -> list[tuple[list[int], list[int]]]:
    """The ids of each text without and with special tokens, as transformers gives them.

    Raises:
        Exception: whatever transformers raises if it cannot load the files.
    """
    tokenizer = _load_with_transformers(loader, files)
    plain, whole = (tokenizer(list(texts), add_special_tokens=add)["input_ids"] for add in (False, True))
    return list(zip(plain, whole, strict=True))


def special_tokens_with_json(tokenizer_json: bytes, texts: Sequence[str]) -> list[tuple[list[int], list[int]]]:
    """The ids of each text without and with special tokens, as the package tokenizers gives them."""
    tokenizer = Tokenizer.from_str(tokenizer_json.decode())
    return [
        (tokenizer.encode(text, add_special_tokens=False).ids, tokenizer.encode(text, add_special_tokens=True).ids)
        for text in texts
    ]


def _load_with_transformers(loader: str, files: Mapping[str, bytes]) -> Any:
    import transformers  # noqa: PLC0415  # optional, and seconds to import

    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        return getattr(transformers, loader).from_pretrained(folder, local_files_only=True)


def as_llama_class(tokenizer_json: bytes, config: Mapping[str, Any]) -> bytes:
    """The `tokenizer.json` that transformers 5 works with under the class LlamaTokenizer, whatever the file says.

    It drops the normaliser and `ignore_merges`, and puts the space mark only before texts that do not start with one.
    """
    value = orjson.loads(tokenizer_json)
    scheme = "always" if config.get("legacy", False) else "first"
    value["normalizer"] = None
    value["pre_tokenizer"] = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": False}
    value["model"]["ignore_merges"] = False
    return orjson.dumps(value)
