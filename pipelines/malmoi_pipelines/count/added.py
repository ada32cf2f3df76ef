"""Finished word tables that are added in, so that their texts need not be read again."""

from dataclasses import dataclass

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.manifest import Manifest, open_dataset
from malmoi_pipelines.contracts.schemas import GROWTH, HELD_OUT, SOURCES, WORD_TABLE, WORDS
from malmoi_pipelines.contracts.tables import read_table
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
        folders: neither their order nor their spelling matters.
        config: of the table to make.

    Raises:
        BadInputError: a folder holds something else, or is not whole.
        UsageError: a table was made with other settings, or is there twice.
    """
    found: list[AddedFile] = []
    prints: dict[str, str] = {}
    text_bytes = 0
    for folder in sorted({files.absolute(folder): folder for folder in folders}.values()):
        manifest = _check(folder, config)
        if twice := prints.get(manifest.content_fingerprint):
            raise UsageError(f"{folder} and {twice} are the same word table.", hint="each text must be counted once")
        prints[manifest.content_fingerprint] = folder
        sources = read_table(folder, SOURCES)
        numbers = dict(zip(sources["number"].to_pylist(), sources["source"].to_pylist(), strict=True))
        names = tuple(numbers[number] for number in range(len(numbers)))
        for table in (WORDS.name, HELD_OUT.name, SOURCES.name, GROWTH.name):
            found += [AddedFile(files.join(folder, info.path), table, names) for info in manifest.table_files(table)]
        text_bytes += sum(sources["bytes"].to_pylist())
    return AddedTables(tuple(found), text_bytes, tuple(sorted(prints)))


def _check(folder: str, config: CountConfig) -> Manifest:
    manifest = open_dataset(folder, WORD_TABLE)
    wanted = config.model_dump(mode="json")
    for key in SAME:
        if manifest.config[key] != wanted[key]:
            raise UsageError(
                f"{folder} was counted with {key} = {manifest.config[key]!r}, this run has {wanted[key]!r}.",
                hint=f"use the same: --set {key}={manifest.config[key]}, or count its corpus again",
            )
    return manifest
