"""The extended tokenizer as training needs it: ids, and how the rows of its new tokens begin."""

from dataclasses import dataclass

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import CheckError, UsageError
from malmoi_pipelines.contracts.hangul import SPACE_MARK
from malmoi_pipelines.contracts.json_files import read_object
from malmoi_pipelines.contracts.schemas import NEW_TOKENS
from malmoi_pipelines.contracts.tables import read_table
from malmoi_pipelines.tokenizers.finding import CONFIG_FILE
from malmoi_pipelines.tokenizers.json_spec import token_name
from malmoi_pipelines.tokenizers.opening import open_encoder

from malmoi_trainer.model.surgery import NewRows


@dataclass(frozen=True)
class ExtendedTokenizer:
    """A tokenizer folder, read."""

    pieces: tuple[str | None, ...]
    """The spelling of each id; None where no token has the id."""
    base_size: int
    """Tokens of the base; the new ones follow."""
    rows: NewRows
    bos: int | None
    eos: int | None
    pad: int | None

    @property
    def vocab_size(self) -> int:
        """Tokens in all."""
        return self.base_size + len(self.rows.base_ids)


def load_tokenizer(folder: str) -> ExtendedTokenizer:
    """Read a tokenizer folder of `malmoi expand`.

    Raises:
        UsageError: it adds no tokens.
        CheckError: the new ids do not follow the base's without a gap, or are spelled with one another.
    """
    table = read_table(folder, NEW_TOKENS)
    ids, base_ids = table["id"].to_pylist(), table["base_ids"].to_pylist()
    if not ids:
        raise UsageError(f"{folder} adds no tokens: there are no rows to grow.", hint="expand with a lower cutoff")
    encoder, first = open_encoder(folder), ids[0]
    if ids != list(range(first, first + len(ids))) or first + len(ids) != encoder.vocab_size:
        raise CheckError(
            f"{folder}: the new tokens must be the last ids of the vocabulary of {encoder.vocab_size}, without a gap. "
            f"Got {len(ids)} ids from {ids[0]} to {ids[-1]}."
        )
    if (highest := max((max(spelling, default=0) for spelling in base_ids), default=0)) >= first:
        raise CheckError(f"{folder}: base_ids must be ids of the base, below {first}. Got {highest}.")
    pieces = encoder.pieces()
    vocabulary = {piece: index for index, piece in enumerate(pieces) if piece is not None}
    rows = NewRows(tuple(tuple(spelling) for spelling in base_ids), vocabulary.get(SPACE_MARK))
    pad = token_name(read_object(files.join(folder, CONFIG_FILE)).get("pad_token"))
    pad_id = None if pad is None else vocabulary.get(pad)
    return ExtendedTokenizer(tuple(pieces), first, rows, encoder.bos, encoder.eos, pad_id)
