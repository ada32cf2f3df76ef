"""The same tokenizer as a Hugging Face `tokenizer.json`, built here and not by a converter.

Converters go wrong in known ways: transformers 5 rebuilds merges from a `.model` by id and ignores the scores; a Llama
class overwrites the normaliser. Here the merges are, for every piece in score order, all splits whose two halves are in
the vocabulary, ordered by the halves' ids: this rebuilds Mistral's published file exactly.

Masks. As added tokens they would be cut out before normalisation, and a dummy prefix put before each part between them.
So they are ordinary vocabulary: the pre-tokenizer isolates them, and `ignore_merges` maps a part that is a piece to
that piece. For all other parts this changes nothing, since every piece is what merging makes of its own text (the gates
check it). Only byte pieces (`<0x0A>`) and reserved rows are not; a text of theirs is cut after its `<`, where no piece
crosses, so that it never is a part by itself.
"""

import re
from collections.abc import Sequence
from typing import Any

import orjson
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.hangul import SPACE_MARK
from malmoi_pipelines.tokenizers.model_proto import NORMAL, USER_DEFINED, merge_ranks

from malmoi_tokenizer_lab.sentencepiece.base_files import PLAIN_CLASS, BaseFiles, kept_config
from malmoi_tokenizer_lab.sentencepiece.special_tokens import template, wanted_affixes


def all_merges(pieces: Sequence[Any]) -> list[tuple[str, str]]:
    """The merges of a SentencePiece BPE vocabulary, first to last.

    Example: for a, b, c, ab, bc, abc in score order: (a, b), (b, c), then (a, bc) and (ab, c).
    """
    ranks = merge_ranks(pieces)
    ids = {piece.piece: index for index, piece in enumerate(pieces) if piece.type == NORMAL}
    merges = []
    for text in sorted(ranks, key=ranks.__getitem__):
        splits = [(text[:cut], text[cut:]) for cut in range(1, len(text))]
        halves = [(left, right) for left, right in splits if left in ids and right in ids]
        merges += sorted(halves, key=lambda pair: (ids[pair[0]], ids[pair[1]]))
    return merges


def tokenizer_json(model: Any, base_files: BaseFiles | None = None) -> bytes:
    """The `tokenizer.json` of an extended model.

    Args:
        model: the extended SentencePiece model.
        base_files: what lies beside the base's model, for its added tokens, their flags, and what it puts around texts.

    Raises:
        UsageError: the base's pieces do not allow masks.
    """
    base_files = base_files or BaseFiles()
    masks = [piece.piece for piece in model.pieces if piece.type == USER_DEFINED]
    added = {index: _added_token(text, index) for text, index in _special_ids(model).items()}
    added.update({index: dict(token) for index, token in (base_files.added or {}).items()})
    value = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added[index] for index in sorted(added)],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": SPACE_MARK},
                {"type": "Replace", "pattern": {"String": " "}, "content": SPACE_MARK},
            ],
        },
        "pre_tokenizer": _pre_tokenizer(model, masks) if masks else None,
        "post_processor": template(model, wanted_affixes(model, base_files.config or {}, base_files.affixes)),
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": SPACE_MARK}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": model.trainer_spec.unk_piece,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": bool(masks),
            "vocab": {piece.piece: index for index, piece in enumerate(model.pieces)},
            "merges": all_merges(model.pieces),
        },
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"


def tokenizer_config(model: Any, base_files: BaseFiles | None = None) -> bytes:
    """The `tokenizer_config.json`: the base's own, or a plain one where it has none.

    The plain one names the class that takes `tokenizer.json` as it is, and the special tokens.
    """
    trainer = model.trainer_spec
    if base_files is not None and base_files.config is not None:
        value = kept_config(base_files, model)
    else:
        value = {"tokenizer_class": PLAIN_CLASS, "clean_up_tokenization_spaces": False}
    value.setdefault("unk_token", trainer.unk_piece)
    for role, index, text in (
        ("bos_token", trainer.bos_id, trainer.bos_piece),
        ("eos_token", trainer.eos_id, trainer.eos_piece),
        ("pad_token", trainer.pad_id, trainer.pad_piece),
    ):
        if index >= 0:
            value.setdefault(role, text)
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def _special_ids(model: Any) -> dict[str, int]:
    """The base's own special tokens. Reserved rows stay out: an added token would match in plain text."""
    trainer = model.trainer_spec
    named = [
        (trainer.unk_piece, trainer.unk_id),
        (trainer.bos_piece, trainer.bos_id),
        (trainer.eos_piece, trainer.eos_id),
        (trainer.pad_piece, trainer.pad_id),
    ]
    return {text: index for text, index in named if index >= 0}


def _added_token(text: str, index: int) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": index, "content": text, **flags, "special": True}


def _pre_tokenizer(model: Any, masks: list[str]) -> dict[str, Any]:
    """Isolate the masks, and cut the texts of byte pieces and reserved rows after their `<`."""
    if crossing := [p.piece for p in model.pieces if p.type == NORMAL and re.search(r"<0|<\|", p.piece)]:
        raise UsageError(
            f"masks cannot be reserved with a base that has the piece {crossing[0]!r}.",
            hint="pass masks: [] in the config",
        )
    names = "|".join(re.escape(mask[1:]) for mask in sorted(masks))
    return {
        "type": "Sequence",
        "pretokenizers": [
            _split("|".join(re.escape(mask) for mask in sorted(masks))),
            _split(rf"(?<=<)(?=0x[0-9A-F]{{2}}>|\|)(?!{names})"),
        ],
    }


def _split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
