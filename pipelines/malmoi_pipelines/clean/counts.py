"""What the report of the clean stage tells beside the ledger."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class CleanCounts:
    """Counters that add up over blocks and tasks in any order."""

    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(source, normalisation rule) → documents it changed."""
    masks: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(source, kind, rule) → masks put."""
    problems: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(file, reason) → lines that could not be read."""
    rekeyed: Counter[tuple[str]] = field(default_factory=Counter)
    """(source,) → documents whose id another document has, too, and that got one of their own."""
    histograms: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """(measure, source, bin) → documents."""

    def merge(self, other: "CleanCounts") -> None:
        """Add another's counts."""
        for name, counter in vars(self).items():
            counter.update(getattr(other, name))

    def to_json(self) -> dict[str, list[list[Any]]]:
        """Plain values in a fixed order: name → rows of key parts and count."""
        return {name: [[*key, count] for key, count in sorted(counter.items())] for name, counter in vars(self).items()}

    @classmethod
    def from_json(cls, value: dict[str, list[list[Any]]]) -> "CleanCounts":
        """The inverse of `to_json`."""
        return cls(**{name: Counter({tuple(row[:-1]): row[-1] for row in rows}) for name, rows in value.items()})
