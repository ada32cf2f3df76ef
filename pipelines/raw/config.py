"""How raw files are read: what their fields mean, what a damaged file means, how long a line may be."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipelines.contracts.config import Config

IGNORE = ("README*", "LICENSE*", "*.md")
"""Patterns of file names that are passed over in folders and globs unless told otherwise."""


class Columns(Config):
    """Which field or column of the input holds what."""

    text: str = "text"
    """The document's text."""
    id: str | None = "id"
    """Its id; a document without one gets an id derived from its source and text. null: always derived."""
    source: str | None = "source"
    """Its source; a document that names none belongs to its folder. null: always the folder."""
    meta: dict[str, str] | None = None
    """Name in `meta` → field of the input, for the fields to keep. null: every other field, under its own name."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [name for name in (self.text, self.id, self.source) if name is not None]
        if len(set(names)) < len(names):
            raise ValueError("text, id and source must be different fields")
        return self


class ReadOptions(Config):
    """How the files of a source are read."""

    columns: Columns = Columns()
    max_line_bytes: Annotated[int, Field(ge=1)] = 256 << 20
    """Longest line that is read, in bytes as stored uncompressed; a longer one is rejected as `line_too_long`."""
    on_bad_file: Literal["reject", "fail"] = "reject"
    """A truncated or corrupt file: keep what comes before the damage and count it as one failure, or fail."""
