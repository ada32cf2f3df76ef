"""What the report of the clean stage tells beside the ledger."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated

from malmoi_pipelines.contracts.result import AS_ROWS


@dataclass
class CleanCounts:
    """Counters that add up over blocks and tasks in any order."""

    changes: Annotated[Counter[tuple[str, str]], *AS_ROWS] = field(default_factory=Counter)
    """(source, normalisation rule) → documents it changed; `bad_bytes`: those in which U+FFFD stands for some."""
    masks: Annotated[Counter[tuple[str, str, str]], *AS_ROWS] = field(default_factory=Counter)
    """(source, kind, rule) → masks put."""
    problems: Annotated[Counter[tuple[str, str]], *AS_ROWS] = field(default_factory=Counter)
    """(file, reason) → lines that could not be read."""
    rekeyed: Annotated[Counter[tuple[str]], *AS_ROWS] = field(default_factory=Counter)
    """(source,) → documents whose id another document has, too, and that got one of their own."""
    histograms: Annotated[Counter[tuple[str, str, int]], *AS_ROWS] = field(default_factory=Counter)
    """(measure, source, bin) → documents."""

    def merge(self, other: "CleanCounts") -> None:
        """Add another's counts."""
        for name, counter in vars(self).items():
            counter.update(getattr(other, name))
