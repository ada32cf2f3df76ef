"""What stands for raw input: the order of its files, their fingerprint, and how much text they hold."""

from collections.abc import Iterable
from dataclasses import dataclass

from malmoi_pipelines.contracts.fingerprint import content_identity, fingerprint
from malmoi_pipelines.raw.inputs import InputFile

EXPANSION = 4  # raw text is about this much larger than its compressed files (zstd on Korean JSON Lines: 4 to 8)


@dataclass(frozen=True)
class RawInput:
    """Files in the order in which they are read."""

    files: tuple[InputFile, ...]
    fingerprint: str
    """Digest of sources, names and contents."""

    @property
    def raw_bytes(self) -> int:
        """Estimated bytes of raw text, by which jobs are planned."""
        return sum(map(_raw_bytes, self.files))


def identify(files: Iterable[InputFile]) -> RawInput:
    """Order files by all that the fingerprint knows of them, so that equal fingerprints mean equal outputs.

    Paths have no say: a folder may be moved.
    """
    entries = sorted(((file.source, file.name, content_identity(file.path)), file.path, file) for file in files)
    return RawInput(tuple(file for *_, file in entries), fingerprint([entry for entry, *_ in entries]))


def _raw_bytes(file: InputFile) -> int:
    return file.bytes * EXPANSION if file.compression or file.format in ("parquet", "arrow") else file.bytes
