"""Blocks of the lines of a part, with the lines that are too long or damaged already rejected."""

from collections.abc import Iterator
from typing import NamedTuple

from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.faults import allow_damage
from malmoi_pipelines.raw.lines import CutLines, cut_lines, own_lines
from malmoi_pipelines.raw.rows import RawBlock, new_block
from malmoi_pipelines.raw.tasks import FilePart


class PartLines(NamedTuple):
    """Consecutive lines of a part, to be added to a block."""

    block: RawBlock
    first: int
    """Number of the first line."""
    lines: list[bytes]
    """Those that could not be read are blank."""
    open_end: bool
    """Whether the file ends in the last of them, without a line end."""


def read_lines(part: FilePart, options: ReadOptions, block_bytes: int) -> Iterator[PartLines]:
    """The lines that a part owns; see `read_blocks` for the arguments."""
    start, chunks = own_lines(part)
    limit = options.max_line_bytes
    for lines in cut_lines(chunks, block_bytes, limit, from_start=start == 0):
        block = new_block(part, start)
        if lines.damage:
            allow_damage(part.file, options, lines.damage)
            block.reject(lines.first + len(lines.lines), lines.damage, lines.rest, lines.lost, keep=limit)
            block.lost_bytes = lines.lost_stored
        yield PartLines(block, lines.first, _fitting(block, lines, limit), lines.open_end)


def _fitting(block: RawBlock, lines: CutLines, limit: int) -> list[bytes]:
    """The lines with those that are too long made blank."""
    if sum(map(len, lines.lines)) <= limit:
        return lines.lines
    last = len(lines.lines) - 1
    fitting = list(lines.lines)
    for i, line in enumerate(lines.lines):
        if len(line) > limit:
            block.reject(lines.first + i, "line_too_long", line, lines.lost if i == last else 0, keep=limit)
            fitting[i] = b""
    return fitting
