"""Finished word tables that are added in, so that their texts need not be read again."""

from dataclasses import dataclass

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.manifest import Manifest
from malmoi_pipelines.contracts.schemas import GROWTH, HELD_OUT, SOURCES, WORDS
from malmoi_pipelines.contracts.tables import read_table
from malmoi_pipelines.contracts.word_tables import open_word_tables
from malmoi_pipelines.count.config import CountConfig

SAME = ("units", "held_out_share")  # settings that two tables must share for their sum to mean anything


@dataclass(frozen=True)
class AddedFile:
    """One file of a finished word table."""

    path: str
    table: str
    """`data`, `held_out`, `sources` or `growth`."""
    names: tuple[str, ...]
    """Names of the table's sources, by number."""


@dataclass(frozen=True)
class AddedTables:
    """All finished word tables to add in."""

    files: tuple[AddedFile, ...]
    text_bytes: int
    """UTF-8 bytes of the texts they were made from."""
    fingerprints: tuple[str, ...]
    """Of their contents, sorted."""


def find_added(folders: list[str], config: CountConfig) -> AddedTables:
    """Resolve folders of word tables.

    Args:
        folders: their order does not matter.
        config: of the table to make.

    Raises:
        BadInputError: a folder holds something else, or is not whole.
        UsageError: a table was made with other settings, or is there twice.
    """
    found: list[AddedFile] = []
    text_bytes = 0
    tables = open_word_tables(sorted(folders))
    for folder, manifest in tables.items():
        _check_settings(folder, manifest, config)
        sources = read_table(folder, SOURCES)
        numbers = dict(zip(sources["number"].to_pylist(), sources["source"].to_pylist(), strict=True))
        names = tuple(numbers[number] for number in range(len(numbers)))
        for table in (WORDS.name, HELD_OUT.name, SOURCES.name, GROWTH.name):
            found += [AddedFile(files.join(folder, info.path), table, names) for info in manifest.table_files(table)]
        text_bytes += sum(sources["bytes"].to_pylist())
    return AddedTables(tuple(found), text_bytes, tuple(sorted(this.content_fingerprint for this in tables.values())))


def _check_settings(folder: str, manifest: Manifest, config: CountConfig) -> None:
    wanted = config.model_dump(mode="json")
    for key in SAME:
        if manifest.config[key] != wanted[key]:
            raise UsageError(
                f"{folder} was counted with {key} = {manifest.config[key]!r}, this run has {wanted[key]!r}.",
                hint=f"use the same: --set {key}={manifest.config[key]}, or count its corpus again",
            )
