"""The gates over texts: every library encodes and decodes them alike, and the base's text stays the base's.

Texts come with what to call each in a message (`names`): no message holds a text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from malmoi_pipelines.tokenizers.model_proto import CONTROL, USER_DEFINED, load

from malmoi_tokenizer_lab.gates.loaders import (
    TRANSFORMERS_CLASSES,
    decode_with_json,
    encode_with_json,
    encode_with_transformers,
    has_transformers,
    special_tokens_with_json,
    special_tokens_with_transformers,
)
from malmoi_tokenizer_lab.gates.result import GateResult, parting, result_of
from malmoi_tokenizer_lab.gates.texts import without_hangul
from malmoi_tokenizer_lab.sentencepiece.special_tokens import read_affixes, wanted_affixes
from malmoi_tokenizer_lab.sentencepiece.spm_reference import SpmReference

Ids = list[int]

AROUND = ("", "나라 the", " 두 칸\n")
"""Texts to see special tokens around."""


def same_everywhere(
    model: Any, tokenizer_json: bytes, names: Mapping[str, str], files: Mapping[str, bytes] | None = None
) -> Iterator[GateResult]:
    """Every encoder gives the ids of SentencePiece.

    Args:
        model: the SentencePiece model.
        tokenizer_json: the file beside it.
        names: texts, and what to call each.
        files: the folder that transformers is to load, by name; None: it is not asked.
    """
    texts = list(names)
    ids = load(model.SerializeToString()).encode(texts, out_type=int)
    yield _agreement("tokenizer.json", ids, encode_with_json(tokenizer_json, texts), names)
    yield _llama_cpp(model, ids, names)
    if files is not None:
        for loader in TRANSFORMERS_CLASSES:
            found = {**files, "tokenizer.json": tokenizer_json}
            yield _transformers(loader, found, ids, names, len(model.pieces))


def _transformers(
    loader: str, files: Mapping[str, bytes], ids: Sequence[Ids], names: Mapping[str, str], size: int
) -> GateResult:
    gate = f"SentencePiece = {loader}"
    if not has_transformers():
        return GateResult(gate, 0, note="transformers is not installed")
    try:
        found, rows = encode_with_transformers(loader, files, list(names))
    except Exception as error:  # whatever it is, the folder cannot be used
        return GateResult(gate, len(ids), len(ids), f"{loader} cannot load the folder: {type(error).__name__}.")
    if found != size:
        return GateResult(gate, len(ids), 1, f"{loader} makes {found} tokens of the {size} rows.")
    return _agreement(loader, ids, rows, names)


def _agreement(what: str, ids: Sequence[Ids], others: Sequence[Ids], names: Mapping[str, str]) -> GateResult:
    wrong = [
        f"tokenizer.model and {what} differ on {name}: {parting(left, right)}."
        for name, left, right in zip(names.values(), ids, others, strict=True)
        if left != right
    ]
    return result_of(f"SentencePiece = {what}", len(ids), wrong)


def _llama_cpp(model: Any, ids: Sequence[Ids], names: Mapping[str, str]) -> GateResult:
    """llama.cpp's encoder agrees where no mask stands; it puts a space after each mask, so there it cannot."""
    masks, reference = masks_of(model), SpmReference(model)
    what = "llama.cpp"
    plain = [(text, row) for text, row in zip(names, ids, strict=True) if not any(mask in text for mask in masks)]
    masked = [(text, row) for text, row in zip(names, ids, strict=True) if any(mask in text for mask in masks)]
    result = _agreement(
        what,
        [row for _, row in plain],
        [reference.encode(text) for text, _ in plain],
        {text: names[text] for text, _ in plain},
    )
    others = sum(reference.encode(text) != row for text, row in masked)
    note = f"it puts a space after a mask: {others} of {len(masked)} texts with masks differ" if masked else ""
    return GateResult(result.gate, result.compared, result.failed, result.first, note)


