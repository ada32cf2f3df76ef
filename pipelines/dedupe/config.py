"""The settings of the dedupe stage, with their sources."""

from pydantic import Field, model_validator

from pipelines.contracts.config import Config


class DedupeConfig(Config):
    """What counts as a duplicate, and what share of a source may go before the stage stops.

    The defaults find a pair with probability 1 - (1 - s^rows)^bands at Jaccard similarity s: 0.92 at 0.8, 0.99 at 0.85
    and 0.05 at 0.5. Every pair found is then verified exactly, so bands and rows decide recall and cost, not precision.
    """

    columns: dict[str, str] = {}
    """Our column name → the input's, where they differ."""
    near: bool = True
    """Remove near duplicates too; exact duplicates always go."""
    shingle_words: int = Field(default=5, ge=1, le=64)
    """Consecutive eojeol in a shingle. A document with fewer equals only its exact duplicates."""
    bands: int = Field(default=14, ge=1, le=128)
    """Bands of the signature; two documents meet when one band is equal."""
    rows: int = Field(default=8, ge=1, le=64)
    """MinHash values in a band."""
    neighbours: int = Field(default=8, ge=0, le=64)
    """Earlier members of a bucket, besides its first, that each member is compared with. On treaties, which are full of
    common forms, recall was 0.90 with 1, 0.95 with 4 and 0.97 with 8; with 8 it was 0.99 on court decisions and
    notices."""
    threshold: float = Field(default=0.8, gt=0.0, le=1.0)
    """Least Jaccard similarity (0..1) of the shingle sets of a removed document and its survivor."""
    max_chars: int = Field(default=500_000, ge=1)
    """Characters of a normalised document that enter its signature; verification reads all of it."""
    max_removed_share: float = Field(default=0.5, ge=0.0, le=1.0)
    """Largest share (0..1) of a source's documents that may go as near duplicates; above it the stage fails. Measured:
    0.46 on documentation with several versions of each page, 0.16 on court decisions, 0.02 or less on reviews, novels
    and notices. A source that is known to repeat itself more needs a higher limit."""
    guard_documents: int = Field(default=100, ge=0)
    """Sources with fewer documents are not guarded: a share of a handful says little."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the MinHash permutations."""

    @model_validator(mode="after")
    def _signature_size(self) -> "DedupeConfig":
        if self.bands * self.rows > 1024:
            raise ValueError(f"bands x rows must be at most 1024. Got {self.bands} x {self.rows}.")
        return self

    @property
    def permutations(self) -> int:
        """MinHash values in a signature."""
        return self.bands * self.rows
