"""Configuration of `malmoi shard`."""

from pydantic import Field, field_validator

from malmoi_pipelines.raw.config import InputConfig


class ShardConfig(InputConfig):
    """How documents are sampled, encoded and packed."""

    sequence_length: int = Field(2048, ge=8)
    """Tokens of one packed example."""
    weights: dict[str, float] = {}
    """Expected copies of a document of a source: 0.5 keeps every second one, 2 writes each twice. Default 1."""
    new_token_bias: float = Field(1.0, ge=0)
    """A document of new tokens only is repeated 1 + bias times, one without them once (KoSOLAR, step 8)."""
    seed: int = Field(0, ge=0)
    """Seed of sampling and of the order of documents."""
    shard_bytes: int = Field(256_000_000, ge=1)
    """UTF-8 bytes of corpus text for each shard file."""

    @field_validator("weights")
    @classmethod
    def _not_negative(cls, weights: dict[str, float]) -> dict[str, float]:
        for source, weight in weights.items():
            if not 0 <= weight <= 1000:
                raise ValueError(f"the weight of source {source!r} must be between 0 and 1000, got {weight}")
        return weights
