"""What could not be read as a document: counted in the ledger, kept in `rejects/`, held against the error budget."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

import pyarrow as pa

from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.ledger import FAILED, IN, Ledger
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.result import AS_ROWS, Accounted, Result, pick
from malmoi_pipelines.contracts.schemas import REJECTS
from malmoi_pipelines.raw.rows import RawBlock

SHOWN = 5  # problems that an error message names


@dataclass
class Unread(Accounted):
    """The bad lines of one task, or of all."""

    files: list[FileInfo] = field(default_factory=list)
    """Those of `rejects/`."""
    problems: Annotated[Counter[tuple[str, str]], *AS_ROWS] = field(default_factory=Counter)
    """(file, reason) → lines."""

    def add(self, block: RawBlock, file_name: str) -> None:
        """Count the bad lines of a block."""
        for bad in block.bad:
            for outcome in (IN, FAILED):
                self.ledger.add(block.source, outcome, 1, bad.num_bytes)
            self.problems[file_name, bad.reason] += 1

    @classmethod
    def total(cls, results: Iterable[Result]) -> Self:
        """The bad lines of all tasks, among whose results they are."""
        total = cls()
        for unread in pick(results, cls):
            total.files += unread.files
            total.ledger.merge(unread.ledger)
            total.problems.update(unread.problems)
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


def check_budget(
    ledger: Ledger, problems: Counter[tuple[str, str]], error_budget: float, *, in_rejects: bool = True
) -> None:
    """Fail if more documents failed than the budget allows.

    One failure is always allowed beside documents that could be read, so that one broken line does not stop a trial run
    of a hundred; a budget of 0 allows none.

    Args:
        ledger: of the whole stage.
        problems: (file, reason) → lines that could not be read.
        error_budget: share of the documents that came in.
        in_rejects: whether the stage keeps the lines.

    Raises:
        BadInputError: with the worst files and reasons.
    """
    came, failed = ledger.documents(IN), ledger.documents(FAILED)
    allowed = max(error_budget * came, 1) if error_budget else 0
    if failed == 0 or (failed <= allowed and failed < came):
        return
    worst = [f"{file}: {number:,} {reason}" for (file, reason), number in _most(problems)]
    more = f" and {len(worst) - SHOWN:,} more" if len(worst) > SHOWN else ""
    raise BadInputError(
        f"{failed:,} of {came:,} documents could not be read, the error budget is {error_budget:g} of them. "
        f"{'; '.join(worst[:SHOWN])}{more}.",
        hint=_remedy(problems, in_rejects),
    )


def _remedy(problems: Counter[tuple[str, str]], in_rejects: bool) -> str:
    reasons: Counter[str] = Counter()
    for (_, reason), number in problems.items():
        reasons[reason] += number
    remedies = {
        "invalid_utf8": "convert the files to UTF-8 (many Korean files are CP949: iconv -f cp949 -t utf-8), ",
        "broken_row": "if quotes are escaped by a backslash, as Spark and MySQL do, say so (--set 'read.escape=\\'), ",
        "missing_text": "name the field that holds the text (--set read.columns.text=NAME), ",
    }
    worst = _most(reasons)[0][0]
    where = " in rejects/" if in_rejects else ""
    return remedies.get(worst, "") + f"look at the lines{where}, or raise the budget (--set error_budget=SHARE)"


def _most(counter: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))
