"""The gates: what must hold for every tokenizer that `expand` publishes. A gate that fails stops the stage.

Their messages name pieces, which are published, and places in texts, never a text: it may be the corpus's.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.contracts.errors import CheckError, UsageError
from tokenizer_lab.counting import encode_units
from tokenizer_lab.gate_texts import FIXED, concatenations, mask_texts, unit_documents, without_hangul
from tokenizer_lab.hangul import SPACE_MARK, letters_of
from tokenizer_lab.model_proto import BYTE, CONTROL, NORMAL, USER_DEFINED, load, load_for_units, lowest_rank_score
from tokenizer_lab.words import Units, Words


def check_rows(base: Any, model: Any) -> None:
    """The base's rows are untouched; new rows are distinct, with finite scores falling in float32, below the base's.

    Raises:
        CheckError: naming the first row that is wrong.
    """
    size = len(base.pieces)
    for index, (old, new) in enumerate(zip(base.pieces, model.pieces, strict=False)):
        if old.SerializeToString() != new.SerializeToString():
            raise CheckError(f"row {index} must be the base's {old.piece!r}. Got {new.piece!r}.")
    occurrences = Counter(piece.piece for piece in model.pieces)
    if twice := [text for text, count in occurrences.items() if count > 1]:
        raise CheckError(f"the piece {twice[0]!r} occurs twice.", hint="rename the reserved row or mask")
    scores = np.array([piece.score for piece in model.pieces[size:] if piece.type == NORMAL], np.float32)
    all_scores = np.append(np.float32(lowest_rank_score(base)), scores)
    if not np.isfinite(all_scores).all() or not (np.diff(all_scores) < 0).all():
        raise CheckError("scores of new pieces must fall strictly in float32, below the base's lowest.")


def check_closure(base: Any, model: Any) -> dict[str, int]:
    """Every letter of a new piece is a piece, and no piece is dead: each encodes to itself.

    Returns:
        How many pieces were encoded, and how many of them are dead.

    Raises:
        CheckError: naming the letters or pieces.
    """
    size = len(base.pieces)
    normal = {piece.piece for piece in model.pieces if piece.type == NORMAL}
    missing = set().union(*(letters_of(p.piece) for p in model.pieces[size:] if p.type == NORMAL)) - normal
    if missing:
        raise CheckError(f"letters of new pieces must be pieces. Missing: {sorted(missing)[:5]}.")
    # With masks the base's own pieces matter too: `ignore_merges` takes each of them whole.
    masks = any(piece.type == USER_DEFINED for piece in model.pieces)
    ids = [i for i, p in enumerate(model.pieces) if p.type == NORMAL and (masks or i >= size)]
    texts = [model.pieces[i].piece.replace(SPACE_MARK, " ") for i in ids]
    encoded = load_for_units(model).encode(texts, out_type=int)
    if dead := [model.pieces[i].piece for i, row in zip(ids, encoded, strict=True) if row != [i]]:
        raise CheckError(
            f"{len(dead)} pieces are dead, the first is {dead[0]!r}.", hint="with a dead base piece: masks: []"
        )
    return {"pieces encoded alone": len(ids), "dead": len(dead)}


def check_texts(base: Any, model: Any, tokenizer_json: bytes, words: Words) -> dict[str, int]:
    """Compare SentencePiece, tokenizer.json and the base on hard texts.

    The two files encode every text alike; text without Hangul and masks encodes as with the base; every text decodes to
    itself; none gets longer. (Runs of spaces aside: `▁한` takes the last space of a run, as `▁the` does in the base,
    and Mistral has a piece for 16 spaces but none for 15.)

    Returns:
        How many texts were compared.

    Raises:
        CheckError: naming the first text that differs, by its kind and number.
    """
    names = _texts(base, model, words)
    texts = list(names)
    before, after = load(base.SerializeToString()), load(model.SerializeToString())
    old, new = before.encode(texts, out_type=int), after.encode(texts, out_type=int)
    rebuilt = encode_with_json(tokenizer_json, texts)
    for text, base_ids, ids, json_ids in zip(texts, old, new, rebuilt, strict=True):
        if ids != json_ids:
            raise CheckError(f"tokenizer.model and tokenizer.json differ on {names[text]}: {_parting(ids, json_ids)}.")
        if len(ids) > len(base_ids) and "  " not in text:
            raise CheckError(f"{names[text]} got longer: {len(base_ids)} tokens with the base, now {len(ids)}.")
        if (decoded := after.decode(ids)) != text:
            points = [list(map(ord, string)) for string in (text, decoded)]
            raise CheckError(
                f"{names[text]} must decode to itself. Its code points and what came back: {_parting(*points)}."
            )
    masks = [piece.piece for piece in model.pieces if piece.type == USER_DEFINED]
    plain = [text for text in without_hangul(texts) if not any(mask in text for mask in masks)]
    for text, base_ids, ids in zip(plain, before.encode(plain), after.encode(plain), strict=True):
        if ids != base_ids:
            raise CheckError(
                f"text without Hangul must encode as with the base. {names[text]} does not: {_parting(base_ids, ids)}."
            )
    return {"texts compared": len(texts), "texts without Hangul": len(plain)}


def _parting(left: Sequence[int], right: Sequence[int]) -> str:
    """Where two sequences part: the lengths, the first place that differs, and what stands there in each."""
    common = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
    here = [sequence[common] if common < len(sequence) else "the end" for sequence in (left, right)]
    return f"lengths {len(left)} and {len(right)}, at {common} they have {here[0]} and {here[1]}"


def _texts(base: Any, model: Any, words: Words) -> dict[str, str]:
    """Distinct texts, each with what to call it in a message."""
    new = [piece.piece for piece in model.pieces[len(base.pieces) :] if piece.type == NORMAL]
    masks = [piece.piece for piece in model.pieces if piece.type == USER_DEFINED]
    unmatched = [next(p.piece for p in model.pieces if p.type == BYTE)]
    unmatched += [piece.piece for piece in model.pieces[len(base.pieces) :] if piece.type == CONTROL][:2]
    documents = ["".join(units)[1:] for source in (words.korean, words.other) for units in unit_documents(source)]
    documents = [text for text in documents if SPACE_MARK not in text]  # decodes to a space, as with the base
    documents = [text for text in documents if not any(special in text for special in _specials(base))]
    kinds = {
        "fixed text": FIXED,
        "mask text": mask_texts(masks, unmatched),
        "concatenation of new pieces": concatenations(new),
        "document of the corpus's units": documents,
    }
    names: dict[str, str] = {}
    for kind, texts in kinds.items():
        for number, text in enumerate(texts):
            names.setdefault(text, f"{kind} {number} ({len(text)} characters)")
    return names


def _specials(base: Any) -> list[str]:
    """The base's own special tokens: in plain text, Hugging Face takes them for tokens and SentencePiece does not."""
    trainer = base.trainer_spec
    return [trainer.unk_piece, trainer.bos_piece, trainer.eos_piece, trainer.pad_piece]


