"""The extended `tokenizer.json` of a byte-level base: its own file, with entries and merges appended.

New rows, in id order: reserved rows, masks, new tokens, padding rows; the same order as the SentencePiece artefact has.

- Reserved and padding rows are vocabulary that no merge makes, so plain text never encodes to them, as in the
  SentencePiece artefact. As added tokens they would match wherever their name stands, and English text with it would
  encode differently than with the base. A chat template can claim one later: adding a special token of that name
  gives it the id of the row.
- Masks are added tokens that are not special: cut out before anything else, wherever they stand.
- Added tokens enter the vocabulary too, the base's own as well. For the library numbers an added token outside the
  vocabulary by the vocabulary's size, whatever id the file gives it, and that size has grown.
- Ids of the base that have no entry (holes, padded rows of the embedding) are named `<|reserved_N|>` like padding:
  the size of the vocabulary is then the number of rows, which is what `resize_token_embeddings(len(tokenizer))` takes.
"""

from collections.abc import Iterable, Iterator, Sequence

import orjson
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.tokenizers.byte_alphabet import shown, spell
from malmoi_pipelines.tokenizers.finding import CONFIG_FILE

from malmoi_tokenizer_lab.byte_level.base import ByteLevelBase
from malmoi_tokenizer_lab.row_names import padding_names

_MASK_FLAGS = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)


def extended_json(
    base: ByteLevelBase, new: Sequence[bytes], reserved: Sequence[str], masks: Sequence[str], pad_multiple: int
) -> bytes:
    """The `tokenizer.json` of an extended base.

    Everything of the base keeps its place and spelling; merges are spelled as the base spells them, since no reader
    takes a mixture. Indented, as the tokenizers library writes: a base written by it keeps its bytes.

    Args:
        base: the base.
        new: bytes of the new tokens, in the order of their merges.
        reserved: names of rows for special tokens.
        masks: added tokens that match wherever they stand.
        pad_multiple: the number of rows becomes a multiple of it.

    Raises:
        UsageError: a new row's name or bytes are in the base, or occur twice.
    """
    model = base.json["model"]
    added = list(base.json.get("added_tokens") or ())
    vocab = dict(model["vocab"]) | {token["content"]: token["id"] for token in added}
    rows = _new_rows(vocab, (*reserved, *masks, *map(spell, new)), base.size)
    first_token = base.size + len(reserved) + len(masks)
    merges = _spelled(
        new_merges(base, new, first_token), as_texts=bool(model["merges"]) and isinstance(model["merges"][0], str)
    )
    extended = {
        **base.json,
        "added_tokens": [*added, *({"id": rows[mask], "content": mask, **_MASK_FLAGS} for mask in masks)],
        "model": {
            **model,
            "vocab": _every_row(vocab, rows, base.size, pad_multiple),
            "merges": [*model["merges"], *merges],
        },
    }
    return orjson.dumps(extended, option=orjson.OPT_INDENT_2)


def extended_files(base: ByteLevelBase, reserved: Sequence[str], masks: Sequence[str]) -> dict[str, bytes]:
    """The files to write beside the extended `tokenizer.json`: the base's, its config with the masks.

    Some classes of transformers 5 (Qwen2Tokenizer) take vocabulary and merges from `tokenizer.json`, but added tokens
    from `added_tokens_decoder` in the config: where the base lists its own there, the masks must stand there too.
    """
    config = orjson.loads(base.files.get(CONFIG_FILE, b"{}"))
    if not masks or "added_tokens_decoder" not in config:
        return dict(base.files)
    first = base.size + len(reserved)
    config["added_tokens_decoder"] |= {
        str(first + index): {"content": mask, **_MASK_FLAGS} for index, mask in enumerate(masks)
    }
    return {**base.files, CONFIG_FILE: orjson.dumps(config, option=orjson.OPT_INDENT_2) + b"\n"}


def new_merges(base: ByteLevelBase, new: Sequence[bytes], first_id: int) -> Iterator[tuple[bytes, bytes]]:
    """For every new token, in order, all splits into two tokens, ordered by the halves' ids: as the loop counts.

    Args:
        base: the base.
        new: bytes of the new tokens.
        first_id: id of the first of them.
    """
    ids = {token: index for index, token in enumerate(base.tokens) if token}
    ids |= {token: first_id + index for index, token in enumerate(new)}
    for token in new:
        halves = ((token[:cut], token[cut:]) for cut in range(1, len(token)))
        known = [(ids[left], ids[right], left, right) for left, right in halves if left in ids and right in ids]
        yield from ((left, right) for _, _, left, right in sorted(known))


def _spelled(merges: Iterable[tuple[bytes, bytes]], as_texts: bool) -> Iterator[str | list[str]]:
    for left, right in merges:
        pair = [spell(left), spell(right)]
        yield " ".join(pair) if as_texts else pair


def _new_rows(vocab: dict[str, int], names: Sequence[str], first_id: int) -> dict[str, int]:
    """Id of each new row, in order; all are new."""
    rows: dict[str, int] = {}
    for name in names:
        if name in vocab or name in rows:
            raise UsageError(
                f"the new row {shown(name)} is there already, in the base or among the new rows.",
                hint="take it out of `reserved` or `masks`: a token of the base keeps its id",
            )
        rows[name] = first_id + len(rows)
    return rows


def _every_row(vocab: dict[str, int], rows: dict[str, int], base_size: int, pad_multiple: int) -> dict[str, int]:
    """The vocabulary in the base's order, then the rest by id, with a name for every row up to the padded size."""
    used = {*vocab.values(), *rows.values()}
    filled = base_size + len(rows)
    unnamed = [index for index in range(filled + -filled % pad_multiple) if index not in used]
    names = padding_names(vocab.keys() | rows.keys(), len(unnamed))
    padding = dict(zip(names, unnamed, strict=True))
    return vocab | dict(sorted({**rows, **padding}.items(), key=lambda row: row[1]))
