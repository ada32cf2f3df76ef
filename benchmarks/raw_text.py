"""Raw text for the benchmarks that work below the stages."""

from collections.abc import Iterator

from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.inputs import find_inputs
from malmoi_pipelines.raw.readers import read_blocks
from malmoi_pipelines.raw.rows import RawBlock
from malmoi_pipelines.raw.tasks import FilePart

OPTIONS = ReadOptions()


def raw_blocks(path: str, block_bytes: int) -> Iterator[RawBlock]:
    """The documents of a file or folder, file after file."""
    for file in find_inputs([path], lambda _: OPTIONS).files:
        yield from read_blocks(FilePart(file), OPTIONS, block_bytes)
