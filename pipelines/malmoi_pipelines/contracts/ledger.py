"""The ledger: every document that came in is kept, dropped for one reason, merged into another, or failed.

in = kept + dropped(by reason) + merged + failed        per source, in documents and in bytes
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from malmoi_pipelines.contracts.errors import DefectError

IN, KEPT, MERGED, FAILED = "in", "kept", "merged", "failed"
DROPPED = "dropped:"  # prefix of the outcomes that carry a reason


@dataclass
class Ledger:
    """Documents and UTF-8 bytes (as they came in) by source and outcome.

    >>> ledger = Ledger()
    >>> ledger.add("web", "in", documents=2, num_bytes=30)
    >>> ledger.add("web", "kept", documents=1, num_bytes=20)
    >>> ledger.add("web", "dropped:too_short", documents=1, num_bytes=10)
    >>> ledger.check()
    """

    counts: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    """source → outcome → [documents, bytes]."""

    def add(self, source: str, outcome: str, documents: int = 1, num_bytes: int = 0) -> None:
        """Count documents with an outcome: `in`, `kept`, `merged`, `failed` or `dropped:<reason>`."""
        cell = self.counts.setdefault(source, {}).setdefault(outcome, [0, 0])
        cell[0] += documents
        cell[1] += num_bytes

    def merge(self, other: "Ledger") -> None:
        """Add another ledger's counts; the order of merging does not matter."""
        for source, outcomes in other.counts.items():
            for outcome, (documents, num_bytes) in outcomes.items():
                self.add(source, outcome, documents, num_bytes)

    def documents(self, outcome: str, source: str | None = None) -> int:
        """Documents with an outcome (`dropped` sums over the reasons), of one source or of all."""
        return self._sum(outcome, source, 0)

    def bytes(self, outcome: str, source: str | None = None) -> int:
        """Bytes with an outcome, of one source or of all."""
        return self._sum(outcome, source, 1)

    def _sum(self, outcome: str, source: str | None, column: int) -> int:
        rows = self.counts.values() if source is None else [self.counts.get(source, {})]
        return sum(
            cell[column]
            for row in rows
            for name, cell in row.items()
            if name == outcome or (outcome == "dropped" and name.startswith(DROPPED))
        )

    def reasons(self) -> dict[str, int]:
        """Dropped documents by reason, over all sources, most frequent first."""
        totals: dict[str, int] = defaultdict(int)
        for row in self.counts.values():
            for name, cell in row.items():
                if name.startswith(DROPPED):
                    totals[name.removeprefix(DROPPED)] += cell[0]
        return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))

    def check(self) -> None:
        """Prove that nothing was lost.

        Raises:
            DefectError: naming the source and the numbers that do not add up.
        """
        for source in self.counts:
            for unit, total in (("documents", self.documents), ("bytes", self.bytes)):
                came, out = (
                    total(IN, source),
                    [total(name, source) for name in (KEPT, "dropped", MERGED, FAILED)],
                )
                if came != sum(out):
                    raise DefectError(
                        f"the ledger of source {source!r} does not balance: {came} {unit} in, but "
                        f"{out[0]} kept + {out[1]} dropped + {out[2]} merged + {out[3]} failed = {sum(out)}."
                    )

    def to_json(self) -> dict[str, Any]:
        """Plain values with sorted keys: {source: {outcome: {documents, bytes}}}."""
        return {
            source: {
                outcome: {"documents": cell[0], "bytes": cell[1]}
                for outcome, cell in sorted(self.counts[source].items())
            }
            for source in sorted(self.counts)
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Ledger":
        """The inverse of `to_json`."""
        ledger = cls()
        for source, outcomes in value.items():
            for outcome, cell in outcomes.items():
                ledger.add(source, outcome, cell["documents"], cell["bytes"])
        return ledger
