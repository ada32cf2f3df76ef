"""What was read of each file that gave less than it should: by it whole files are held against the error budget.

Documents that could not be read are counted one by one in the ledger. Where a file stops being readable nobody knows
how many follow, so that a whole file would count as one: here its stored bytes count.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple, Self

from malmoi_pipelines.contracts.result import AS_ROWS
from malmoi_pipelines.raw.inputs import InputFile
from malmoi_pipelines.raw.rows import RawBlock
from malmoi_pipelines.raw.tasks import FilePart

CountsByPath = Annotated[Counter[tuple[str]], *AS_ROWS]


class FileRead(NamedTuple):
    """What was read of one file."""

    file: InputFile
    documents: int
    failed: int
    """Lines, rows or records that could not be read, and the place where reading stopped."""
    lost_bytes: int
    """Stored bytes in which nobody knows how many documents there are; of a file whose end is missing all, since
    nobody knows how much is."""

    @property
    def nothing_readable(self) -> bool:
        """Whether it holds something, and no document could be read."""
        return bool(self.failed or self.lost_bytes) and not self.documents


@dataclass
class FilesRead:
    """Counts by path; of files of which all is well only those that are read in parts are named."""

    documents: CountsByPath = field(default_factory=Counter)
    failed: CountsByPath = field(default_factory=Counter)
    lost_bytes: CountsByPath = field(default_factory=Counter)

    def add(self, part: FilePart, block: RawBlock) -> None:
        """Count a block of a part of a file."""
        key = (part.file.path,)
        self.documents[key] += len(block.ids)
        self.failed[key] += len(block.bad)
        self.lost_bytes[key] += block.lost_bytes

    def merge(self, other: "FilesRead") -> None:
        """Add another's counts."""
        for name, counter in vars(self).items():
            counter.update(getattr(other, name))

    def worth_telling(self, parts: Iterable[FilePart]) -> Self:
        """The same without those files, read whole, of which all is well."""
        kept = {(part.file.path,) for part in parts if part.of > 1}
        kept |= {key for key, documents in self.documents.items() if not documents}
        kept |= {key for counter in (self.failed, self.lost_bytes) for key, number in counter.items() if number}
        return type(self)(*(Counter({k: n for k, n in c.items() if k in kept}) for c in vars(self).values()))

    def of(self, files: Iterable[InputFile]) -> Iterator[FileRead]:
        """What was read of those files, among the given, that gave less than they should, in their order."""
        for file in files:
            key = (file.path,)
            read = FileRead(file, self.documents[key], self.failed[key], self.lost_bytes[key])
            if key in self.documents and (read.failed or read.lost_bytes or not read.documents):
                yield read
