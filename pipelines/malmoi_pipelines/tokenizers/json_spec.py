"""What a `tokenizer.json` says of itself: its kind, its special tokens, and what would make counts by unit inexact.

Two kinds can be counted. Byte-level tokenizers (GPT-2, Llama-3, Qwen) cut text by a regular expression and merge bytes
inside what it cuts. SentencePiece's kind (Llama-2, Mistral) puts a space mark for each space and merges characters,
with bytes for those that it does not know.
"""

from collections.abc import Sequence
from typing import Any, Literal

from malmoi_pipelines.contracts.hangul import SPACE_MARK
from malmoi_pipelines.contracts.unit_kind import UnitKind

Spec = dict[str, Any]

NormalForm = Literal["NFC", "NFKC"]

NORMAL_FORMS: tuple[NormalForm, ...] = ("NFC", "NFKC")
"""Normalisers that leave Hangul syllables whole; the other forms take them apart."""


def normalisers(spec: Spec) -> list[Spec]:
    """The normalisers in their order."""
    return _flat(spec.get("normalizer"), "normalizers")


def pre_tokenizers(spec: Spec) -> list[Spec]:
    """The pre-tokenizers in their order."""
    return _flat(spec.get("pre_tokenizer"), "pretokenizers")


def decoders(spec: Spec) -> list[Spec]:
    """The decoders in their order."""
    return _flat(spec.get("decoder"), "decoders")


def _flat(part: Spec | None, children: str) -> list[Spec]:
    if part is None:
        return []
    if part["type"] != "Sequence":
        return [part]
    return [inner for child in part[children] for inner in _flat(child, children)]


def kind_of(spec: Spec) -> UnitKind | None:
    """The kind of units that a tokenizer's tokens can be counted in: of BPE models, by how they treat spaces.

    >>> kind_of({"model": {"merges": []}, "pre_tokenizer": {"type": "ByteLevel"}})
    'byte-level'
    >>> kind_of({"model": {"type": "BPE"}, "normalizer": {"type": "Prepend", "prepend": "▁"}})
    'metaspace'
    >>> kind_of({"model": {"type": "WordPiece"}}) is None
    True
    """
    if model_type(spec) != "BPE":
        return None
    if any(part["type"] == "ByteLevel" for part in pre_tokenizers(spec)):
        return "byte-level"
    return "metaspace" if _marks_spaces(spec) else None


def model_type(spec: Spec) -> str | None:
    """The type of the model. Old files do not name it; of the types only BPE has merges.

    >>> model_type({"model": {"vocab": {}, "merges": []}}), model_type({"model": {"vocab": {}}})
    ('BPE', None)
    """
    model = spec["model"]
    return model.get("type") or ("BPE" if "merges" in model else None)


def _marks_spaces(spec: Spec) -> bool:
    return any(part["type"] == "Metaspace" for part in pre_tokenizers(spec)) or any(
        SPACE_MARK in (part.get("prepend"), part.get("content")) for part in normalisers(spec)
    )


