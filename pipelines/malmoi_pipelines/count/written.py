"""What the last step of `malmoi count` wrote, as it tells the driver."""

from dataclasses import dataclass

from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.count.growth import GrowthPoint


@dataclass(frozen=True)
class FileWritten(Result):
    """A file of the word table."""

    file: FileInfo


@dataclass(frozen=True)
class UnitsWritten(FileWritten):
    """A file of units, and what is in it."""

    held_out: bool
    rows: int
    occurrences: int
    bytes: int
    """UTF-8 bytes of all occurrences."""


@dataclass(frozen=True)
class SourceRow:
    """A row of the table `sources`."""

    number: int
    source: str
    held_out: bool
    documents: int
    bytes: int
    characters: int
    lines: int
    eojeol: int
    units: int
    letters: int


@dataclass(frozen=True)
class SourcesWritten(FileWritten):
    """The table `sources`."""

    rows: list[SourceRow]


@dataclass(frozen=True)
class GrowthWritten(FileWritten):
    """The table `growth` and the curve that it is."""

    points: list[GrowthPoint]


@dataclass(frozen=True)
class LettersWritten(FileWritten):
    """The table `letters`, and what is in it."""

    rows: int
    occurrences: int
