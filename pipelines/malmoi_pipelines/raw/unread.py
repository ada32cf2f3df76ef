"""What could not be read as a document: counted in the ledger, and kept in `rejects/`."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

import pyarrow as pa

from malmoi_pipelines.contracts.ledger import FAILED, IN
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.result import AS_ROWS, Accounted, Result, pick
from malmoi_pipelines.contracts.schemas import REJECTS
from malmoi_pipelines.raw.files_read import FilesRead
from malmoi_pipelines.raw.rows import RawBlock
from malmoi_pipelines.raw.tasks import FilePart


@dataclass
class Unread(Accounted):
    """The bad lines of one task, or of all."""

    files: list[FileInfo] = field(default_factory=list)
    """Those of `rejects/`."""
    problems: Annotated[Counter[tuple[str, str]], *AS_ROWS] = field(default_factory=Counter)
    """(file, reason) → lines."""
    read: FilesRead = field(default_factory=FilesRead)

    def add(self, block: RawBlock, part: FilePart) -> None:
        """Count the bad lines of a block of a part."""
        self.read.add(part, block)
        for bad in block.bad:
            for outcome in (IN, FAILED):
                self.ledger.add(block.source, outcome, 1, bad.num_bytes)
            self.problems[part.file.name, bad.reason] += 1

    @classmethod
    def total(cls, results: Iterable[Result]) -> Self:
        """The bad lines of all tasks, among whose results they are."""
        total = cls()
        for unread in pick(results, cls):
            total.files += unread.files
            total.ledger.merge(unread.ledger)
            total.problems.update(unread.problems)
            total.read.merge(unread.read)
        return total

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """The report's table of what was wrong where; none where nothing was."""
        rows = [{"file": file, "reason": reason, "lines": n} for (file, reason), n in sorted(self.problems.items())]
        return {"Input problems": rows} if rows else {}


def rejects(block: RawBlock) -> pa.RecordBatch:
    """The bad lines of a block as rows of `rejects`, in order."""
    bad = sorted(block.bad, key=lambda line: line.line)
    columns = {
        "source": [block.source] * len(bad),
        "raw": [line.raw for line in bad],
        "file": [block.file] * len(bad),
        "start": [block.start] * len(bad),
        "line": [line.line for line in bad],
        "reason": [line.reason for line in bad],
    }
    arrays = [pa.array(columns.get(field.name, [None] * len(bad)), field.type) for field in REJECTS.schema]
    return pa.RecordBatch.from_arrays(arrays, schema=REJECTS.schema)
