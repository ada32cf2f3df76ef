"""Pre-tokens: the pieces into which a byte-level base cuts text before any merging, counted from the units of a corpus.

The cutting itself is done by the tokenizers library, so it is the base's own by construction. What makes it fast is
that units of one *shape* are cut alike (see `shapes`): a corpus has few shapes, and only these are cut. Units
with an added token's name in them go through the whole of the library one by one.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from malmoi_pipelines.contracts.arrays import I64, Bool, text_buffers
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.tokenizers.byte_alphabet import CHARACTERS
from malmoi_pipelines.tokenizers.json_spec import pre_tokenizers
from tokenizers import AddedToken, Tokenizer

from malmoi_tokenizer_lab.byte_level.base import ByteLevelBase
from malmoi_tokenizer_lab.byte_level.shapes import Blindness, blindness, shapes, strings

_BLOCK = 10_000  # texts the library encodes at once: bounds the memory of its encodings
# NFC and NFKC leave these as they are, whatever stands beside them.
_NORMAL = "^[\x00-\x7f가-힣]*$"


def pre_tokens(
    base: ByteLevelBase, units: pa.LargeStringArray, counts: I64, masks: Sequence[str] = ()
) -> tuple[pa.LargeStringArray, I64, I64]:
    """Cut distinct units into the base's pre-tokens.

    Args:
        base: whose normaliser, added tokens and pre-tokenizer cut.
        units: texts; each is cut as if it were a whole document.
        counts: how often each occurs, shape [units].
        masks: tokens that will be added to the base: they are cut out as its own added tokens are.

    Returns:
        The distinct pre-tokens ordered by bytes, how often each occurs, and how often each of the base's added tokens
        and then each mask occurs, shape [added tokens + masks]. These are not among the pre-tokens: they are cut out
        before, and merge with nothing.

    Raises:
        BadInputError: the pre-tokenizer drops text.
    """
    light = _light_tokenizer(base, masks)
    names = pa.array([*(token["content"] for token in base.json.get("added_tokens") or ()), *masks], pa.large_string())
    normal, normal_names = _normalised(light, units), _normalised(light, names)
    # Added tokens are found before normalisation or after it, by their kind: the library knows.
    odd = _mentions(names, units) | _mentions(normal_names, normal)
    blind = blindness(pre_tokenizers(base.json))
    first = _cut_by_shape(light, normal.filter(pa.array(~odd)), counts[~odd], blind)
    rest, found = _cut_each(light, units.filter(pa.array(odd)), counts[odd])
    named = np.array([found[light.token_to_id(name)] for name in names.to_pylist()], np.int64)
    return *_summed([first, rest]), named


def _light_tokenizer(base: ByteLevelBase, masks: Iterable[str]) -> Tokenizer:
    """The base with a model of single bytes: it loads at once, and its tokens show where each pre-token ends."""
    parts = {name: base.json.get(name) for name in ("normalizer", "pre_tokenizer")}
    model = {"type": "BPE", "vocab": {CHARACTERS[byte]: byte for byte in range(256)}, "merges": []}
    value: dict[str, Any] = {
        "version": "1.0",
        "added_tokens": [],
        **parts,
        "post_processor": None,
        "decoder": None,
        "model": model,
    }
    tokenizer = Tokenizer.from_buffer(orjson.dumps(value))
    tokenizer.add_tokens([_added_token(token) for token in base.json.get("added_tokens") or ()])
    tokenizer.add_tokens([AddedToken(mask, normalized=False) for mask in masks])
    return tokenizer


def _added_token(token: dict[str, Any]) -> AddedToken:
    """An added token with the flags that a `tokenizer.json` gives it."""
    flags = {name: token[name] for name in ("single_word", "lstrip", "rstrip", "normalized", "special")}
    return AddedToken(token["content"], **flags)


def _mentions(names: pa.LargeStringArray, units: pa.LargeStringArray) -> Bool:
    """Whether an added token's name occurs in each unit."""
    pattern = "|".join(map(re.escape, sorted(set(names.to_pylist()))))
    if not pattern:
        return np.zeros(len(units), bool)
    return pc.match_substring_regex(units, pattern).to_numpy(zero_copy_only=False)


