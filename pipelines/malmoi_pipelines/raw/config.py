"""How input is found and read: what its fields mean, what a damaged file means, how many lines may be unreadable."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from malmoi_pipelines.contracts.config import Config
from malmoi_pipelines.raw.formats import Format

IGNORE = ("README*", "LICENSE*", "*.md")
"""Patterns of file names that are passed over in folders and globs unless told otherwise."""


TextPart = str | dict[Literal["first"], Annotated[tuple[str, ...], Field(min_length=1)]]
"""The path to a part of a text, or `first`: several, of which the first that leads to a text is taken."""


class Columns(Config):
    """Which field or column of the input holds what: its name, or a path to it.

    A path: `metadata.title` is a field of a field, `paragraph[*].form` that of each item of a list, `.` the record
    itself, `^.title` a field of the object around it. A field that is called so, dots and all, wins.
    """

    text: TextPart | Annotated[tuple[TextPart, ...], Field(min_length=1)] = "text"
    """The document's text. Several paths, and the strings of a list, are parts of it, joined by `join`; of
    `{first: [PATHS]}` the first path that leads to a text is taken."""
    id: str | None = "id"
    """Its id; a document without one gets an id derived from its source and text. null: always derived."""
    source: str | None = "source"
    """Its source; a document that names none belongs to its folder. null: always the folder."""
    meta: dict[str, str] | None = None
    """Name in `meta` → field of the input, for the fields to keep. null: every other field, under its own name.

    Our own tables are input, too, and have their own column names; of them null ids and sources hold, and of `meta`
    the fields that it holds already."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if {} in self.text_parts:
            raise ValueError("a mapping needs the key first: {first: [PATH, PATH]}")
        names = [name for name in (*self.text_parts, self.id, self.source) if isinstance(name, str)]
        if len(set(names)) < len(names):
            raise ValueError("text, id and source must be different fields")
        return self

    @property
    def text_parts(self) -> tuple[TextPart, ...]:
        """What the text is made of."""
        return self.text if isinstance(self.text, tuple) else (self.text,)

    @property
    def text_paths(self) -> tuple[tuple[str, ...], ...]:
        """Of each part the paths to it, of which the first that leads to a text is taken.

        >>> Columns(text=["title", {"first": ["body", "content"]}]).text_paths
        (('title',), ('body', 'content'))
        """
        return tuple((part,) if isinstance(part, str) else part["first"] for part in self.text_parts)

    @property
    def text_names(self) -> str:
        """All of them, for a message."""
        return ", ".join(repr(path) for part in self.text_paths for path in part)


ErrorBudget = Annotated[float, Field(ge=0, le=1)]


class ReadOptions(Config):
    """How the files of a source are read."""

    format: Format | None = None
    """What the files hold, for names that do not say it (`part-00000`, `.log`). null: told by the extension."""
    records: str | None = None
    """Of JSON: the path to the records, such as `document[*]`. null: the items of a list, or each value itself."""
    columns: Columns = Columns()
    """Which field or column of the input holds what."""
    join: str = "\n"
    """What stands between the parts of a text that has several."""
    any_case: bool = False
    """Whether fields are found written in other letters than `columns` and `records` say, `Text` for `text`."""
    document: Literal["line", "file"] = "line"
    """Of plain text: whether each line is a document, or each file."""
    header: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Of CSV and TSV: names of the columns, where the files have no header row. null: the first row names them."""
    quoted: bool | None = None
    """Of CSV and TSV: whether `"` encloses fields that hold delimiters and line ends. null: in CSV, not in TSV."""
    escape: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Of CSV and TSV with quoting: the character before a quote that is text, where quotes are not doubled: the
    backslash of Spark and MySQL."""
    main_content: bool = True
    """Of web pages in WARC: only what looks like the main content, without navigation; or all visible text."""
    max_line_bytes: Annotated[int, Field(ge=1)] = 256 << 20
    """Longest line, row, whole-file text or web page that is read, in bytes as stored uncompressed; longer ones are
    rejected. Of a row of Parquet or Arrow the text counts, as UTF-8."""
    on_bad_file: Literal["budget", "reject", "fail"] = "budget"
    """A file that is truncated, corrupt or not what its name says. What can be read of it is kept, and each row that is
    known to be missing counts as failed, or the place where reading stops as one. budget: `error_budget` holds for the
    lost bytes, too, and a file of which nothing can be read fails the stage. reject: neither. fail: any damage fails
    the stage."""

    @field_validator("header")
    @classmethod
    def _no_name_twice(cls, header: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if header is not None and len(set(header)) < len(header):
            raise ValueError("each column needs a name of its own")
        return header


class InputConfig(Config):
    """How a stage finds and reads its documents: the same settings in every stage that reads any."""

    read: ReadOptions = ReadOptions()
    """How files are read: their format and fields, and what a damaged one means."""
    source: str | None = None
    """Source of all documents that name none of their own. null: the folder they lie in."""
    ignore: tuple[str, ...] = IGNORE
    """Patterns of file names that are passed over in folders and globs; a file named by itself is always read."""
    error_budget: ErrorBudget = 0.001
    """Share of documents that may fail (not be readable) before the stage does; and, apart, of the stored bytes that
    may be lost in damaged files (see `read.on_bad_file`). One failure is always allowed beside documents that could be
    read, unless the budget is 0."""

    def read_options(self, source: str) -> ReadOptions:
        """How the files of a source are read: all alike, unless a stage has policies by source."""
        del source
        return self.read
