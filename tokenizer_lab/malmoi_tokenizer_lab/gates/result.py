"""What a gate returns, and how `expand` stops at the first that fails."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from malmoi_pipelines.contracts.errors import CheckError


@dataclass(frozen=True)
class GateResult:
    """What one gate found."""

    gate: str
    compared: int
    failed: int = 0
    first: str = ""
    """A sentence on the first failure: a piece, ids or code points, never a text of the corpus."""
    note: str = ""
    """Why nothing, or not everything, was compared."""
    hint: str | None = None

    def row(self) -> dict[str, Any]:
        """As a table row."""
        return {"gate": self.gate, "compared": self.compared, "failed": self.failed, "first": self.first or self.note}


def raise_failed(results: Iterable[GateResult]) -> list[GateResult]:
    """Run gates up to the first that fails.

    Raises:
        CheckError: it failed.
    """
    passed = []
    for result in results:
        if result.failed:
            raise CheckError(result.first, hint=result.hint)
        passed.append(result)
    return passed


def verdict(compared: Sequence[int], failed: int = 0) -> str:
    """How many gates passed, of those that had something to compare.

    >>> verdict([7, 5, 0])
    '2 of 2 passed, 1 had nothing to compare'

    Args:
        compared: what each gate compared.
        failed: how many failed.
    """
    idle = sum(not number for number in compared)
    ran = len(compared) - idle
    return f"{ran - failed} of {ran} passed" + (f", {idle} had nothing to compare" if idle else "")


def result_of(gate: str, compared: int, failures: Iterable[str], hint: str | None = None, note: str = "") -> GateResult:
    """The result of a gate from the sentences on what failed."""
    found = list(failures)
    return GateResult(gate, compared, len(found), found[0] if found else "", note, hint)


def parting(left: Sequence[int], right: Sequence[int]) -> str:
    """Where two sequences part: the lengths, the first place that differs, and what stands there in each."""
    common = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
    here = [sequence[common] if common < len(sequence) else "the end" for sequence in (left, right)]
    return f"lengths {len(left)} and {len(right)}, at {common} they have {here[0]} and {here[1]}"