def _normalised(light: Tokenizer, units: pa.LargeStringArray) -> pa.LargeStringArray:
    """Units in the base's normal form."""
    if light.normalizer is None:
        return units
    open_ = pc.invert(pc.match_substring_regex(units, _NORMAL))
    changed = [light.normalizer.normalize_str(text) for text in units.filter(open_).to_pylist()]
    return pc.replace_with_mask(units, open_, pa.array(changed, pa.large_string()))


def _cut_by_shape(light: Tokenizer, units: pa.LargeStringArray, counts: I64, blind: Blindness) -> pa.Table:
    """Cut one unit of each shape, and all others at the same bytes."""
    data, _ = text_buffers(units)
    encoded = shapes(units, blind)
    lengths, pieces = _piece_lengths(light, encoded.dictionary)
    firsts = np.cumsum(pieces) - pieces  # where the pieces of each shape begin in `lengths`
    shape = encoded.indices.to_numpy()
    per_unit = pieces[shape]
    within = np.arange(per_unit.sum()) - np.repeat(np.cumsum(per_unit) - per_unit, per_unit)
    ends = np.cumsum(lengths[np.repeat(firsts[shape], per_unit) + within])
    return _counted(strings(data, np.append(0, ends)), np.repeat(counts, per_unit))


def _piece_lengths(light: Tokenizer, texts: pa.LargeStringArray) -> tuple[I64, I64]:
    """Bytes of all pre-tokens of all texts, in order, and how many pre-tokens each text has."""
    lengths: list[int] = []
    pieces: list[int] = []
    for text in texts.to_pylist():
        cut = [len(piece) for piece, _ in light.pre_tokenizer.pre_tokenize_str(text)]  # one character a byte
        lengths += cut
        pieces.append(len(cut))
    if sum(lengths) != (pc.sum(pc.binary_length(texts)).as_py() or 0):
        raise BadInputError("the base's pre-tokenizer drops or changes text: its tokens would not decode to the text.")
    return np.array(lengths, np.int64), np.array(pieces, np.int64)


def _cut_each(light: Tokenizer, units: pa.LargeStringArray, counts: I64) -> tuple[pa.Table, I64]:
    """Cut every unit by the whole of the library: added tokens, normaliser, pre-tokenizer.

    Returns:
        The pre-tokens, and occurrences of each added token by its id in `light`.
    """
    pieces: list[bytes] = []
    repeats: list[int] = []
    found = np.zeros(light.get_vocab_size(with_added_tokens=True), np.int64)
    for start in range(0, len(units), _BLOCK):
        # Not encode_batch_fast: it does not say to which pre-token a token belongs.
        block = light.encode_batch(units[start : start + _BLOCK].to_pylist(), add_special_tokens=False)
        for encoding, count in zip(block, counts[start : start + _BLOCK], strict=True):
            cut = _pieces(encoding.ids, encoding.word_ids)
            pieces += cut
            repeats.append(len(cut))
            for index in encoding.ids:
                if index >= len(CHARACTERS):
                    found[index] += count
    text = pa.array(pieces, pa.large_binary()).cast(pa.large_string())
    return _counted(text, np.repeat(counts, np.array(repeats, np.int64))), found


def _pieces(ids: list[int], words: list[int | None]) -> list[bytes]:
    """The pre-tokens among single-byte tokens; ids from 256 are added tokens."""
    pieces: dict[int | None, list[int]] = {}
    for index, word in zip(ids, words, strict=True):
        if index < len(CHARACTERS):
            pieces.setdefault(word, []).append(index)
    return [bytes(piece) for piece in pieces.values()]


def _counted(texts: pa.LargeStringArray, counts: I64) -> pa.Table:
    return pa.table({"text": texts, "count": pa.array(counts, pa.int64())})


def _summed(tables: list[pa.Table]) -> tuple[pa.LargeStringArray, I64]:
    summed = pa.concat_tables(tables).group_by("text").aggregate([("count", "sum")]).sort_by("text").combine_chunks()
    if not len(summed):
        return pa.array([], pa.large_string()), np.zeros(0, np.int64)
    return summed["text"].chunk(0), summed["count_sum"].to_numpy()
