"""Word tables that add up: no text may be counted twice."""

from collections.abc import Sequence

from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.manifest import Manifest, open_dataset
from malmoi_pipelines.contracts.schemas import WORD_TABLE


def open_word_tables(folders: Sequence[str]) -> dict[str, Manifest]:
    """Open word tables that are summed, held apart, or both: each must be another, whatever it is called.

    Args:
        folders: word tables. Equal content is the same table, under one path or under two.

    Returns:
        Folder → manifest, in the order they are named in.

    Raises:
        UsageError: there is nothing at a path, or two are the same table.
        BadInputError: a folder holds something else, or is not whole.
    """
    opened: dict[str, Manifest] = {}
    first: dict[str, str] = {}
    for folder in folders:
        opened[folder] = open_dataset(folder, WORD_TABLE)
        content = opened[folder].content_fingerprint
        if content in first:
            raise UsageError(
                f"{first[content]} and {folder} are the same word table: its text would be counted twice.",
                hint="name it once",
            )
        first[content] = folder
    return opened
