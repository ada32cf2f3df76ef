"""How short the corpus becomes: exact figures for base and extended tokenizer from the word table.

An eojeol of the word table is a Korean unit that starts with a space. Fertility counts the tokens of these units only:
the Hangul of a word, without the digits, Latin letters or punctuation written on to it. Words at the start of a line
have no space before them and cannot be told from endings such as the `년` of `2024년`; they are left out of both sides.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from tokenizer_lab.counting import corpus_tokens
from tokenizer_lab.words import Units

Lengths = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Efficiency:
    """Length of the corpus under one tokenizer."""

    corpus_tokens: int
    """Tokens of the whole corpus; documents' `<s>` not counted."""
    bytes_per_token: float
    """UTF-8 bytes of the corpus a token."""
    korean_bytes_per_token: float
    """The same over the Korean units only."""
    fertility: float
    """Tokens an eojeol."""


def efficiency(korean: Units, korean_lengths: Lengths, other_bytes: int, other_tokens: int) -> Efficiency:
    """Figures of one tokenizer.

    Args:
        korean: the Korean units.
        korean_lengths: tokens of each of them.
        other_bytes: UTF-8 bytes of all other units.
        other_tokens: tokens of all other units.
    """
    spaced = pc.starts_with(korean.text, " ").to_numpy(zero_copy_only=False)
    korean_tokens = corpus_tokens(korean_lengths, korean.counts)
    eojeol = int(korean.counts[spaced].sum())
    korean_bytes = korean.num_bytes
    return Efficiency(
        corpus_tokens=korean_tokens + other_tokens,
        bytes_per_token=(korean_bytes + other_bytes) / (korean_tokens + other_tokens),
        korean_bytes_per_token=korean_bytes / korean_tokens,
        fertility=corpus_tokens(korean_lengths[spaced], korean.counts[spaced]) / eojeol if eojeol else 0.0,
    )
