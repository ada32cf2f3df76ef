"""Configuration of `malmoi count`."""

from pydantic import Field

from pipelines.contracts.config import Config


class CountConfig(Config):
    """How the word table is made. How a text is cut into units is fixed: see `pipelines.text.units`."""

    columns: dict[str, str] = {}
    """Our column name → the input's, where they differ."""
    partition_bytes: int = Field(128_000_000, ge=1)
    """UTF-8 bytes of corpus text for each hash partition of the table, i.e. for each file."""
