"""The configuration of a sample: how much text, from which sources, with what planted in it."""

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from malmoi_pipelines.contracts.config import Config
from malmoi_pipelines.contracts.sizes import parse_bytes

Size = BeforeValidator(parse_bytes, json_schema_input_type=int | str)
Rate = Annotated[float, Field(ge=0, le=0.2)]
RareRate = Annotated[float, Field(ge=0, le=0.02)]
Share = Annotated[float, Field(ge=0)]


class Shares(Config):
    """How the bytes are divided among the sources; the figures are relative to their sum."""

    web: Share = 0.32
    """Web pages in Korean."""
    reviews: Share = 0.30
    """Film reviews, a line or two each."""
    legal: Share = 0.13
    """Court decisions: long, formal prose."""
    english: Share = 0.10
    """English text."""
    parallel: Share = 0.15
    """Pairs of an English text and a Korean one."""

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
    """Copies of another document."""
    near_duplicate: Rate = 0.02
    """Copies with a few words changed."""
    related: Rate = 0.01
    """Documents that share about half of their words with another one: too little to be its duplicate."""
    pii: Rate = 0.02
    """A made-up registration number, bank account or phone number."""
    look_alike: Rate = 0.03
    """A number that looks like personal data and is none: dates, prices, order numbers."""
    mojibake: Rate = 0.003
    """UTF-8 that was read in another encoding."""
    nfd: Rate = 0.003
    """Hangul taken apart into jamo."""
    control: Rate = 0.003
    """Control and zero-width characters."""
    html: Rate = 0.003
    """Left-over tags and entities."""
    too_short: Rate = 0.003
    """Texts of a few characters."""
    literal_mask: Rate = 0.0005
    """A mask token such as `<|rrn|>` in the text as it comes."""
    truncated: RareRate = 0.0002
    """Lines cut off in the middle: no JSON."""
    invalid_utf8: RareRate = 0.0002
    """Lines with bytes that are no UTF-8."""

    @model_validator(mode="after")
    def _originals_left(self) -> "Rates":
        if sum(getattr(self, name) for name in type(self).model_fields) > 0.5:
            raise ValueError("the rates together must leave half of the documents as originals, so at most 0.5")
        return self


class SampleConfig(Config):
    """What `malmoi sample` makes."""

    bytes: Annotated[int, Field(ge=200_000, examples=["100MB"]), Size]
    """UTF-8 bytes of all raw lines together, uncompressed, such as 100MB; 200 kB at least."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Another seed gives another text."""
    shard_bytes: Annotated[int, Field(ge=100_000), Size] = 16_000_000
    """Most bytes of one file, uncompressed; 100 kB at least."""
    shares: Shares = Shares()
    """How the bytes are divided among the sources; the figures are relative to their sum."""
    rates: Rates = Rates()
    """Fraction of the documents of a source that carry each planting, where the source can carry it."""
