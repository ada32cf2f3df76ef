"""Configuration of `malmoi lm train`."""

from typing import Self

from pydantic import Field, model_validator

from malmoi_pipelines.lm.sentences import EOJEOL, FOLD, Normalisation
from malmoi_pipelines.raw.config import InputConfig
from malmoi_pipelines.text.normalise import NormaliseOptions
from malmoi_pipelines.text.pii import PiiOptions

# Of film reviews and the same with random syllables, a model of reviews tells the second with an AUC of 0.94 at 0, of
# 0.955 at 1 million and of 0.967 at 10 million; above, ordinary rare words weigh too much (docs/log.md).
EOJEOL_TYPES = 10_000_000


class LmConfig(InputConfig):
    """How a language model is made of a reference corpus."""

    order: int = Field(3, ge=2, le=6)
    """Words of the longest n-grams; kenlm reads 2 to 6."""
    tokenizer: str = EOJEOL
    """`eojeol` (words between spaces), or a tokenizer with a SentencePiece model: its folder or file, `default`, or a
    name of the hub. The model is copied into the folder."""
    normalisation: Normalisation = FOLD
    """What is done to a text before it is tokenised, here and when scored: see `malmoi_pipelines.lm.sentences`."""
    min_count: int = Field(2, ge=1)
    """Words that occur less often are unknown. The model never predicts them: their mass goes to all words alike."""
    word_types: int | None = Field(None, ge=0)
    """Words that the language has, known to the model or not. They share what is left for unseen words: the more, the
    less likely an unknown one. 0: as many as the model knows and one. null: 10 million eojeol, or 0 for pieces."""
    prune: tuple[int, ...] = (0, 0, 1)
    """Leave out n-grams that occur no more often than this, by length from 1; the last value holds for longer ones."""
    held_out: float = Field(0.01, ge=0, le=0.5)
    """Share of the documents, chosen by a hash of their text, that is not learnt from but scored for the report."""
    normalise: NormaliseOptions = NormaliseOptions()
    """What is done to a text beyond what every text needs."""
    pii: PiiOptions = PiiOptions()
    """Personal data is masked before anything is learnt: a model holds what it has read."""
    task_bytes: int = Field(16 << 20, ge=1)
    """Stored bytes of input for each task."""
    partition_bytes: int = Field(24 << 20, ge=1)
    """UTF-8 bytes of text for each hash partition of the n-grams: bounds the memory of a worker."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.prune or self.prune[0] != 0:
            raise ValueError("prune must begin with 0: rare words are left out by min_count")
        if "prune" in self.model_fields_set and len(self.prune) > self.order:
            raise ValueError(f"prune has {len(self.prune)} values, order is {self.order}")
        if list(self.prune) != sorted(self.prune):
            raise ValueError("prune must not decrease: parts of n-grams that are kept must be kept")
        return self

    def language_words(self) -> int:
        """`word_types`, resolved."""
        if self.word_types is not None:
            return self.word_types
        return EOJEOL_TYPES if self.tokenizer == EOJEOL else 0

    def threshold(self, order: int) -> int:
        """Occurrences up to which n-grams of an order are left out."""
        return self.prune[min(order, len(self.prune)) - 1]
