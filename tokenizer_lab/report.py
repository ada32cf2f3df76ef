"""The report of `expand`."""

from dataclasses import asdict
from typing import Any

from pipelines.contracts.report import Report
from tokenizer_lab.build import Expansion
from tokenizer_lab.config import ExpandConfig
from tokenizer_lab.hangul import SPACE_MARK
from tokenizer_lab.words import Words

NUM_TOP = 20


def make_report(expansion: Expansion, words: Words, config: ExpandConfig) -> Report:
    """Facts and tables of one run; equal input, equal report."""
    rounds = [asdict(this) for this in expansion.fixed_point.rounds]
    tables = {"rounds": rounds, "top new tokens": top_tokens(expansion, NUM_TOP)}
    return Report("expand", facts=_facts(expansion, words, config), tables=tables)


def top_tokens(expansion: Expansion, number: int) -> list[dict[str, Any]]:
    """The most frequent new tokens: count descending, then id."""
    layout = expansion.layout
    ranked = sorted(range(len(layout.rows)), key=lambda i: (-int(expansion.counts[i]), i))[:number]
    return [
        {
            "id": layout.first_id + i,
            "piece": layout.rows[i].text.replace(SPACE_MARK, "_"),
            "count": int(expansion.counts[i]),
        }
        for i in ranked
    ]


def _facts(expansion: Expansion, words: Words, config: ExpandConfig) -> dict[str, Any]:
    layout, before, after = expansion.layout, expansion.before, expansion.after
    reasons = [int(count) >= expansion.cutoff for count in expansion.counts]
    kinds = layout.kinds
    return {
        "base vocabulary": layout.first_id,
        "vocabulary": layout.size,
        "new rows": len(layout.rows),
        "new tokens": len(layout.alive),
        "multis": kinds.count("multi"),
        "letters": kinds.count("letter"),
        "reserved rows and masks": kinds.count("reserved"),
        "scaffold": sum(kind == "multi" and not reached for kind, reached in zip(kinds, reasons, strict=True)),
        "budget K": config.budget,
        "cutoff": expansion.cutoff,
        "corpus bytes": words.num_bytes,
        "distinct units": len(words.korean) + len(words.other),
        "distinct Korean units": len(words.korean),
        "intermediate pieces wanted": config.intermediate_vocab_size,
        "Korean pieces extracted": expansion.extracted,
        "unreachable candidates": expansion.extracted - expansion.candidates.num_multis,
        "rounds": len(expansion.fixed_point.rounds),
        "corpus tokens before": before.corpus_tokens,
        "corpus tokens after": after.corpus_tokens,
        "fertility before": before.fertility,
        "fertility after": after.fertility,
        "bytes per token before": before.bytes_per_token,
        "bytes per token after": after.bytes_per_token,
        "Korean bytes per token before": before.korean_bytes_per_token,
        "Korean bytes per token after": after.korean_bytes_per_token,
        **expansion.checks,
    }
