"""The gates over the rows of a SentencePiece model: pieces and scores, no texts.

`base_size` is the number of rows of the base: the later ones are new. 0 where the base is not known: all are looked at.
"""

import itertools
from collections import Counter
from typing import Any

import numpy as np
import orjson
from malmoi_pipelines.contracts.hangul import SPACE_MARK, has_letter
from malmoi_pipelines.tokenizers.model_proto import NORMAL, load_for_units, lowest_rank_score

from malmoi_tokenizer_lab.gates.result import GateResult, result_of


def base_rows(base: Any, model: Any) -> GateResult:
    """The base's rows, first in the model, are untouched: pieces, scores and types."""
    pairs = itertools.zip_longest(base.pieces, model.pieces[: len(base.pieces)])
    wrong = [
        f"row {index} must be the base's {old.piece!r}. Got {repr(new.piece) if new else 'nothing'}."
        for index, (old, new) in enumerate(pairs)
        if new is None or old.SerializeToString() != new.SerializeToString()
    ]
    return result_of("the base's rows are untouched", len(base.pieces), wrong)


def distinct_pieces(model: Any) -> GateResult:
    """No piece occurs twice."""
    occurrences = Counter(piece.piece for piece in model.pieces)
    twice = [f"the piece {text!r} occurs twice." for text, count in occurrences.items() if count > 1]
    return result_of("pieces are distinct", len(model.pieces), twice, hint="rename the reserved row or mask")


def distinct_scores(base_size: int, model: Any) -> GateResult:
    """No new piece shares its float32 score with another piece: a list of merges could not express the tie.

    Runs of spaces are left out: the base's share a sentinel, and no two of them can merge in different orders.
    """
    scored = [(i, p) for i, p in enumerate(model.pieces) if p.type == NORMAL]
    shared = Counter(np.float32(piece.score).item() for _, piece in scored)
    new = [(i, p) for i, p in scored if i >= base_size and p.piece.strip(SPACE_MARK)]
    wrong = [
        f"the score {p.score:g} of {p.piece!r} (id {i}) is that of {shared[np.float32(p.score).item()]} pieces."
        for i, p in new
        if not np.isfinite(p.score) or shared[np.float32(p.score).item()] > 1
    ]
    return result_of("scores are distinct in float32", len(new), wrong, hint="score new pieces lowest rank - 1 - i")


def falling_scores(base: Any, model: Any) -> GateResult:
    """Scores of new pieces are finite and fall with the id in float32, from below the base's lowest rank."""
    new = [(i, p) for i, p in enumerate(model.pieces) if i >= len(base.pieces) and p.type == NORMAL]
    scores = np.array([lowest_rank_score(base), *(piece.score for _, piece in new)], np.float32)
    wrong = np.flatnonzero(~((np.diff(scores) < 0) & np.isfinite(scores[1:])))
    sentences = [
        f"scores of new pieces must fall strictly in float32, below the base's lowest. {new[at][1].piece!r} "
        f"(id {new[at][0]}) has {scores[at + 1]:g} after {scores[at]:g}."
        for at in wrong.tolist()
    ]
    return result_of("scores fall with the id, below the base's", len(new), sentences)


def known_characters(base_size: int, model: Any) -> GateResult:
    """Every character of a new piece is a piece: else SentencePiece merges through it and tokenizers to bytes."""
    normal = {piece.piece for piece in model.pieces if piece.type == NORMAL}
    characters: dict[str, str] = {}
    for piece in model.pieces[base_size:]:
        if piece.type == NORMAL:
            characters.update(dict.fromkeys(piece.piece, piece.piece))
    missing = [
        f"letters of new pieces must be pieces. Missing: {character!r}, of {piece!r}."
        for character, piece in sorted(characters.items())
        if character not in normal
    ]
    return result_of("letters of new pieces are pieces", len(characters), missing)


def no_dead_pieces(base_size: int, model: Any) -> GateResult:
    """Each piece encodes to itself: no piece is dead."""
    ids = [i for i, p in enumerate(model.pieces) if p.type == NORMAL and i >= base_size]
    texts = [model.pieces[i].piece.replace(SPACE_MARK, " ") for i in ids]
    encoded = load_for_units(model).encode(texts, out_type=int)
    dead = [model.pieces[i].piece for i, row in zip(ids, encoded, strict=True) if row != [i]]
    sentences = [f"{len(dead)} pieces are dead, the first is {piece!r}." for piece in dead]
    return result_of("no piece is dead", len(ids), sentences, hint="with a dead base piece: masks: []")


def json_rows(model: Any, tokenizer_json: bytes) -> GateResult:
    """`tokenizer.json` has the rows of `tokenizer.model`, each with its id, and no others."""
    value = orjson.loads(tokenizer_json)
    added = {token["content"]: token["id"] for token in value.get("added_tokens") or []}
    theirs = {index: text for text, index in {**value["model"]["vocab"], **added}.items()}
    ours = {index: piece.piece for index, piece in enumerate(model.pieces)}
    wrong = [
        f"id {index} is {theirs.get(index)!r} in tokenizer.json"
        f"{' as an added token' if theirs.get(index) in added else ''} and {ours.get(index)!r} in tokenizer.model."
        for index in sorted({*ours, *theirs})
        if ours.get(index) != theirs.get(index)
    ]
    return result_of("tokenizer.json has the same rows", len({*ours, *theirs}), wrong)


def no_added_words(tokenizer_json: bytes) -> GateResult:
    """No Korean token is an added token: those are cut out before merging, in the middle of words, too."""
    added = [token["content"] for token in orjson.loads(tokenizer_json).get("added_tokens") or []]
    words = [f"the added token {text!r} cuts words apart before merging." for text in added if has_letter(text)]
    return result_of("no word is an added token", len(added), words, hint="add pieces with merges instead")
