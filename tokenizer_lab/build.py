"""From words to a checked tokenizer, in memory: the steps of `expand` in order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.errors import UsageError
from tokenizer_lab.candidates import Candidates, find_candidates
from tokenizer_lab.config import ExpandConfig, resolve_cutoff, token_budget
from tokenizer_lab.counting import check_exact, corpus_tokens, encode_units
from tokenizer_lab.evaluate import Efficiency, efficiency
from tokenizer_lab.fixed_point import FixedPoint, find_fixed_point
from tokenizer_lab.gates import check_closure, check_counting, check_rows, check_texts
from tokenizer_lab.hf_export import tokenizer_json
from tokenizer_lab.intermediate import extract_multis
from tokenizer_lab.model_proto import extend, load_for_units
from tokenizer_lab.sentencepiece_export import Layout, build_model, fixed_rows, lay_out
from tokenizer_lab.words import Ints, Units, Words

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Expansion:
    """An extended tokenizer and all that was learned on the way."""

    base: Any
    model: Any
    json: bytes
    """The `tokenizer.json` that agrees with `model`."""
    layout: Layout
    cutoff: int
    extracted: int
    """Korean pieces of the intermediate tokenizer that the base lacks."""
    candidates: Candidates
    fixed_point: FixedPoint
    counts: Ints
    """Occurrences of each new row on the corpus, in id order."""
    before: Efficiency
    after: Efficiency
    checks: dict[str, int]
    """How much each gate compared, and what it counted."""


def build_tokenizer(base: Any, words: Words, config: ExpandConfig, progress: Progress) -> Expansion:
    """Extend `base` on the corpus `words`: train, extract, loop to the fixed point, build both files, check them.

    Raises:
        UsageError: a budget too small for its fixed rows, or a base that cannot take masks.
        CheckError: a gate failed.
    """
    budget = token_budget(config, len(base.pieces))
    if budget < 1:
        raise UsageError(
            f"budget = {config.budget} leaves no row for a token: {config.fixed_rows} rows are reserved, and the "
            f"vocabulary is a multiple of {config.pad_multiple}.",
            hint="raise budget, or lower pad_multiple",
        )
    others = _OtherUnits(base, words.other, config)
    cutoff = resolve_cutoff(config, words.num_bytes)
    progress(f"training the intermediate tokenizer on {len(words.korean):,} Korean units, cutoff {cutoff:,}")
    multis = extract_multis(words.korean, words.letters, base, config)
    candidates = find_candidates(multis, base, words.letters, cutoff)
    fixed_point = find_fixed_point(
        base,
        candidates,
        words.korean,
        other_tokens=others.tokens_after,
        cutoff=cutoff,
        budget=budget,
        config=config,
        progress=progress,
    )
    layout = lay_out(base, candidates, fixed_point.alive, config)
    model = build_model(base, layout)
    json = tokenizer_json(model)
    checks = _check(base, model, json, words, progress)
    progress("measuring the base")
    korean_before = encode_units(load_for_units(base), words.korean.text, config.num_threads)
    return Expansion(
        base=base,
        model=model,
        json=json,
        layout=layout,
        cutoff=cutoff,
        extracted=len(multis),
        candidates=candidates,
        fixed_point=fixed_point,
        counts=_row_counts(layout, fixed_point, others.fixed_counts),
        before=efficiency(words.korean, korean_before.lengths, words.other.num_bytes, others.tokens_before),
        after=efficiency(words.korean, fixed_point.tokens.lengths, words.other.num_bytes, others.tokens_after),
        checks=checks,
    )


def _check(base: Any, model: Any, json: bytes, words: Words, progress: Progress) -> dict[str, int]:
    progress("checking")
    check_exact(model, words)
    check_rows(base, model)
    closure = check_closure(base, model)
    compared = check_texts(base, model, json, words)
    return {**closure, **compared, "documents counted": check_counting(model, words.korean)}


def _row_counts(layout: Layout, fixed_point: FixedPoint, fixed_counts: Ints) -> Ints:
    counts = np.zeros(len(layout.rows), np.int64)
    counts[: layout.num_fixed] = fixed_counts
    counts[layout.num_fixed : layout.num_fixed + len(layout.alive)] = fixed_point.counts[layout.alive]
    return counts


class _OtherUnits:
    """Tokens of the units without Hangul: as with the base, except where a mask stands."""

    def __init__(self, base: Any, other: Units, config: ExpandConfig) -> None:
        before = encode_units(load_for_units(base), other.text, config.num_threads)
        rows = _rows_with_mask(other.text, config.masks)
        model = extend(base, fixed_rows(config))
        masked = encode_units(load_for_units(model), other.text.take(rows), config.num_threads)
        self.tokens_before = corpus_tokens(before.lengths, other.counts)
        self.tokens_after = corpus_tokens(before.replaced(rows, masked).lengths, other.counts)
        self.fixed_counts = masked.counts(other.counts[rows], len(model.pieces))[len(base.pieces) :]


def _rows_with_mask(text: pa.LargeStringArray, masks: tuple[str, ...]) -> Ints:
    found = np.zeros(len(text), bool)
    for mask in masks:
        found |= pc.match_substring(text, mask).to_numpy(zero_copy_only=False)
    return np.flatnonzero(found)
