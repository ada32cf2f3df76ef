"""Tekken (`tekken_*.json` of mistral-common) as a `tokenizer.json`.

A Tekken file holds the bytes of its tokens by rank, a pattern that cuts text, and special tokens. Its first
`default_vocab_size - default_num_special_tokens` ranks are in use; a token's id is its rank after the special tokens.
It encodes as tiktoken does: a pre-token that is a token is taken whole (`ignore_merges`); else, of all adjacent pairs
whose concatenation is a token, the one of the lowest rank is merged. So its merges are all splits of every token.
"""

import base64
import binascii
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.tokenizers.byte_alphabet import spell

SPECIALS = (
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
)
"""The special tokens of files that do not list their own (versions 3 to 7), by id."""

_BOS = "<s>"
_ROLES = {"unk_token": "<unk>", "bos_token": _BOS, "eos_token": "</s>", "pad_token": "<pad>"}


def is_tekken(value: Any) -> bool:
    """Whether parsed JSON looks like a Tekken file."""
    return isinstance(value, dict) and isinstance(value.get("vocab"), list) and "pattern" in value.get("config", {})


def config_of_tekken() -> bytes:
    """The `tokenizer_config.json`: the class that takes the built file as it is, and the roles of special tokens."""
    value = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **_ROLES}
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def json_of_tekken(value: dict[str, Any], where: str) -> dict[str, Any]:
    """The `tokenizer.json` that encodes as a Tekken file does.

    One thing differs: mistral-common never finds special tokens in plain text, a `tokenizer.json` does (as Mistral's
    own published ones do).

    Raises:
        BadInputError: the file contradicts itself.
    """
    config = value["config"]
    try:
        num_specials, size = config["default_num_special_tokens"], config["default_vocab_size"]
        tokens = [base64.b64decode(row["token_bytes"]) for row in value["vocab"][: size - num_specials]]
    except (KeyError, TypeError, binascii.Error) as error:
        raise BadInputError(f"{where} is not a complete Tekken file: {error!r}") from None
    specials = _special_names(value.get("special_tokens"), num_specials)
    _check_tokens(tokens, specials, size, where)
    vocab = {name: index for index, name in enumerate(specials)}
    spelled = [spell(token) for token in tokens]
    vocab |= {text: num_specials + rank for rank, text in enumerate(spelled)}
    if len(vocab) < size:
        raise BadInputError(f"{where}: a special token is spelled as an ordinary one, or a token occurs twice.")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_special(name, index) for index, name in enumerate(specials)],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": config["pattern"]}, "behavior": "Isolated", "invert": False},
                _BYTE_LEVEL,
            ],
        },
        "post_processor": _post_processor(specials),
        "decoder": _BYTE_LEVEL,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": True,
            "vocab": vocab,
            "merges": [[spelled[left], spelled[right]] for left, right in all_splits(tokens)],
        },
    }


def all_splits(tokens: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Every split of every token into two tokens, as their ranks: tokens by rank, then by the ranks of left and right.

    >>> list(all_splits([b"a", b"b", b"ab", b"ba", b"aba"]))
    [(0, 1), (1, 0), (0, 3), (2, 0)]
    """
    ranks = {token: rank for rank, token in enumerate(tokens)}
    for token in tokens:
        halves = ((token[:cut], token[cut:]) for cut in range(1, len(token)))
        yield from sorted((ranks[left], ranks[right]) for left, right in halves if left in ranks and right in ranks)


def _special_names(listed: list[dict[str, Any]] | None, number: int) -> list[str]:
    """The names by id; those that the file does not name are `<SPECIAL_id>`, as in mistral-common."""
    names = list(SPECIALS) if listed is None else [row["token_str"] for row in sorted(listed, key=lambda x: x["rank"])]
    return names + [f"<SPECIAL_{index}>" for index in range(len(names), number)]


def _check_tokens(tokens: list[bytes], specials: list[str], size: int, where: str) -> None:
    if tokens[:256] != [bytes([byte]) for byte in range(256)]:
        raise BadInputError(f"{where}: its first 256 ranks must be the single bytes, in order.")
    if len(tokens) + len(specials) != size:
        raise BadInputError(f"{where}: {len(tokens)} ranks and {len(specials)} special tokens must make {size}.")


_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def _special(name: str, index: int) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": index, "content": name, **flags, "special": True}


def _post_processor(specials: list[str]) -> dict[str, Any] | None:
    """`<s>` before each text."""
    if _BOS not in specials:
        return None
    first, second = ({"Sequence": {"id": name, "type_id": kind}} for name, kind in (("A", 0), ("B", 1)))
    start = [{"SpecialToken": {"id": _BOS, "type_id": kind}} for kind in (0, 1)]
    return {
        "type": "TemplateProcessing",
        "single": [start[0], first],
        "pair": [start[0], first, start[1], second],
        "special_tokens": {_BOS: {"id": _BOS, "ids": [specials.index(_BOS)], "tokens": [_BOS]}},
    }
