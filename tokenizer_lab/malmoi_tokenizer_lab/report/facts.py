"""The figures of an expansion: what its report and its card begin with."""

from typing import Any

import numpy as np

from malmoi_tokenizer_lab.base import Base
from malmoi_tokenizer_lab.build import Expansion, Loop
from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_tokenizer_lab.evaluate import Evaluation
from malmoi_tokenizer_lab.evaluate.evaluation import ALL, CORPUS
from malmoi_tokenizer_lab.gates.result import verdict
from malmoi_tokenizer_lab.words import Ints, Words


def expansion_facts(expansion: Expansion, words: Words, config: ExpandConfig, evaluation: Evaluation) -> dict[str, Any]:
    """Single figures, name → value; equal input, equal figures."""
    loop, artefact = expansion.loop, expansion.artefact
    kinds = [row.kind for row in artefact.rows]
    counts = _whole_counts(expansion.base, loop)
    before, after = evaluation.efficiency[0], corpus_row(evaluation, loop.policy)
    return {
        "new tokens": int(loop.fixed_point.alive.sum()),
        "vocabulary": expansion.base.size + len(artefact.rows),
        "tokens per eojeol before": before["tokens_per_eojeol"],
        "tokens per eojeol after": after["tokens_per_eojeol"],
        "gates": verdict([gate.compared for gate in expansion.gates]),
        "cutoff": expansion.cutoff,
        "policy": loop.policy,
        "rounds": len(loop.fixed_point.rounds),
        "candidates from": config.candidates,
        "base vocabulary": expansion.base.size,
        "new rows": len(artefact.rows),
        "multis": kinds.count("multi"),
        "of these parts of letters": sum(row.kind == "multi" and row.text is None for row in artefact.rows),
        "letters": kinds.count("letter"),
        "reserved rows and masks": kinds.count("reserved") + kinds.count("mask"),
        "budget K": config.budget,
        "least count of a multi": int(counts.min()) if len(counts) else None,
        "letters emitted below the cutoff": _rare_letters(loop, expansion.cutoff),
        "multis below the cutoff": int((counts < expansion.cutoff).sum()),
        "corpus bytes": words.num_bytes,
        "distinct units": len(words.korean) + len(words.other),
        "distinct Korean units": len(words.korean),
        "candidates": len(loop.candidates) + len(loop.unreachable) + len(loop.denied),
        "unreachable candidates": len(loop.unreachable),
        "denied candidates": len(loop.denied),
        "allowed candidates": int(loop.limits.wanted.sum()),
        "corpus tokens before": before["tokens"],
        "corpus tokens after": after["tokens"],
        **{name: value for name, value in artefact.facts.items() if value is not None},
        "dead": sum(gate.failed for gate in expansion.gates if gate.gate.endswith("is dead")),
    }


def policy_rows(expansion: Expansion, evaluation: Evaluation) -> list[dict[str, Any]]:
    """The loop of every policy that was run, side by side."""
    loops = (expansion.loop, *(loop for loop, _ in expansion.others))
    return [_policy_row(expansion.base, loop, evaluation) for loop in loops]


def _whole_counts(base: Base, loop: Loop) -> Ints:
    """Occurrences of the kept multis that are whole text: what the cutoff is for."""
    kept = np.flatnonzero(loop.fixed_point.alive[: loop.candidates.num_multis]).tolist()
    whole = [index for index in kept if not base.is_part(loop.candidates.pieces[index])]
    return loop.fixed_point.counts[whole]


def _rare_letters(loop: Loop, cutoff: int) -> int:
    """Letters that the text has at least `cutoff` times, or a token needs, but longer tokens swallow."""
    first = loop.candidates.num_multis
    return int((loop.fixed_point.counts[first:][loop.fixed_point.alive[first:]] < cutoff).sum())


def _policy_row(base: Base, loop: Loop, evaluation: Evaluation) -> dict[str, Any]:
    found, counts = loop.fixed_point, _whole_counts(base, loop)
    last = found.rounds[-1]
    figures = {
        part: next(
            (
                row["tokens_per_eojeol"]
                for row in evaluation.efficiency
                if (row["part"], row["source"], row["tokenizer"]) == (part, ALL, loop.policy)
            ),
            None,
        )
        for part in dict.fromkeys(row["part"] for row in evaluation.efficiency)
    }
    return {
        "policy": loop.policy,
        "rounds": len(found.rounds),
        "tokens": int(found.alive.sum()),
        "letters": last.letters,
        "corpus tokens": last.corpus_tokens,
        **{f"tokens per eojeol, {part}": value for part, value in figures.items()},
        "least count": int(counts.min()) if len(counts) else None,
        "below the cutoff": int((counts < loop.limits.cutoff).sum()),
        "dropped": sum(this.dropped for this in found.rounds),
    }


def corpus_row(evaluation: Evaluation, tokenizer: str) -> dict[str, Any]:
    """The figures of a tokenizer on the whole corpus, all sources."""
    return next(
        row
        for row in evaluation.efficiency
        if (row["part"], row["source"], row["tokenizer"]) == (CORPUS, ALL, tokenizer)
    )