def obstacle(spec: Spec, kind: UnitKind | None) -> str | None:
    """What would make the encoding of a unit depend on its neighbours; None if nothing (but the vocabulary)."""
    reasons = {
        "an added token takes the spaces or letters around it into account": any(
            token.get(flag) for token in plain_added(spec) for flag in ("lstrip", "rstrip", "single_word")
        ),
        **(_byte_level_reasons(spec) if kind == "byte-level" else _metaspace_reasons(spec)),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _byte_level_reasons(spec: Spec) -> dict[str, bool]:
    return {
        "its normaliser changes text": any(part["type"] not in NORMAL_FORMS for part in normalisers(spec)),
        "it puts a space before a document (add_prefix_space)": any(
            part.get("add_prefix_space") for part in pre_tokenizers(spec) if part["type"] == "ByteLevel"
        ),
    }


def _metaspace_reasons(spec: Spec) -> dict[str, bool]:
    model, cuts = spec["model"], pre_tokenizers(spec)
    return {
        "its normaliser changes text": any(
            not (_is_prepend(part) or _is_space_mark(part)) for part in normalisers(spec)
        ),
        "it puts no space before a document": not (
            any(_is_prepend(part) for part in normalisers(spec)) or any(_prepends(part) for part in cuts)
        ),
        "it puts more than one space before a document": any(_is_prepend(part) for part in normalisers(spec))
        and any(_prepends(part) for part in cuts),
        "its pre-tokenizer cuts otherwise than before spaces": any(part["type"] != "Metaspace" for part in cuts),
        # Unknown characters side by side are one <unk>, whatever units they are in.
        "it has no byte fallback": not model.get("byte_fallback"),
        "it looks up whole texts in its vocabulary (ignore_merges)": bool(model.get("ignore_merges")),
        "an added token puts a space before the text after it": bool(plain_added(spec)),
    }


def _is_prepend(part: Spec) -> bool:
    return part["type"] == "Prepend" and part["prepend"] == SPACE_MARK


def _is_space_mark(part: Spec) -> bool:
    return part["type"] == "Replace" and part["pattern"] == {"String": " "} and part["content"] == SPACE_MARK


def _prepends(part: Spec) -> bool:
    """Whether a Metaspace pre-tokenizer puts a space before a document; before 0.15 it was told so otherwise."""
    scheme = part.get("prepend_scheme") or ("always" if part.get("add_prefix_space", True) else "never")
    return part["type"] == "Metaspace" and scheme != "never"


def plain_added(spec: Spec) -> list[Spec]:
    """The added tokens that occur in plain text: special ones do not, text of theirs is text (as in SentencePiece)."""
    return [token for token in spec.get("added_tokens") or [] if not token["special"]]


def normal_form(spec: Spec) -> NormalForm | None:
    """The form of Unicode that text is brought to, NFKC if to several; None: to none."""
    found = {part["type"] for part in normalisers(spec)}
    return next((form for form in reversed(NORMAL_FORMS) if form in found), None)


def first_ids(spec: Spec, size: int) -> Spec:
    """The tokenizer of the ids below `size`: their vocabulary, and the merges that make them."""
    model = spec["model"]
    vocab = {text: index for text, index in model["vocab"].items() if index < size}
    merges = [merge for merge in model["merges"] if "".join(merge_pair(merge)) in vocab]
    added = [token for token in spec.get("added_tokens") or [] if token["id"] < size]
    return {**spec, "added_tokens": added, "model": {**model, "vocab": vocab, "merges": merges}}


def merge_pair(merge: str | Sequence[str]) -> Sequence[str]:
    """The two halves of a merge: a pair, or before tokenizers 0.20 a text with a space between them.

    >>> merge_pair("a b"), merge_pair(["a", "b"])
    (['a', 'b'], ['a', 'b'])
    """
    return merge.split(" ") if isinstance(merge, str) else merge


def without_prefix(spec: Spec) -> Spec:
    """The same tokenizer for the parts of a document: it puts no space before a text."""
    kept = [part for part in normalisers(spec) if not _is_prepend(part)]
    cuts = [
        {**part, "prepend_scheme": "never", "add_prefix_space": False} if part["type"] == "Metaspace" else part
        for part in pre_tokenizers(spec)
    ]
    return {
        **spec,
        "normalizer": {"type": "Sequence", "normalizers": kept} if kept else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": cuts} if cuts else None,
    }


def document_ends(spec: Spec, config: Spec) -> tuple[str | None, str | None]:
    """BOS and EOS: by `tokenizer_config.json`, else what the post-processor puts around a text."""
    before, after = _around(spec)
    bos, eos = (token_name(config.get(role)) for role in ("bos_token", "eos_token"))
    return (before if bos is None else bos), (after if eos is None else eos)


def token_name(token: Any) -> str | None:
    """The text of a special token in a `tokenizer_config.json`, where a mapping may give it flags.

    >>> token_name("<s>"), token_name({"content": "<s>", "lstrip": False}), token_name({}), token_name(None)
    ('<s>', '<s>', None, None)
    """
    return token.get("content") if isinstance(token, dict) else token


def _around(spec: Spec) -> tuple[str | None, str | None]:
    """The special tokens that a template puts right before and right after a single text."""
    for part in _flat(spec.get("post_processor"), "processors"):
        if part["type"] == "TemplateProcessing":
            names = [piece.get("SpecialToken", {}).get("id") for piece in part["single"]]
            text = next(i for i, piece in enumerate(part["single"]) if "Sequence" in piece)
            return (names[text - 1] if text else None), (names[text + 1] if text + 1 < len(names) else None)
    return None, None
