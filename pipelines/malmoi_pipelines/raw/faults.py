"""What is wrong with a file as a whole, said in every reader alike."""

from collections.abc import Iterable

from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.fields import Fields
from malmoi_pipelines.raw.inputs import InputFile
from malmoi_pipelines.raw.tasks import FilePart


def allow_damage(file: InputFile, options: ReadOptions, reason: str) -> None:
    """Fail unless the options say that a damaged file gives what is before the damage.

    Raises:
        BadInputError: naming the file.
    """
    if options.on_bad_file == "fail":
        raise BadInputError(
            f"{file.path} is damaged ({reason}).",
            hint="fetch it again, or keep what is before the damage: --set read.on_bad_file=reject",
        )


def check_text_column(names: Iterable[str], part: FilePart, options: ReadOptions) -> None:
    """Fail unless a table has a column that holds the text, or in which it is.

    Raises:
        BadInputError: naming the columns that it has.
    """
    names = list(names)
    if not Fields(options).open(names):
        raise BadInputError(
            f"{part.file.path} has no column {options.columns.text_names}. Its columns: {', '.join(names)}.",
            hint="name the column that holds the text: --set read.columns.text=NAME",
        )