def around_texts(model: Any, tokenizer_json: bytes, files: Mapping[str, bytes]) -> Iterator[GateResult]:
    """The tokens before and after each text are those that the folder's config says, in every library.

    Where the config does not say, they are those of `tokenizer.json`. Ids are compared with the same library's without
    special tokens: what it makes of the text itself is another gate's matter.
    """
    own = read_affixes(orjson.loads(tokenizer_json).get("post_processor"), "tokenizer.json")
    affixes = wanted_affixes(model, _config(files), own)

    def result(what: str, rows: Sequence[tuple[Ids, Ids]]) -> GateResult:
        wrong = [
            f"{what} must put the ids {list(affixes.before)} before each text and {list(affixes.after)} after it, as "
            f"tokenizer_config.json says. Text {number} differs: {parting(expected, whole)}."
            for number, (plain, whole) in enumerate(rows)
            if whole != (expected := [*affixes.before, *plain, *affixes.after])
        ]
        return result_of(f"special tokens of {what} are as the config says", len(rows), wrong)

    yield result("tokenizer.json", special_tokens_with_json(tokenizer_json, AROUND))
    loader = TRANSFORMERS_CLASSES[0]
    if not has_transformers():
        yield GateResult(result(loader, []).gate, 0, note="transformers is not installed")
        return
    try:
        rows = special_tokens_with_transformers(loader, {**files, "tokenizer.json": tokenizer_json}, AROUND)
    except Exception as error:  # as above
        yield GateResult(result(loader, []).gate, 1, 1, f"{loader} cannot load the folder: {type(error).__name__}.")
        return
    yield result(loader, rows)


def _config(files: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        value = orjson.loads(files.get("tokenizer_config.json", b"{}"))
    except orjson.JSONDecodeError:  # then no library loads the folder, and a gate says so
        return {}
    return value if isinstance(value, dict) else {}


def round_trip(model: Any, tokenizer_json: bytes, names: Mapping[str, str]) -> Iterator[GateResult]:
    """Every text decodes to itself, by SentencePiece and by tokenizers from its own ids."""
    texts, processor = list(names), load(model.SerializeToString())
    decoded = {
        "SentencePiece": processor.decode(processor.encode(texts, out_type=int)),
        "tokenizer.json": decode_with_json(tokenizer_json, encode_with_json(tokenizer_json, texts)),
    }
    for what, back in decoded.items():
        wrong = [
            f"{names[text]} must decode to itself. Its code points and what came back: "
            f"{parting(list(map(ord, text)), list(map(ord, other)))}."
            for text, other in zip(texts, back, strict=True)
            if text != other
        ]
        yield result_of(f"{what} decodes to the text", len(texts), wrong)


def fixed_rows_in_text(model: Any, tokenizer_json: bytes, names: Mapping[str, str]) -> Iterator[GateResult]:
    """Masks are one token wherever they stand; reserved rows never come from plain text."""
    rows = {piece.piece: i for i, piece in enumerate(model.pieces) if piece.type == USER_DEFINED}
    control = {i for i, piece in enumerate(model.pieces) if piece.type == CONTROL}
    pattern = re.compile("|".join(map(re.escape, sorted(rows, key=len, reverse=True))) or "(?!)")
    encoded = encode_with_json(tokenizer_json, list(names))
    wrong = []
    for (text, name), ids in zip(names.items(), encoded, strict=True):
        expected = [rows[match] for match in pattern.findall(text)]
        if [i for i in ids if i in rows.values()] != expected:
            wrong.append(f"{name} holds {len(expected)} masks, which must be one token each.")
    yield result_of("masks are single tokens", sum(1 for text in names if pattern.search(text)), wrong)
    taken = [
        f"{name} encodes to the reserved row {min(control.intersection(ids))}."
        for name, ids in zip(names.values(), encoded, strict=True)
        if control.intersection(ids)
    ]
    yield result_of("reserved rows never come from text", len(names), taken)


def as_with_base(base: Any, model: Any, names: Mapping[str, str]) -> Iterator[GateResult]:
    """Text without Hangul and masks encodes as with the base, and no text gets longer.

    Runs of spaces aside: `▁한` takes the last space of a run, as `▁the` does in the base, and Mistral has a piece for
    16 spaces but none for 15.
    """
    before, after = load(base.SerializeToString()), load(model.SerializeToString())
    texts, masks = list(names), masks_of(model)
    pairs = zip(texts, before.encode(texts, out_type=int), after.encode(texts, out_type=int), strict=True)
    both = {text: (old, new) for text, old, new in pairs}
    plain = [text for text in without_hangul(texts) if not any(mask in text for mask in masks)]
    changed = [
        f"text without Hangul must encode as with the base. {names[text]} does not: {parting(*both[text])}."
        for text in plain
        if both[text][0] != both[text][1]
    ]
    yield result_of("text without Hangul is as with the base", len(plain), changed)
    single = [text for text in texts if "  " not in text]
    longer = [
        f"{names[text]} got longer: {len(both[text][0])} tokens with the base, now {len(both[text][1])}."
        for text in single
        if len(both[text][1]) > len(both[text][0])
    ]
    yield result_of("no text is longer than with the base", len(single), longer)


def masks_of(model: Any) -> list[str]:
    """The masks of a model."""
    return [piece.piece for piece in model.pieces if piece.type == USER_DEFINED]
