"""Reading input files as blocks of raw documents, one module a family of formats.

Every reader streams, keeps what can be read and names what cannot:

- `broken_json`, `invalid_utf8`, `not_an_object`: a line that is no record;
- `missing_text`, `text_not_a_string`, `bad_id`, `bad_source`: a record that is no document;
- `unstorable_meta`: a document with other fields that JSON cannot hold, such as one nested 300 deep;
- `line_too_long`, `document_too_long`: more than `max_line_bytes`;
- `wrong_fields`, `broken_row`, `unclosed_quote`: a row of CSV or TSV that is no record;
- `unknown_encoding`, `broken_http`, `nested_too_deep`, `wrong_length`: a record of WARC whose text cannot be had;
- `wrong_columns`: a table without the columns that it must have, where such files are rejects;
- `truncated_file`, `corrupt_file`: the place where a file stops being readable, once a file; of Parquet and of
  Arrow files that are no streams each row of a damaged row group or record batch.

Blank lines separate documents and are none themselves; they count only for the line numbers.
"""

from collections.abc import Callable, Iterator

from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.raw.columnar import OptionsFor, read_arrow, read_parquet
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.delimited import read_delimited
from malmoi_pipelines.raw.faults import WrongFileError, rejected_file
from malmoi_pipelines.raw.file_start import what_is_wrong
from malmoi_pipelines.raw.formats import Format
from malmoi_pipelines.raw.json_lines import read_json_lines
from malmoi_pipelines.raw.json_trees import read_json
from malmoi_pipelines.raw.plain_text import read_text
from malmoi_pipelines.raw.rows import RawBlock, new_block
from malmoi_pipelines.raw.tasks import FilePart
from malmoi_pipelines.raw.warc import read_warc

BLOCK_BYTES = 8 << 20  # bytes of input a block: rows and row groups of the output are cut by it

_READERS: dict[Format, Callable[[FilePart, ReadOptions, int], Iterator[RawBlock]]] = {
    "jsonl": read_json_lines,
    "json": read_json,
    "text": read_text,
    "csv": read_delimited,
    "tsv": read_delimited,
    "warc": read_warc,
}

_TABLE_READERS: dict[Format, Callable[[FilePart, ReadOptions, int, OptionsFor], Iterator[RawBlock]]] = {
    "parquet": read_parquet,
    "arrow": read_arrow,
}


def read_blocks(
    part: FilePart, options: ReadOptions, block_bytes: int = BLOCK_BYTES, *, options_for: OptionsFor | None = None
) -> Iterator[RawBlock]:
    """The documents and bad lines of one part of a file.

    Args:
        part: what to read.
        options: names of the fields, limits, and what a damaged file means.
        block_bytes: uncompressed bytes a block.
        options_for: how the rows of a source are read that a rejects table holds of it; None: with `options`.

    Yields:
        At least one block, so that what was read can be told from what was not.

    Raises:
        BadInputError: the file cannot be opened, is damaged and `on_bad_file` is `fail`, or is a table without a text
            column and it is not `reject`.
    """
    given = False
    try:
        for block in _blocks(part, options, block_bytes, options_for or (lambda _source: options)):
            given = True
            yield block
    except WrongFileError as error:
        if options.on_bad_file != "reject":
            cause = what_is_wrong(part.file.path, part.file.kind)
            raise BadInputError(error.message + (f" The file is {cause}." if cause else ""), error.hint) from None
        if part.number == 0:
            yield rejected_file(part, error.reason)
        return
    if not given:
        yield new_block(part)  # a part in which there is nothing was read, too


def _blocks(part: FilePart, options: ReadOptions, block_bytes: int, options_for: OptionsFor) -> Iterator[RawBlock]:
    form = part.file.format
    if form in _TABLE_READERS:
        return _TABLE_READERS[form](part, options, block_bytes, options_for)
    form = "json" if form == "jsonl" and options.records is not None else form
    return _READERS[form](part, options, block_bytes)
