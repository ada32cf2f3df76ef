"""The extended tokenizer as training needs it: ids, and how the rows of its new tokens begin."""

from dataclasses import dataclass
from typing import Any

from malmoi_pipelines.contracts.errors import CheckError, UsageError
from malmoi_pipelines.contracts.hangul import SPACE_MARK
from malmoi_pipelines.contracts.schemas import NEW_TOKENS
from malmoi_pipelines.contracts.tables import read_table
from transformers import AutoTokenizer

from malmoi_trainer.model.surgery import NewRows


@dataclass(frozen=True)
class ExtendedTokenizer:
    """A tokenizer folder, read."""

    processor: Any
    """The Hugging Face tokenizer."""
    base_size: int
    """Tokens of the base; the new ones follow."""
    rows: NewRows

    @property
    def vocab_size(self) -> int:
        """Tokens in all."""
        return self.base_size + len(self.rows.base_ids)


def load_tokenizer(folder: str) -> ExtendedTokenizer:
    """Read a local tokenizer folder.

    Raises:
        UsageError: it adds no tokens.
        CheckError: the new ids do not follow the base's without a gap, or are spelled with one another.
    """
    table = read_table(folder, NEW_TOKENS)
    ids, base_ids = table["id"].to_pylist(), table["base_ids"].to_pylist()
    if not ids:
        raise UsageError(f"{folder} adds no tokens: there are no rows to grow.", hint="expand with a lower cutoff")
    processor = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    vocabulary, first = processor.get_vocab(), ids[0]
    if ids != list(range(first, first + len(ids))) or first + len(ids) != len(vocabulary):
        raise CheckError(
            f"{folder}: the new tokens must be the last ids of the vocabulary of {len(vocabulary)}, without a gap. "
            f"Got {len(ids)} ids from {ids[0]} to {ids[-1]}."
        )
    if (highest := max((max(spelling, default=0) for spelling in base_ids), default=0)) >= first:
        raise CheckError(f"{folder}: base_ids must be ids of the base, below {first}. Got {highest}.")
    rows = NewRows(tuple(tuple(spelling) for spelling in base_ids), vocabulary.get(SPACE_MARK))
    return ExtendedTokenizer(processor, first, rows)
