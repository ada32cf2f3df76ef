"""Reading plain text: a document a line, or a file."""

from collections.abc import Iterator

from malmoi_pipelines.raw.compression import DamagedFileError, read_chunks
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.faults import allow_damage
from malmoi_pipelines.raw.lines import BYTE_ORDER_MARK
from malmoi_pipelines.raw.part_lines import read_lines
from malmoi_pipelines.raw.rows import RawBlock, new_block
from malmoi_pipelines.raw.tasks import FilePart


def read_text(part: FilePart, options: ReadOptions, block_bytes: int) -> Iterator[RawBlock]:
    """The documents and bad lines of one part of a file."""
    if options.document == "file":
        yield from _read_whole(part, options)
        return
    for block, first, lines, _ in read_lines(part, options, block_bytes):
        _add_lines(block, first, [line.removesuffix(b"\r") for line in lines])
        yield block


def _add_lines(block: RawBlock, first: int, lines: list[bytes]) -> None:
    numbers, texts = [], []
    for number, line in enumerate(lines, first):
        if line:
            try:
                texts.append(line.decode())
                numbers.append(number)
            except UnicodeDecodeError:
                block.reject(number, "invalid_utf8", line)
    block.add_texts(numbers, texts)


def _read_whole(part: FilePart, options: ReadOptions) -> Iterator[RawBlock]:
    """The file as one document, of line 1; none if it is empty."""
    limit = options.max_line_bytes + len(BYTE_ORDER_MARK)
    data = bytearray()
    lost = 0
    damage = None
    try:
        for chunk in read_chunks(part.file.path, part.file.compression):
            taken = min(len(chunk), limit - len(data))
            data += chunk[:taken]
            lost += len(chunk) - taken
    except DamagedFileError as error:
        damage = error.reason
        allow_damage(part.file, options, damage)
    content = bytes(data.removeprefix(BYTE_ORDER_MARK))
    if not content and damage is None:
        return
    block = new_block(part)
    if damage is not None:
        block.reject(1, damage, content, lost, keep=options.max_line_bytes)
    elif len(content) + lost > options.max_line_bytes:
        block.reject(1, "document_too_long", content, lost, keep=options.max_line_bytes)
    else:
        _add_lines(block, 1, [content])
    yield block
