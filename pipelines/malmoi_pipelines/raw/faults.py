"""What is wrong with a file as a whole, said in every reader alike."""

from collections.abc import Iterable

from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.fields import Fields
from malmoi_pipelines.raw.inputs import InputFile
from malmoi_pipelines.raw.rows import RawBlock, new_block
from malmoi_pipelines.raw.tasks import FilePart


class WrongFileError(BadInputError):
    """A table that has not the columns that it must have."""

    reason = "wrong_columns"


def rejected_file(part: FilePart, reason: str) -> RawBlock:
    """A file of which nothing can be read, as one failure."""
    block = new_block(part)
    block.reject(1, reason, None)
    block.lost_bytes = part.file.bytes
    return block


def allow_damage(file: InputFile, options: ReadOptions, reason: str) -> None:
    """Fail unless the options say that a damaged file gives what is before the damage.

    Raises:
        BadInputError: naming the file.
    """
    if options.on_bad_file == "fail":
        raise BadInputError(
            f"{file.path} is damaged ({reason}).",
            hint="fetch it again, or keep what can be read of it: --set read.on_bad_file=budget, or reject",
        )


def check_text_column(names: Iterable[str], part: FilePart, options: ReadOptions) -> None:
    """Fail unless a table has a column that holds the text, or in which it is.

    Raises:
        WrongFileError: naming the columns that it has.
    """
    names = list(names)
    if not Fields(options).open(names):
        raise WrongFileError(
            f"{part.file.path} has no column {options.columns.text_names}. Its columns: {', '.join(names)}.",
            hint="name the column that holds the text: --set read.columns.text=NAME",
        )
