"""The settings of the dedupe stage, with their sources."""

from typing import Literal

from pydantic import Field, model_validator

from malmoi_pipelines.contracts.config import Config
from malmoi_pipelines.dedupe.normalise import Fold
from malmoi_pipelines.raw.config import InputConfig

SHINGLE_SIZES = {"eojeol": 5, "syllables": 12}


class Guards(Config):
    """Limits that stop the stage before a mistake is published; the error names examples.

    Documents that repeat an earlier corpus (`--against`) do not count: that is what it was named for. Sources of fewer
    than `from_documents` documents are not guarded, and no cluster below it: shares of a handful say little.
    """

    near_share: float = Field(default=0.5, ge=0.0, le=1.0)
    """Largest share (0..1) of a source's documents that may go as near duplicates. Measured: 0.46 on documentation with
    several versions of each page, 0.16 on court decisions, 0.02 or less on reviews, novels and notices."""
    exact_share: float = Field(default=0.5, ge=0.0, le=1.0)
    """Largest share (0..1) of a source's documents that may go as exact duplicates. More may mean that files were given
    twice. Measured: 0.10 at most."""
    removed_share: float = Field(default=0.75, ge=0.0, le=1.0)
    """Largest share (0..1) of a source's documents that may go for any reason, repeated lines among them; or one of the
    two above, if it is larger."""
    cluster_share: float = Field(default=0.005, ge=0.0, le=1.0)
    """Largest share (0..1) of all documents in one cluster of duplicates."""
    short_share: float = Field(default=0.5, ge=0.0, le=1.0)
    """Largest share (0..1) of a source's documents that are shorter than a shingle, which near dedupe cannot judge."""
    from_documents: int = Field(default=100, ge=1)
    """Documents from which on a source, or a cluster, is guarded: shares of a handful say little."""


class RepeatedLines(Config):
    """Removal of lines or paragraphs that many documents share, such as headers and footers of a site (as in C4).

    The first document in the total order keeps the line. Compared are dedupe forms; lines that are kept stay as they
    are.
    """

    unit: Literal["line", "paragraph"] = "line"
    """Paragraphs are separated by empty lines."""
    min_chars: int = Field(default=10, ge=1)
    """Lines with fewer letters and digits stay: closing braces, rules and headings repeat by nature."""
    before_near: bool = False
    """Near dedupe does not look at the repeated lines. Pages of a site with much of its own text around little of
    theirs are alike else, and go before their lines can: 148 of 150 pages with different articles went."""
    min_documents: int = Field(default=10, ge=2)
    """Documents that must hold a line before it counts as repeated. Look at the table `lines` first: of court decisions
    10 takes 7 % of the text, legal formulas among it (3: 10 %, 50: 5 %), of notices 3 %, of reviews and novels
    nothing."""


class DedupeConfig(InputConfig):
    """What counts as a duplicate, and what share of a source may go before the stage stops.

    The defaults find a pair with probability 1 - (1 - s^rows)^bands at Jaccard similarity s: 0.977 at 0.8, 0.998 at
    0.85 and 0.12 at 0.5. Every pair found is then verified exactly: bands and rows decide recall and cost, not
    precision.
    """

    source_priority: tuple[str, ...] = ()
    """Of equally long documents, those of the sources named earlier survive; sources not named come last."""
    near: bool = True
    """Remove near duplicates too; exact duplicates always go."""
    fold: tuple[Fold, ...] = ()
    """What near duplicates and repeated lines may differ in: `digits`, `punctuation` (with symbols), `case`. Exact
    duplicates are equal but for white space, and case if it is named. Folded digits make one of all filled-in forms:
    measured in benchmarks/results/dedupe-fold_202612.md."""
    shingle: Literal["eojeol", "syllables"] = "eojeol"
    """What shingles are made of: whole eojeol, or characters without the spaces between them. One wrong space breaks
    five shingles of five eojeol but no shingle of syllables: for comments, chats and OCR. With syllables, forms with
    other names are more alike: a threshold of 0.85 keeps them apart (benchmarks/results/shingle-study_202611.md)."""
    shingle_size: int | None = Field(default=None, ge=1, le=64)
    """Eojeol or syllables in a shingle; without it 5 or 12. A shorter document goes only as an exact duplicate."""
    bands: int = Field(default=16, ge=1, le=128)
    """Bands of the signature; two documents meet when one band is equal."""
    rows: int = Field(default=7, ge=1, le=64)
    """MinHash values in a band."""
    max_chars: int = Field(default=500_000, ge=1)
    """Characters of a normalised document that enter its signature; verification reads all of it."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the MinHash permutations."""
    neighbours: int = Field(default=8, ge=0, le=64)
    """Earlier members of a bucket, besides its first, that each member is compared with. On treaties, which are full of
    common forms, recall was 0.90 with 1, 0.95 with 4 and 0.97 with 8; with 8 it was 0.99 on court decisions and
    notices."""
    bucket_cap: int = Field(default=10_000, ge=1)
    """Members of a bucket that are compared with neighbours; the shorter ones beyond it only with the first. Such
    buckets are counted in the report."""
    similarity: Literal["jaccard", "containment"] = "jaccard"
    """Shared shingles by those of either document, or by those of the removed document alone: the share of it that the
    survivor holds. Candidates are found by Jaccard similarity in either case."""
    threshold: float = Field(default=0.8, gt=0.0, le=1.0)
    """Least similarity of a removed document and its survivor. For containment 0.95 is a good start."""
    groups: Literal["star", "components"] = "star"
    """star: a document goes only if it is similar to a document that stays. components: all documents that are linked
    by similar pairs become one, however unlike the ends of a chain are."""
    component_rounds: int = Field(default=16, ge=1, le=64)
    """Rounds to gather linked documents in large jobs; the stage fails when they were not enough."""
    repeated_lines: RepeatedLines | None = None
    """Also remove lines or paragraphs that many documents share."""
    digests: bool = True
    """Keep the digests of the survivors, so that later runs can dedupe new documents against this corpus: some 150
    bytes a document."""
    guards: Guards = Guards()
    """Limits that stop the stage before a mistake is published; the error names examples."""

    @model_validator(mode="after")
    def _signature_size(self) -> "DedupeConfig":
        if self.bands * self.rows > 1024:
            raise ValueError(f"bands x rows must be at most 1024. Got {self.bands} x {self.rows}.")
        return self

    @property
    def lines_before_near(self) -> bool:
        """Whether near dedupe leaves repeated lines out."""
        return self.near and self.repeated_lines is not None and self.repeated_lines.before_near

    @property
    def exact_fold(self) -> tuple[Fold, ...]:
        """What exact duplicates may differ in, besides white space."""
        return ("case",) if "case" in self.fold else ()

    @property
    def permutations(self) -> int:
        """MinHash values in a signature."""
        return self.bands * self.rows

    @property
    def size(self) -> int:
        """Eojeol or syllables in a shingle."""
        return self.shingle_size or SHINGLE_SIZES[self.shingle]