def encode_with_json(tokenizer_json: bytes, texts: Sequence[str]) -> list[list[int]]:
    """Encode texts, without special tokens, as Hugging Face does.

    Raises:
        UsageError: the tokenizers package is not installed.
    """
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415  # needed by the gates alone
    except ImportError:
        raise UsageError(
            "expand checks tokenizer.json with the package tokenizers.", hint="pip install tokenizers"
        ) from None
    tokenizer = Tokenizer.from_str(tokenizer_json.decode())
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


def check_counting(model: Any, korean: Units) -> int:
    """Counts over units equal counts over documents, token by token, on documents made of the corpus's units.

    Returns:
        How many documents were compared.

    Raises:
        CheckError: the counts differ.
    """
    documents = list(unit_documents(korean))
    whole, by_unit = load(model.SerializeToString()), load_for_units(model)
    for number, units in enumerate(documents):
        direct = np.array(whole.encode("".join(units)[1:], out_type=int))
        tokens = encode_units(by_unit, pa.array(units, pa.large_string()), 1)
        if not np.array_equal(direct, tokens.ids):
            parting = _parting(direct.tolist(), tokens.ids.tolist())
            raise CheckError(
                f"document {number} of {len(units)} units: its tokens differ from those of the units, {parting}."
            )
    return len(documents)
