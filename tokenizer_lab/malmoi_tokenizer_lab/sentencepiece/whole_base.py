"""All rows that a base has: those of its model, its added tokens after them, and the rest of its embedding.

The ids after `tokenizer.model` are often taken: by `<pad>`, by the tokens of a chat template (added_tokens.json), by
rows that only fill up the embedding (`vocab_size` of config.json, 32,064 for 32,000 pieces). New ids come after them.
"""

from typing import Any

from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.tokenizers.json_spec import token_name
from malmoi_pipelines.tokenizers.model_proto import CONTROL, Piece, extend

from malmoi_tokenizer_lab.row_names import padding_names
from malmoi_tokenizer_lab.sentencepiece.base_files import BaseFiles

_ROLES = ("bos_token", "eos_token", "unk_token", "pad_token")


def whole_base(model: Any, beside: BaseFiles, where: str) -> Any:
    """The base's model with CONTROL rows for all ids that the base has beyond it.

    Args:
        model: the SentencePiece model of the base.
        beside: the files beside it.
        where: the base's name in messages.

    Raises:
        UsageError: the base's files disagree about an id, leave out an id, or name a token without an id.
    """
    whole = extend(model, _added_rows(model, beside, where))
    names = {piece.piece for piece in whole.pieces}
    padding = padding_names(names, beside.embedding_rows - len(whole.pieces))
    whole = extend(whole, [Piece(name, 0.0, CONTROL) for name in padding])
    _check_special_tokens(whole, beside, where)
    return whole


def _added_rows(model: Any, beside: BaseFiles, where: str) -> list[Piece]:
    """The added tokens after the model's rows, in id order."""
    size, rows = len(model.pieces), {piece.piece: index for index, piece in enumerate(model.pieces)}
    added: list[Piece] = []
    for index, token in sorted((beside.added or {}).items()):
        text = token["content"]
        if index < size and model.pieces[index].piece != text:
            raise UsageError(
                f"{where}: the id {index} is {model.pieces[index].piece!r} in tokenizer.model, and {text!r} among the "
                "added tokens.",
                hint="take the added tokens and tokenizer.model from the same tokenizer",
            )
        if rows.setdefault(text, index) != index:
            raise UsageError(
                f"{where}: the added token {text!r} has the id {index}, and {rows[text]} is {text!r} already.",
                hint="remove one of them from the base's files",
            )
        if index > size + len(added):
            raise UsageError(
                f"{where}: the added token {text!r} has the id {index}, and no token has the id {size + len(added)}.",
                hint="give the ids between them names in added_tokens.json of the base",
            )
        if index >= size:
            added.append(Piece(text, 0.0, CONTROL))
    return added


def _check_special_tokens(model: Any, beside: BaseFiles, where: str) -> None:
    """Check that special tokens have rows: loaders would give the others ids after the last, which new tokens have."""
    config, names = beside.config or {}, {piece.piece for piece in model.pieces}
    for role in _ROLES:
        text = token_name(config.get(role))
        if text is not None and text not in names:
            raise UsageError(
                f"{where}: the {role} {text!r} of tokenizer_config.json has no id.",
                hint="give it one in added_tokens.json of the base",
            )
    around = (*beside.affixes.before, *beside.affixes.after) if beside.affixes else ()
    if around and max(around) >= len(model.pieces):
        raise UsageError(
            f"{where}: tokenizer.json puts the id {max(around)} around each text, and the base has {len(model.pieces)} "
            "rows.",
            hint="take tokenizer.json and tokenizer.model from the same tokenizer",
        )
