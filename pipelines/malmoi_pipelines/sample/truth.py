"""The ground truth: one row a planting."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Planting:
    """What was planted in one document; the fields that do not apply are left out of the row."""

    kind: str
    """A field name of `Rates`."""
    of: str | None = None
    """The id of the original, for copies. Two copies may share one, and are then near each other, too."""
    similarity: float | None = None
    """Jaccard index to the original."""
    pii_kind: str | None = None
    """`rrn`, `acc` or `tell`."""
    form: str | None = None
    """How it was written or damaged."""
    text: str | None = None
    """The planted string, to be found in the document's text (in hexadecimal for broken UTF-8). All is fictitious."""
    clean: str | None = None
    """What a repair should make of it, where there is one right answer."""

    def row(self, identity: str, source: str, file: str, line: int) -> dict[str, Any]:
        """The row of the truth file. `line` counts from 1; a document is on the line that its id says."""
        place = {"id": identity, "source": source, "file": file, "line": line}
        return place | {name: value for name, value in vars(self).items() if value is not None}
