"""Whether a tokenizer's tokens can be counted over units, and over which: one answer for every verb that counts so."""

from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.unit_kind import UnitKind
from malmoi_pipelines.tokenizers.encoder import Encoder


def check_countable(encoder: Encoder, name: str | None = None) -> UnitKind:
    """Check that units of a word table can be encoded one by one.

    Args:
        encoder: the tokenizer.
        name: what to call it; None: its path.

    Returns:
        The kind of units it needs.

    Raises:
        UsageError: it is no BPE tokenizer of the two kinds, or one whose settings let a unit depend on its neighbours.
    """
    called = name or encoder.path
    if encoder.units is None:
        raise UsageError(
            f"{called}: tokens can be counted by unit for SentencePiece BPE and byte-level BPE tokenizers only.",
            hint="use a tokenizer of the kind of Llama 2, Mistral, SOLAR, Llama 3, Qwen or Tekken",
        )
    if reason := encoder.obstacle():
        raise UsageError(
            f"{called}: token counts by unit would not be exact: {reason}.",
            hint="give its tokenizer.model if it has one, or use another tokenizer",
        )
    return encoder.units


def check_units(table: str, found: UnitKind, needed: UnitKind) -> None:
    """Check that a word table is cut as a tokenizer needs it.

    Raises:
        UsageError: it is not.
    """
    if found != needed:
        raise UsageError(
            f"{table} holds {found} units, this tokenizer is counted exactly over {needed} units.",
            hint=f"make the table with `malmoi count --units {needed}`",
        )
