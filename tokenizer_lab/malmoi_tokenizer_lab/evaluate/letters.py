"""Letter coverage: which of the Hangul letters of a text are tokens of their own, so that no word falls to bytes."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from malmoi_pipelines.contracts.arrays import F64
from malmoi_pipelines.contracts.hangul import is_letter

from malmoi_tokenizer_lab.evaluate.figures import UnitFacts
from malmoi_tokenizer_lab.evaluate.subject import Subject
from malmoi_tokenizer_lab.evaluate.unit_table import UnitTable

_BATCH = 1 << 18  # units whose characters are looked at at once
_BMP = 1 << 16  # all Hangul is below


@dataclass(frozen=True)
class Coverage:
    """Letters of a text that are tokens."""

    letters: int
    """Distinct Hangul letters of the text."""
    covered: int
    """Those that are tokens."""
    share_of_occurrences: float | None
    """Occurrences of those, of all letters' occurrences."""


def letter_counts(table: UnitTable, facts: UnitFacts) -> dict[str, float]:
    """Occurrences of each Hangul letter of a table, by code point."""
    counts, rows = table.counts, np.flatnonzero(facts.korean)
    totals: F64 = np.zeros(_BMP, np.float64)
    for first in range(0, len(rows), _BATCH):
        chosen = rows[first : first + _BATCH]
        text = "".join(table.text.take(pa.array(chosen)).to_pylist())
        points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        weights = np.repeat(counts[chosen], facts.num_characters[chosen])
        inside = points < _BMP
        totals += np.bincount(points[inside], weights[inside], _BMP)
    return {chr(point): float(totals[point]) for point in np.flatnonzero(totals).tolist() if is_letter(chr(point))}


def coverage(subject: Subject, counts: dict[str, float]) -> Coverage:
    """How many of some letters a tokenizer has.

    Args:
        subject: the tokenizer.
        counts: letter → occurrences.
    """
    ids = list(range(subject.vocab_size))
    known = set(subject.spellings(ids))
    covered = [letter for letter in counts if letter.encode() in known]
    total = sum(counts.values())
    return Coverage(
        letters=len(counts),
        covered=len(covered),
        share_of_occurrences=sum(counts[letter] for letter in covered) / total if total else None,
    )
