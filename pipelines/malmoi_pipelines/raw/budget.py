"""Whether too much of the input could not be read, and the files of which something is lost, with the cause."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.ledger import FAILED, IN, Ledger
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.raw.compression import CORRUPT, TRUNCATED
from malmoi_pipelines.raw.config import InputConfig
from malmoi_pipelines.raw.file_start import what_is_wrong
from malmoi_pipelines.raw.files_read import FileRead
from malmoi_pipelines.raw.formats import SEEKING
from malmoi_pipelines.raw.inputs import InputFile
from malmoi_pipelines.raw.unread import Unread

SHOWN = 5  # files that an error message names
ROWS = 20  # files that the console and the report name
SMALL_LOSS = 1 << 10  # stored bytes that may always be lost, as one document may: a checksum, the index of a file
BAD_FILES = "Bad files"
"""The report's table of the files of which something is lost."""
_NO_DOCUMENT = "no document"
_REASONS = {TRUNCATED: "its end is missing", CORRUPT: "damaged"}


def check_read(
    unread: Unread, ledger: Ledger, files: Sequence[InputFile], config: InputConfig, *, in_rejects: bool = True
) -> None:
    """Fail if more could not be read than the budget allows.

    One failure is always allowed beside documents that could be read, so that one broken line does not stop a trial run
    of a hundred; a budget of 0 allows none.

    Args:
        unread: what could not be read, of the whole stage.
        ledger: of the whole stage.
        files: all that was to be read.
        config: how, and how much of it may fail.
        in_rejects: whether the stage keeps the lines.

    Raises:
        BadInputError: there is no document at all; or a file of which nothing can be read, more stored bytes lost, or
            more documents failed than may be.
    """
    if files and not ledger.documents(IN):
        raise _nothing(unread, files)
    held = [read for read in unread.read.of(files) if config.read_options(read.file.source).on_bad_file == "budget"]
    hopeless = [read for read in held if read.nothing_readable and not _is_counted(read, config)]
    if hopeless:
        raise BadInputError(
            f"of {len(hopeless):,} of {len(files):,} input files nothing can be read: {_named(hopeless, unread)}.",
            hint=_remedy(unread, "replace the files", "go on without them: --set read.on_bad_file=reject"),
        )
    stored, lost = sum(file.bytes for file in files), sum(read.lost_bytes for read in held)
    if lost > (max(config.error_budget * stored, SMALL_LOSS) if config.error_budget else 0):
        raise BadInputError(
            f"{lost:,} of {stored:,} stored bytes of input are lost in damaged files, or may be; the error budget is "
            f"{config.error_budget:g} of them. {_named([read for read in held if read.lost_bytes], unread)}.",
            hint="fetch the files again, keep what can be read of them (--set read.on_bad_file=reject), or raise the "
            "budget (--set error_budget=SHARE)",
        )
    _check_documents(unread, ledger, config.error_budget, in_rejects)


def _check_documents(unread: Unread, ledger: Ledger, error_budget: float, in_rejects: bool) -> None:
    came, failed = ledger.documents(IN), ledger.documents(FAILED)
    allowed = max(error_budget * came, 1) if error_budget else 0
    if failed == 0 or (failed <= allowed and failed < came):
        return
    worst = [f"{file}: {number:,} {reason}" for (file, reason), number in _most(unread.problems)]
    where = " in rejects/" if in_rejects else ""
    raise BadInputError(
        f"{failed:,} of {came:,} documents could not be read, the error budget is {error_budget:g} of them. "
        f"{_some(worst)}.",
        hint=_remedy(unread, f"look at the lines{where}", "raise the budget (--set error_budget=SHARE)"),
    )


def _bad_files(unread: Unread, files: Sequence[InputFile]) -> list[FileRead]:
    """The files of which something is lost or nothing was there to read; tables of ours may be empty."""
    found = (read for read in unread.read.of(files) if read.file.info is None or read.lost_bytes)
    return [read for read in found if read.lost_bytes or (not read.documents and read.file.bytes)]


def tell_problems(report: Report, unread: Unread, files: Sequence[InputFile]) -> None:
    """Add to a report the tables of what was wrong where; the console shows that of the largest bad files."""
    worst = sorted(_bad_files(unread, files), key=lambda read: -read.file.bytes)[:ROWS]
    rows = [
        {
            "file": read.file.name,
            "what is wrong": _cause(read, unread),
            "documents": read.documents,
            "failed": read.failed,
            "MB lost, or may be": round(read.lost_bytes / 1e6, 3),
        }
        for read in worst
    ]
    if rows:
        report.tables[BAD_FILES] = rows
        report.shown += (BAD_FILES,)
    report.tables |= unread.tables()


def _nothing(unread: Unread, files: Sequence[InputFile]) -> BadInputError:
    empty = sum(file.bytes == 0 for file in files)
    named = [read for read in unread.read.of(files) if read.file.bytes]
    return BadInputError(
        f"there is no document in the input: {len(files):,} files, {empty:,} of them of zero bytes"
        f"{'. ' + _named(named, unread) if named else ''}.",
        hint="check the paths, and that the files are what their names say",
    )


def _is_counted(read: FileRead, config: InputConfig) -> bool:
    """Whether it is known how many documents of a file failed: a file that is one, or a table whose rows are there."""
    if read.file.format in SEEKING:
        return not read.lost_bytes
    return read.file.format == "text" and config.read_options(read.file.source).document == "file"


def _named(found: Sequence[FileRead], unread: Unread) -> str:
    # Only those that are shown are looked into.
    some = [f"{read.file.path} ({_cause(read, unread)})" for read in found[:SHOWN]]
    return _some([*some, *[""] * (len(found) - len(some))])


def _some(named: Sequence[str]) -> str:
    more = f" and {len(named) - SHOWN:,} more" if len(named) > SHOWN else ""
    return "; ".join(named[:SHOWN]) + more


def _cause(read: FileRead, unread: Unread) -> str:
    """What is wrong with a file: what it is instead, where that shows, or why most of its lines could not be read."""
    cause = None if read.documents else what_is_wrong(read.file.path, read.file.kind)
    if cause is not None:
        return cause
    reasons = {reason: number for (file, reason), number in unread.problems.items() if file == read.file.name}
    if not reasons:
        return _NO_DOCUMENT
    damage = [_REASONS[reason] for reason in reasons if reason in _REASONS]
    worst, number = _most(reasons)[0]
    return damage[0] if damage else f"{number:,} {worst}"


def _remedy(unread: Unread, look: str, otherwise: str) -> str:
    reasons: Counter[str] = Counter()
    for (_, reason), number in unread.problems.items():
        reasons[reason] += number
    remedies = {
        "invalid_utf8": "convert the files to UTF-8 (many Korean files are CP949: iconv -f cp949 -t utf-8), ",
        "broken_row": "if quotes are escaped by a backslash, as Spark and MySQL do, say so (--set 'read.escape=\\'), ",
        "missing_text": "name the field that holds the text (--set read.columns.text=NAME), ",
    }
    return f"{remedies.get(_most(reasons)[0][0], '')}{look}, or {otherwise}"


def _most(counter: dict[Any, int]) -> list[tuple[Any, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))
