"""Which file is meant: the one place that turns what a user names into the file of a tokenizer.

A name is a folder (of `malmoi expand`, of Hugging Face, of Mistral), one file under any name, the word `default`, or a
name of the Hugging Face hub, `owner/name` or `owner/name@revision`. Of a folder the file is the first of

    tokenizer.model     if it is a SentencePiece model (Llama 3's is none)
    tokenizer.json
    tekken*.json        the one there is

A `tokenizer.model` and the `tokenizer.json` beside it agree, and SentencePiece is three times faster.
"""

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import xxhash

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.hub import find_named
from malmoi_pipelines.contracts.manifest import PICTURES, REPORTS
from malmoi_pipelines.tokenizers.model_proto import is_model

MODEL_FILE, JSON_FILE, CONFIG_FILE = "tokenizer.model", "tokenizer.json", "tokenizer_config.json"
TEKKEN_FILES = "tekken*.json"
"""Mistral's models have a `tekken.json`, its package `tekken_*.json`."""

DEFAULT = "default"
"""Names the 32,000-piece model of Mistral-7B v0.1, which SOLAR-10.7B uses unchanged."""

_OF_A_TOKENIZER = ("*.json", "*.jinja", "*.parquet", MODEL_FILE, "README.md", *REPORTS, f"{PICTURES}/*")
"""What is fetched from the hub: a tokenizer's files, and all of a folder that `malmoi expand` wrote."""


@dataclass(frozen=True)
class TokenizerFile:
    """The one file that a tokenizer is read from."""

    name: str
    """What the user called it."""
    path: str
    """In full: workers read it, whatever folder they stand in."""
    folder: str | None
    """The folder that was named, with all that lies beside the file; None: the file alone was named."""
    data: bytes

    @property
    def place(self) -> str:
        """What was named, in full: the folder, or the file."""
        return self.folder or self.path

    @property
    def is_json(self) -> bool:
        """Whether its content is a `tokenizer.json` or a Tekken file; if not, it can only be a SentencePiece model."""
        return self.data[:64].lstrip().startswith((b"{", b"["))

    @cached_property
    def fingerprint(self) -> str:
        """The xxh3-128 of the file."""
        return xxhash.xxh3_128_hexdigest(self.data)


def find_tokenizer(name: str) -> TokenizerFile:
    """Find the file of a tokenizer.

    Args:
        name: see above; a local path may be relative, or start with `~`.

    Raises:
        BadInputError: there is nothing in the folder that is a tokenizer.
        UsageError: there is nothing of that name, the folder has several, or `default` needs a package that is not
            installed.
    """
    path = locate(name)
    if not files.is_folder(path):
        return TokenizerFile(name, path, None, files.read_bytes(path))
    for file in _in_folder(path):
        data = files.read_bytes(file)
        if not file.endswith(MODEL_FILE) or is_model(data):
            return TokenizerFile(name, file, path, data)
    if files.exists(files.join(path, MODEL_FILE)):
        raise BadInputError(f"{files.join(path, MODEL_FILE)} is not a SentencePiece model.", hint=_HINT)
    raise BadInputError(f"there is no {MODEL_FILE}, {JSON_FILE} or {TEKKEN_FILES} in {name}.", hint=_HINT)


_HINT = "name a folder of `malmoi expand` or Hugging Face, or a tokenizer's file"


def locate(name: str) -> str:
    """The folder or file that a name stands for: a local path in full, or a URL.

    Raises:
        UsageError: there is nothing of that name, or `default` needs a package that is not installed.
    """
    return _default_model() if name == DEFAULT else find_named(name, _OF_A_TOKENIZER, _HINT)


def _in_folder(folder: str) -> Iterator[str]:
    """The files of a folder that may be the tokenizer, the best first.

    Raises:
        UsageError: it has several Tekken files.
    """
    for name in (MODEL_FILE, JSON_FILE):
        if files.exists(path := files.join(folder, name)):
            yield path
    found = files.glob(files.join(folder, TEKKEN_FILES))
    if len(found) > 1:
        raise UsageError(f"{folder} holds {len(found)} files {TEKKEN_FILES}.", hint=f"name one of them: {found[0]}")
    yield from found


def _default_model() -> str:
    spec = importlib.util.find_spec("mistral_common")
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            "no base tokenizer: mistral-common, which holds the default one, is not installed.",
            hint="pip install mistral-common, or name another tokenizer",
        )
    return os.path.join(spec.submodule_search_locations[0], "data", "tokenizer.model.v1")
