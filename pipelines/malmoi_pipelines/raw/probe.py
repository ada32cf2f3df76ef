"""A look at the beginning of each source before a stage reads it all: are there documents?"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import orjson

from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.inputs import InputFile
from malmoi_pipelines.raw.readers import read_blocks
from malmoi_pipelines.raw.rows import BadLine
from malmoi_pipelines.raw.tasks import FilePart

LINES = 10_000  # without a document in so many lines, there will be none: the names of the fields are wrong
BLOCK_BYTES = 1 << 20
SHOWN_FIELDS = 12


def sources_without_documents(
    inputs: Iterable[InputFile], options_for: Callable[[str], ReadOptions]
) -> Iterator[BadInputError]:
    """Sources whose first 10,000 lines hold no document, or whose first file cannot be read at all.

    Args:
        inputs: the files, in order.
        options_for: how the files of a source are read.

    Yields:
        An error that names the file, what was wrong with the lines, and the fields that they have.
    """
    by_source: dict[str, list[InputFile]] = {}
    for file in inputs:
        by_source.setdefault(file.source, []).append(file)
    for source, found in by_source.items():
        try:
            bad = _bad_lines(found, options_for(source))
        except BadInputError as error:
            yield error
            continue
        if bad:
            yield _error(found[0], source, bad, options_for(source))


def _bad_lines(inputs: list[InputFile], options: ReadOptions) -> list[BadLine]:
    """The bad lines before the first document; none if there is a document, or nothing at all."""
    bad: list[BadLine] = []
    for file in inputs:
        for block in read_blocks(FilePart(file), options, BLOCK_BYTES):
            if block.ids:
                return []
            bad += block.bad
            if len(bad) >= LINES:
                return bad[:LINES]
    return bad


def _error(file: InputFile, source: str, bad: list[BadLine], options: ReadOptions) -> BadInputError:
    reason, number = Counter(line.reason for line in bad).most_common(1)[0]
    message = f"the first {len(bad):,} lines of source {source!r} ({file.path}) hold no document: {reason} {number:,}"
    fields = _fields(bad)
    if reason != "missing_text" or not fields:
        return BadInputError(f"{message}.", hint="look at the file: is it what its name says?")
    return BadInputError(
        f"{message}, there is no field {options.columns.text_names}. The fields: {', '.join(fields)}.",
        hint="name the field that holds the text: read.columns.text",
    )


def _fields(bad: list[BadLine]) -> list[str]:
    """The names of the fields of the first line that shows them whole; values have no place in a message."""
    for line in bad:
        try:
            record = orjson.loads(line.raw or b"")
        except orjson.JSONDecodeError:
            continue
        if isinstance(record, dict):
            return list(record)[:SHOWN_FIELDS]
    return []
