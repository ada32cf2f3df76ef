"""What lies beside a base's `tokenizer.model` and stays: its tokenizer_config, chat template, special tokens.

The class is kept if it takes `tokenizer.json` as it is. transformers 5 rebuilds LlamaTokenizer by its own rules, which
lose a leading space and know no masks; any other class may do likewise. Their folders get PreTrainedTokenizerFast,
which every model type loads, and what the class set by itself is written out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from malmoi_pipelines.contracts import files
from malmoi_pipelines.tokenizers.finding import CONFIG_FILE, DEFAULT, JSON_FILE, TokenizerFile

from malmoi_tokenizer_lab.beside import COPIED, check_type, embedding_rows, read_beside
from malmoi_tokenizer_lab.gates.loaders import REBUILDING_CLASSES, as_llama_class, encode_with_json
from malmoi_tokenizer_lab.sentencepiece.special_tokens import Affixes, read_affixes, role_id, wanted_affixes

PLAIN_CLASS = "PreTrainedTokenizerFast"
FAITHFUL_CLASSES = (PLAIN_CLASS, "TokenizersBackend")
"""Classes that take `tokenizer.json` as it is."""

_OF_ITS_MACHINE = ("auto_map", "name_or_path", "tokenizer_file", "vocab_file", "merges_file", "special_tokens_map_file")
"""Entries that point to files and code which the new folder does not have."""

_LLAMA_DEFAULTS = {"padding_side": "left", "model_input_names": ["input_ids", "attention_mask"]}
"""What the Llama class sets by itself (transformers 4 and 5)."""


@dataclass(frozen=True)
class BaseFiles:
    """The files beside a base's model."""

    config: Mapping[str, Any] | None = None
    """Its `tokenizer_config.json`; None: it has none."""
    copied: Mapping[str, bytes] | None = None
    """The files to copy, by name."""
    added: Mapping[int, Mapping[str, Any]] | None = None
    """Its added tokens as `tokenizer.json` has them, by id: special tokens, mostly."""
    license: str | None = None
    """The licence its README names; None: unknown."""
    affixes: Affixes | None = None
    """What its `tokenizer.json` puts around each text; None: it has none, or it does not say."""
    embedding_rows: int = 0
    """Rows of the model's embedding by its `config.json`; 0: unknown."""

    @property
    def tokenizer_class(self) -> str | None:
        """The class that its config names."""
        return (self.config or {}).get("tokenizer_class")

    @property
    def kept_class(self) -> str:
        """The class of the extended tokenizer."""
        return self.tokenizer_class if self.tokenizer_class in FAITHFUL_CLASSES else PLAIN_CLASS

    @property
    def special_names(self) -> list[str]:
        """Texts of its added tokens: in plain text, Hugging Face takes them for tokens."""
        return sorted(token["content"] for token in (self.added or {}).values())


def read_base_files(found: TokenizerFile) -> BaseFiles:
    """Read what lies in a base's folder; of a bare file, and of the default base, there is nothing.

    Raises:
        BadInputError: a file that is no JSON object, or in which an entry is of another type.
    """
    if (path := found.folder) is None:
        return BaseFiles(license="Apache-2.0, by the package mistral-common" if found.name == DEFAULT else None)
    config = read_beside(path, CONFIG_FILE)
    copied = {name: files.read_bytes(files.join(path, name)) for name in COPIED if files.exists(files.join(path, name))}
    own = read_beside(path, JSON_FILE) or {}
    return BaseFiles(
        config,
        copied,
        _added_tokens(path, own, config or {}),
        _license(path),
        affixes=read_affixes(own["post_processor"], files.join(path, JSON_FILE)) if "post_processor" in own else None,
        embedding_rows=embedding_rows(path),
    )


def _added_tokens(folder: str, own: Mapping[str, Any], config: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    """Added tokens of all places that may name them, the config last: it wins."""
    flags: dict[str, Any] = {**dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False), "special": True}
    found: dict[int, Mapping[str, Any]] = {}
    for text, index in (read_beside(folder, "added_tokens.json") or {}).items():
        found[index] = {"id": index, "content": text, **flags}
    for token in own.get("added_tokens") or []:
        found[token["id"]] = {"id": token["id"], "content": token["content"], **_flags(token, flags)}
    check_type(config, "added_tokens_decoder", dict, files.join(folder, CONFIG_FILE))
    for key, token in (config.get("added_tokens_decoder") or {}).items():
        found[int(key)] = {"id": int(key), "content": token["content"], **_flags(token, flags)}
    return found


def _flags(token: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    return {name: token.get(name, default) for name, default in flags.items()}


def _license(folder: str) -> str | None:
    """The licence of a model card's front matter."""
    path = files.join(folder, "README.md")
    if not files.exists(path):
        return None
    parts = files.read_bytes(path).decode(errors="replace").split("---\n", 2)
    if len(parts) < 3 or parts[0].strip():
        return None
    try:
        front = yaml.safe_load(parts[1])
    except yaml.YAMLError:
        return None
    return str(front["license"]) if isinstance(front, dict) and front.get("license") else None


def kept_config(base: BaseFiles, model: Any) -> dict[str, Any]:
    """The base's config for the extended model: its own entries stay, but for the class and the size."""
    value = {name: entry for name, entry in (base.config or {}).items() if name not in _OF_ITS_MACHINE}
    if base.tokenizer_class in REBUILDING_CLASSES:
        value = {**_LLAMA_DEFAULTS, **value}
    value["tokenizer_class"] = base.kept_class
    value.setdefault("clean_up_tokenization_spaces", False)
    if "vocab_size" in value:
        value["vocab_size"] = len(model.pieces)
    if "add_bos_token" in value or "add_eos_token" in value:
        # Both or neither: transformers 5, where it goes by them at all, takes a missing one for false.
        affixes = wanted_affixes(model, value, base.affixes)
        for role, found in (("bos", affixes.before), ("eos", affixes.after)):
            value[f"add_{role}_token"] = bool(found) and found == role_id(model, value, role)
    return value


def class_facts(base: BaseFiles, tokenizer_json: bytes, texts: Sequence[str]) -> dict[str, Any]:
    """What became of the base's class, and why: for the report and the card.

    Returns:
        The class of the base and of the extension, and, for a class that is known to rebuild the tokenizer, how many
        of `texts` it would encode otherwise. (Emulated without transformers: equal results wherever it runs.)
    """
    facts: dict[str, Any] = {"tokenizer class": base.kept_class}
    if base.tokenizer_class is None:
        return facts
    facts["base's tokenizer class"] = base.tokenizer_class
    if base.tokenizer_class in REBUILDING_CLASSES:
        rebuilt = encode_with_json(as_llama_class(tokenizer_json, base.config or {}), texts)
        pairs = zip(rebuilt, encode_with_json(tokenizer_json, texts), strict=True)
        facts[f"of {len(texts)} texts {base.tokenizer_class} encodes otherwise"] = sum(a != b for a, b in pairs)
    return facts
