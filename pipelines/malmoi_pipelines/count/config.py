"""Configuration of `malmoi count`."""

from pydantic import Field

from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.raw.config import InputConfig


class CountConfig(InputConfig):
    """How the word table is made."""

    units: UnitKind = "metaspace"
    """The rule by which texts are cut (`malmoi_pipelines.text.units`): `metaspace` for SentencePiece bases, else
    `byte-level`."""
    held_out_share: float = Field(0, ge=0, lt=1)
    """Share of the documents that are kept out of the table and counted in `held_out/` instead, to evaluate on. Which
    ones depends on source and id only."""
    partition_bytes: int = Field(128_000_000, ge=1)
    """UTF-8 bytes of corpus text for each hash partition of the table, i.e. for each file."""
