"""The gates of a byte-level extension: what must hold for every `tokenizer.json` that is published.

Each gate compares, counts what failed and says where the first failure is.
Messages name tokens and places in texts, never a text: it may be the corpus's.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from malmoi_pipelines.tokenizers.byte_alphabet import shown, unspell

from malmoi_tokenizer_lab.byte_level.allowed import is_allowed
from malmoi_tokenizer_lab.byte_level.extension import Extension, merge_table, parents_of
from malmoi_tokenizer_lab.gates.result import GateResult, result_of


def row_gates(extension: Extension) -> Iterator[GateResult]:
    """The gates over rows, merges and settings."""
    old, new = extension.base.json, extension.json
    yield _same_entries(old["model"]["vocab"], new["model"]["vocab"])
    count = len(old.get("added_tokens") or ())
    same = new["added_tokens"][:count] == (old.get("added_tokens") or [])
    yield result_of("the base's added tokens are untouched", count, [] if same else ["the base's added tokens differ."])
    merges, kept = old["model"]["merges"], new["model"]["merges"][: len(old["model"]["merges"])]
    wrong = () if merges == kept else (f"a merge of the base moved or changed, the first is {_first(merges, kept)}.",)
    yield result_of("the base's merges come first", len(merges), wrong)
    yield _same_settings(old, new)
    yield _contiguous(new["model"]["vocab"])
    yield _library_ids(extension)


def row_names(rows: Sequence[str], first_id: int, data: bytes) -> GateResult:
    """The table of new rows names each as the `tokenizer.json` does.

    Args:
        rows: spellings of the new rows in the order of their ids.
        first_id: id of the first.
        data: the extended `tokenizer.json`.
    """
    vocab = orjson.loads(data)["model"]["vocab"]
    wrong = [
        f"row {index} is {shown(text)}, and {shown(text)} has the id {vocab.get(text)} in tokenizer.json."
        for index, text in enumerate(rows, first_id)
        if vocab.get(text) != index
    ]
    if first_id + len(rows) != len(vocab):
        wrong.append(f"tokenizer.json has {len(vocab)} rows, the table ends at {first_id + len(rows)}.")
    return result_of("new rows are named as in tokenizer.json", len(rows), wrong)


def _first(old: Sequence[Any], new: Sequence[Any]) -> int:
    return next((i for i, (left, right) in enumerate(zip(old, new, strict=False)) if left != right), len(new))


def _same_entries(old: dict[str, int], new: dict[str, int]) -> GateResult:
    wrong = [
        f"the token {shown(text)} must have the base's id {index}. It has {new.get(text)}."
        for text, index in old.items()
        if new.get(text) != index
    ]
    return result_of("the base's rows are untouched", len(old), wrong)


def _same_settings(old: dict[str, Any], new: dict[str, Any]) -> GateResult:
    """Everything but vocabulary, merges and added tokens."""
    left, right = ({**value, "added_tokens": None, "model": None} for value in (old, new))
    left |= {f"model.{name}": old["model"].get(name) for name in old["model"] if name not in ("vocab", "merges")}
    right |= {f"model.{name}": new["model"].get(name) for name in new["model"] if name not in ("vocab", "merges")}
    wrong = [f"{name} differs from the base's." for name in {**left, **right} if left.get(name) != right.get(name)]
    return result_of("all other settings are untouched", len(left), wrong)


def _contiguous(vocab: dict[str, int]) -> GateResult:
    ids = sorted(vocab.values())
    wrong = () if ids == list(range(len(ids))) else (f"the {len(ids)} rows must have the ids 0 to {len(ids) - 1}.",)
    return result_of("ids are contiguous", len(ids), wrong)


def _library_ids(extension: Extension) -> GateResult:
    """The library numbers added tokens by its own rule: what counts is the id after loading."""
    loaded = extension.after.get_vocab(with_added_tokens=True)
    expected = extension.json["model"]["vocab"] | {t["content"]: t["id"] for t in extension.json["added_tokens"]}
    wrong = [
        f"the library gives the token {shown(text)} the id {loaded.get(text)}, and the file {expected.get(text)}."
        for text in sorted({**loaded, **expected})
        if loaded.get(text) != expected.get(text)
    ]
    return result_of("the library loads every row under its id", len(expected), wrong)


def token_gates(extension: Extension) -> Iterator[GateResult]:
    """The gates over new tokens."""
    spelled = {text: unspell(text) or b"" for text in extension.tokens}
    foreign = [
        f"the new token {shown(text)} is not Hangul only." for text, token in spelled.items() if not is_allowed(token)
    ]
    yield result_of("new tokens are Hangul only", len(spelled), foreign, hint="without it, other text changes")
    merges = merge_table(extension.json["model"])
    parents = {text: parents_of(text, merges) for text in spelled}
    orphans = [
        f"the new token {shown(text)} is made of {len(p)} tokens, not 2." for text, p in parents.items() if len(p) != 2
    ]
    yield result_of("every new token has two parents", len(spelled), orphans)
    model = Extension(extension.base, extension.data).after.model  # its own: a setting of it changes here
    model.ignore_merges = False  # a whole pre-token is always found; inside of a longer one only merges reach a token
    dead = [
        f"the new token {shown(text)} is dead: the library does not encode it to itself."
        for text, index in extension.tokens.items()
        if [token.id for token in model.tokenize(text)] != [index]
    ]
    yield result_of("no new token is dead", len(spelled), dead)
