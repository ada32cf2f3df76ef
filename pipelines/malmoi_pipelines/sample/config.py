"""The configuration of a sample: how much text, from which sources, with what planted in it."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from malmoi_pipelines.contracts.config import Config

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


def parse_bytes(value: Any) -> Any:
    """Read a size such as `100MB` or `1.5 GiB` as bytes; other types are left to pydantic.

    >>> parse_bytes("1.5MB"), parse_bytes("2KiB"), parse_bytes(10)
    (1500000, 2048, 10)
    """
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value)
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError("must be a number of bytes with an optional unit, for example 500kB, 100MB or 1GiB")
    return round(float(match[1]) * _UNITS[match[2].lower()])


Bytes = Annotated[int, BeforeValidator(parse_bytes)]
Rate = Annotated[float, Field(ge=0, le=0.2)]
RareRate = Annotated[float, Field(ge=0, le=0.02)]
Share = Annotated[float, Field(ge=0)]


class Shares(Config):
    """How the bytes are divided among the sources; the figures are relative to their sum."""

    web: Share = 0.32
    reviews: Share = 0.30
    legal: Share = 0.13
    english: Share = 0.10
    parallel: Share = 0.15

    @model_validator(mode="after")
    def _some_source(self) -> "Shares":
        if sum(self.of_sources().values()) <= 0:
            raise ValueError("at least one source must have a share above 0")
        return self

    def of_sources(self) -> dict[str, float]:
        """Source → share, in the order of the fields."""
        return {name: float(getattr(self, name)) for name in type(self).model_fields}


class Rates(Config):
    """Fraction of the documents of a source that carry each planting, where the source can carry it."""

    exact_duplicate: Rate = 0.03
    near_duplicate: Rate = 0.02
    related: Rate = 0.01
    pii: Rate = 0.02
    look_alike: Rate = 0.03
    mojibake: Rate = 0.003
    nfd: Rate = 0.003
    control: Rate = 0.003
    html: Rate = 0.003
    too_short: Rate = 0.003
    literal_mask: Rate = 0.0005
    truncated: RareRate = 0.0002
    invalid_utf8: RareRate = 0.0002

    @model_validator(mode="after")
    def _originals_left(self) -> "Rates":
        if sum(getattr(self, name) for name in type(self).model_fields) > 0.5:
            raise ValueError("the rates together must leave half of the documents as originals, so at most 0.5")
        return self


class SampleConfig(Config):
    """What `malmoi sample` makes."""

    bytes: Annotated[Bytes, Field(ge=200_000)]
    """UTF-8 bytes of all raw lines together, uncompressed."""
    seed: Annotated[int, Field(ge=0)] = 0
    shard_bytes: Annotated[Bytes, Field(ge=100_000)] = 16_000_000
    """Most bytes of one file, uncompressed."""
    shares: Shares = Shares()
    rates: Rates = Rates()
