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
        return sum(map(raw_bytes, self.files))

    @property
    def unused_packages(self) -> tuple[str, ...]:
        """The packages that decide nothing here, for `code_of`."""
        return unused_packages(self.files)


def identify(files: Iterable[InputFile]) -> RawInput:
    """Order files by all that the fingerprint knows of them, so that equal fingerprints mean equal outputs.

    Paths have no say: a folder may be moved.
    """
    entries = sorted(((file.source, file.name, _content(file)), file.path, file) for file in files)
    return RawInput(tuple(file for *_, file in entries), fingerprint([entry for entry, *_ in entries]))


def _content(file: InputFile) -> str:
    return content_identity(file.path) if file.info is None else file.info.xxh3_128


def unused_packages(files: Iterable[InputFile]) -> tuple[str, ...]:
    """The packages of readers that no file needs: those that take text out of web pages, without any.

    A corpus holds for years, whatever becomes of a reader of web pages that it has none of.
    """
    return () if any(file.format == "warc" for file in files) else ("fastwarc", "resiliparse")


def raw_bytes(file: InputFile) -> int:
    """Bytes of raw text in a file: known of our own tables, else estimated from its size."""
    if file.info is not None and file.info.text_bytes:
        return file.info.text_bytes
    return file.bytes * EXPANSION if file.compression or file.format in ("parquet", "arrow") else file.bytes
