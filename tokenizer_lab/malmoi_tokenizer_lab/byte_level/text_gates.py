"""The gates over texts: the extension agrees with its base, with itself in other loaders, and loses nothing.

Texts come with what to call each in a message (`names`): no message holds a text.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from malmoi_pipelines.contracts.hangul import HANGUL_CLASS
from malmoi_pipelines.tokenizers.byte_alphabet import spell, unspell
from tokenizers import Tokenizer

from malmoi_tokenizer_lab.byte_level.extension import Extension
from malmoi_tokenizer_lab.gates.loaders import TRANSFORMERS_CLASSES, encode_with_transformers, has_transformers
from malmoi_tokenizer_lab.gates.result import GateResult, parting, result_of
from malmoi_tokenizer_lab.gates.texts import FIXED, concatenations, mask_texts, random_texts

Ids = list[int]

_HANGUL = re.compile(f"[{HANGUL_CLASS}]")
_STEP = 40  # of the base's tokens, every 40th stands in random texts: a few thousand


def named_texts(extension: Extension, texts: Iterable[str] = ()) -> dict[str, str]:
    """Distinct texts, each with what to call it in a message."""
    new = [text for text in map(_decoded, extension.tokens) if text]
    old = [text for text in map(_decoded, map(spell, extension.base.tokens[::_STEP])) if text]
    plain = [text for text in old if not _HANGUL.search(text)]
    kinds = {
        "fixed text": FIXED,
        "mask text": mask_texts(list(extension.masks), list(extension.names)[:2]),
        "new token": new,
        "concatenation of new tokens": concatenations(new),
        "concatenation of base tokens": concatenations(plain),
        "random text": random_texts([*new, *old]),
        "text": texts,
    }
    names: dict[str, str] = {}
    for kind, found in kinds.items():
        for number, text in enumerate(found):
            names.setdefault(text, f"{kind} {number} ({len(text)} characters)")
    return names


def _decoded(spelling: str) -> str | None:
    try:
        return (unspell(spelling) or b"").decode()
    except UnicodeDecodeError:  # it ends in the prefix of a letter
        return None


def text_gates(
    extension: Extension, names: Mapping[str, str], files: Mapping[str, bytes] | None = None
) -> Iterator[GateResult]:
    """The gates over texts, `names` being the texts and what to call each."""
    texts = list(names)
    old, new = _encode(extension.before, texts), _encode(extension.after, texts)
    yield from _as_with_base(extension, names, old, new)
    yield _round_trip(extension, names, new)
    yield _single_masks(extension, names, new)
    taken = set(extension.names.values())
    wrong = [
        f"{name} encodes to a reserved row." for name, ids in zip(names.values(), new, strict=True) if taken & {*ids}
    ]
    yield result_of("reserved rows never come from text", len(texts), wrong)
    for loader in TRANSFORMERS_CLASSES if files is not None else ():
        yield _transformers(loader, {**(files or {}), "tokenizer.json": extension.data}, names, new, extension)


def _normal_form(tokenizer: Tokenizer) -> Callable[[str], str]:
    return tokenizer.normalizer.normalize_str if tokenizer.normalizer else str


def _encode(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Ids]:
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


def _as_with_base(
    extension: Extension, names: Mapping[str, str], old: Sequence[Ids], new: Sequence[Ids]
) -> Iterator[GateResult]:
    """Text without Hangul and masks encodes as with the base, and no text gets longer."""
    normal_form = _normal_form(extension.before)  # NFC makes letters of jamo, NFKC of more
    plain, changed, longer = 0, [], []
    for (text, name), before, after in zip(names.items(), old, new, strict=True):
        if not _HANGUL.search(normal_form(text)) and not any(mask in text for mask in extension.masks):
            plain += 1
            if before != after:
                changed.append(
                    f"text without Hangul must be as with the base. {name} is not: {parting(before, after)}."
                )
        if len(after) > len(before):
            longer.append(f"{name} got longer: {len(before)} tokens with the base, now {len(after)}.")
    yield result_of("text without Hangul is as with the base", plain, changed)
    yield result_of("no text is longer than with the base", len(names), longer)


def _round_trip(extension: Extension, names: Mapping[str, str], new: Sequence[Ids]) -> GateResult:
    """Tokens decode to the text, or to its normal form if the base normalises."""
    decoded = extension.after.decode_batch(list(new), skip_special_tokens=False)
    expected = map(_normal_form(extension.before), names)
    wrong = [
        f"{name} must decode to itself, code point by code point: {parting([*map(ord, text)], [*map(ord, back)])}."
        for name, text, back in zip(names.values(), expected, decoded, strict=True)
        if text != back
    ]
    return result_of("tokens decode to the text", len(names), wrong)


def _single_masks(extension: Extension, names: Mapping[str, str], new: Sequence[Ids]) -> GateResult:
    pattern = re.compile("|".join(map(re.escape, sorted(extension.masks, key=len, reverse=True))) or "(?!)")
    masks = set(extension.masks.values())
    wrong = [
        f"{name} holds {len(pattern.findall(text))} masks, which must be one token each."
        for (text, name), ids in zip(names.items(), new, strict=True)
        if [i for i in ids if i in masks] != [extension.masks[mask] for mask in pattern.findall(text)]
    ]
    return result_of("masks are single tokens", sum(1 for text in names if pattern.search(text)), wrong)


def _transformers(
    loader: str, files: Mapping[str, bytes], names: Mapping[str, str], ids: Sequence[Ids], extension: Extension
) -> GateResult:
    gate = f"tokenizer.json = {loader}"
    if not has_transformers():
        return GateResult(gate, 0, note="transformers is not installed")
    try:
        rows, found = encode_with_transformers(loader, files, list(names))
    except Exception as error:  # whatever it is, the folder cannot be used
        return GateResult(gate, len(names), len(names), f"{loader} cannot load the folder: {type(error).__name__}.")
    wrong = [
        f"tokenizer.json and {loader} differ on {name}: {parting(left, right)}."
        for name, left, right in zip(names.values(), ids, found, strict=True)
        if left != right
    ]
    if rows != len(extension.json["model"]["vocab"]):
        wrong.insert(0, f"{loader} makes {rows} tokens of the {len(extension.json['model']['vocab'])} rows.")
    return result_of(gate, len(names), wrong, hint="the class in tokenizer_config.json may rebuild the tokenizer")
