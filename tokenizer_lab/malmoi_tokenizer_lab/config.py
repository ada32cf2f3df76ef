"""Configuration of `expand`."""

import math
from typing import Any, Literal

from malmoi_pipelines.contracts.config import Config
from pydantic import Field, field_validator, model_validator

from malmoi_tokenizer_lab.loop.intermediate import CandidateSource
from malmoi_tokenizer_lab.loop.policies import PolicyName
from malmoi_tokenizer_lab.row_names import ROW_NAME

CUTOFF_BYTES = 100_000_000_000
"""Corpus size in bytes to which the published cutoff of 6,000 belongs (KoSOLAR and EEVE cards: 100 GB)."""

MAX_WEIGHT = 1_000
"""Of a source."""

LEAST_CUTOFF = 2
"""No cutoff is below this: a token seen once teaches nothing."""


class ExpandConfig(Config):
    """Settings of the fixed-point loop. The defaults are those of KoSOLAR and EEVE: 32,000 + 8,960 = 40,960 rows."""

    base: str | None = None
    """Tokenizer to extend: a SentencePiece `.model`, a byte-level `tokenizer.json` or `tekken_*.json`, a folder with
    one, or its name on the hub. null: `default`, the 32,000-piece model of Mistral-7B v0.1 and SOLAR-10.7B, from the
    installed mistral-common package."""
    candidates: CandidateSource | None = None
    """Where the candidates come from: the pieces of an `intermediate` Korean tokenizer, or `continued` BPE training of
    the base. null: `intermediate`; for a byte-level base `continued`, the only one that suits it."""
    intermediate_vocab_size: int = Field(40_000, ge=300)
    """Pieces, single letters included, of the intermediate Korean tokenizer that the candidates are taken from; where
    training is continued, most candidates."""
    train_min_count: int = Field(2, ge=1)
    """Least count of a unit, and of a pair, to train the intermediate on; raise it to train in less memory. Units seen
    once are 72 % of the types and 11 % of the mass; whatever this says, they are counted."""
    cutoff: int | None = Field(None, ge=1)
    """Least occurrences of a token. null: `cutoff_per_100gb` scaled to the corpus."""
    cutoff_per_100gb: int = Field(6_000, ge=1)
    """The cutoff of a corpus of 100 GB."""
    budget: int | None = Field(8_960, ge=1)
    """Most new rows K, reserved rows and masks included. null: all that reach the cutoff."""
    policy: PolicyName = "leaf-first"
    """How the loop drops tokens (docs/tokenizer.md)."""
    scaffolds: Literal["resolve", "keep"] = "resolve"
    """What becomes of a token below the cutoff that a token above it is made from: `resolve` drops it, or what is made
    from it, so that every token reaches the cutoff; `keep` keeps both, for 0.1 to 0.2 % fewer tokens in the text."""
    compare: tuple[PolicyName, ...] = ()
    """Other policies to run on the same candidates and put beside it in the report; nothing else is written of them."""
    allow: str | None = None
    """A file with one piece a line (`#` starts a comment, a space or U+2581 a word): these are kept whatever their
    count, with what they are made from."""
    deny: str | None = None
    """A file with one piece a line: these are never candidates."""
    weights: dict[str, float] = {}
    """How often each source counts, e.g. {books: 3, web: 0.5}; those not named count once. In steps of a thousandth;
    a unit's sum is rounded to whole occurrences."""
    held_out: tuple[str, ...] = ()
    """Word tables of text to evaluate on. None given: the held-out part of the word tables, if they have one."""
    parallel: str | None = None
    """A JSON Lines file with `text_ko` and `text_en`, translations of each other: to evaluate parity."""
    reserved: tuple[str, ...] = ("<|im_end|>", "<|im_start|>")
    """Rows for special tokens, first of the new ids (EEVE: 32000 is `<|im_end|>`); plain text never encodes to them."""
    masks: tuple[str, ...] = ("<|acc|>", "<|rrn|>", "<|tell|>")
    """Masks of personal data that encode to one token wherever they stand in a text."""
    morphemes: bool = True
    """Whether to ask a morpheme analyser (kiwipiepy, some seconds) how often tokens end where morphemes do."""
    pad_multiple: int = Field(64, ge=1)
    """The vocabulary size is a multiple of it: `<|reserved_N|>` rows fill up, never beyond the budget."""
    max_rounds: int = Field(1_000, ge=1)
    """Guard against a loop that does not end; 10 to 30 rounds are usual."""
    num_threads: int = Field(2, ge=1)
    """Threads to count with. The output does not depend on it."""

    @field_validator("policy", "compare", mode="before")
    @classmethod
    def _drops(cls, given: Any) -> Any:
        # What was a policy once must not end in a list of those there are.
        if given == "continued":
            raise ValueError("it proposes tokens and drops none. Set candidates = 'continued', and policy as you like.")
        if isinstance(given, list | tuple) and "continued" in given:
            raise ValueError(
                "'continued' proposes tokens and drops none, and policies are compared on the same candidates. Make a "
                "second tokenizer with candidates = 'continued'; `malmoi tokenizer compare` puts both side by side."
            )
        return given

    @field_validator("weights")
    @classmethod
    def _not_negative(cls, weights: dict[str, float]) -> dict[str, float]:
        for source, weight in weights.items():
            if not 0 <= weight <= MAX_WEIGHT:
                raise ValueError(f"a weight is from 0 to {MAX_WEIGHT}. Got {weight} for {source!r}.")
        return weights

    @field_validator("reserved", "masks")
    @classmethod
    def _plain_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not ROW_NAME.fullmatch(name):
                raise ValueError(f"a name must look like <|name|>: lower case, digits and _. Got {name!r}.")
        return names

    @model_validator(mode="after")
    def _distinct_rows(self) -> "ExpandConfig":
        rows = [*self.reserved, *self.masks]
        if len(set(rows)) != len(rows):
            raise ValueError(f"reserved and masks must be distinct. Got {rows}.")
        return self

    @property
    def fixed_rows(self) -> int:
        """New rows that are not chosen by the loop."""
        return len(self.reserved) + len(self.masks)


def resolve_cutoff(config: ExpandConfig, num_bytes: int) -> int:
    """The cutoff for a corpus of `num_bytes` UTF-8 bytes: in proportion, rounded up, at least 2.

    6,000 in 100 GB is a frequency of 60 per GB; unscaled it would empty the vocabulary of a small corpus.

    >>> resolve_cutoff(ExpandConfig(), 100_000_000_000), resolve_cutoff(ExpandConfig(), 137_000_000)
    (6000, 9)
    """
    if config.cutoff is not None:
        return config.cutoff
    # In integers: a cutoff must not hang on the rounding of a float.
    return max(LEAST_CUTOFF, -(-config.cutoff_per_100gb * num_bytes // CUTOFF_BYTES))


def token_budget(config: ExpandConfig, base_size: int) -> float:
    """Most tokens the loop may choose: K less the fixed rows, taken down so that the padded vocabulary stays within K.

    >>> token_budget(ExpandConfig(), 32_000)
    8955
    >>> token_budget(ExpandConfig(budget=1000, pad_multiple=128), 32_000)  # 32,896 = 257 x 128 rows
    891
    """
    if config.budget is None:
        return math.inf
    total = (base_size + config.budget) // config.pad_multiple * config.pad_multiple
    return total - base_size - config.fixed_rows
