"""The tokens that a tokenizer puts around each text by itself: `<s>` before it, `</s>` after it, both or neither.

An extension must do as its base does: a model that was trained without `<s>` is worse with it. What counts, first to
last: `add_bos_token` and `add_eos_token` of the base's tokenizer_config.json, the post-processor of its tokenizer.json,
and where it has neither, `<s>` before the text, as Llama and Mistral do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.tokenizers.json_spec import token_name
from tokenizers import Tokenizer

_TEXT_ID = 2**32 - 1
"""An id that no vocabulary has: it marks where the text stands."""


@dataclass(frozen=True)
class Affixes:
    """Ids around each text."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()


def read_affixes(post_processor: Any, where: str) -> Affixes:
    """What a post-processor of a `tokenizer.json`, of any kind, puts around a text: it is asked, not parsed.

    Args:
        post_processor: the parsed entry; None: it has none.
        where: the file's name in messages.

    Raises:
        BadInputError: tokenizers cannot read it, or it drops the text.

    >>> read_affixes({"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1]}, "tokenizer.json")
    Affixes(before=(1,), after=(2,))
    """
    value = {
        "version": "1.0",
        "added_tokens": [],
        "post_processor": post_processor,
        "model": {"type": "WordLevel", "vocab": {"a": _TEXT_ID}, "unk_token": "a"},
    }
    try:
        ids = Tokenizer.from_str(orjson.dumps(value).decode()).encode("a").ids
        at = ids.index(_TEXT_ID)
    except Exception as error:  # tokenizers raises plain ones
        raise BadInputError(
            f"{where} has a post_processor that does not work: {type(error).__name__}.",
            hint="compare the file with the one its model was published with",
        ) from None
    return Affixes(tuple(ids[:at]), tuple(ids[at + 1 :]))


def wanted_affixes(model: Any, config: Mapping[str, Any], own: Affixes | None) -> Affixes:
    """What a tokenizer is to put around each text.

    Args:
        model: its SentencePiece model.
        config: its `tokenizer_config.json`; empty: it has none.
        own: what its `tokenizer.json` does; None: it has none.
    """
    bos, eos = role_id(model, config, "bos"), role_id(model, config, "eos")
    own = own or Affixes(before=bos)
    says_bos, says_eos = config.get("add_bos_token"), config.get("add_eos_token")
    return Affixes(
        before=own.before if says_bos is None else bos if says_bos else (),
        after=own.after if says_eos is None else eos if says_eos else (),
    )


def role_id(model: Any, config: Mapping[str, Any], role: str) -> tuple[int, ...]:
    """The id of the bos or eos token, by the config or else by the model; empty if there is none."""
    name = f"{role}_token"
    if name not in config:
        index = getattr(model.trainer_spec, f"{role}_id")
        return (index,) if index >= 0 else ()
    text = token_name(config[name])
    return tuple(index for index, piece in enumerate(model.pieces) if piece.piece == text)


def template(model: Any, affixes: Affixes) -> dict[str, Any] | None:
    """The post-processor that puts `affixes` around each text; None where there are none."""
    names = {index: model.pieces[index].piece for index in (*affixes.before, *affixes.after)}
    if not names:
        return None

    def around(sequence: str, kind: int) -> list[dict[str, Any]]:
        before, after = (
            [{"SpecialToken": {"id": names[index], "type_id": kind}} for index in ids]
            for ids in (affixes.before, affixes.after)
        )
        return [*before, {"Sequence": {"id": sequence, "type_id": kind}}, *after]

    return {
        "type": "TemplateProcessing",
        "single": around("A", 0),
        "pair": around("A", 0) + around("B", 1),
        "special_tokens": {text: {"id": text, "ids": [index], "tokens": [text]} for index, text in names.items()},
    }
