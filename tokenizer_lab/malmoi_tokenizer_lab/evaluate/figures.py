"""Figures of one tokenizer on one part of a word table: exact, by arithmetic on distinct units.

An eojeol of a word table is a unit with a Hangul letter that starts with a space. Fertility counts the tokens of these
units only: the Hangul of a word, without the digits, Latin letters or punctuation written on to it. Words at the start
of a line have no space before them and cannot be told from endings such as the `년` of `2024년`; they are left out for
every tokenizer alike. A plain eojeol is one space and letters, nothing else: runs of spaces, which no tokenizer here
joins to a word, are left out of what is said about words as types (STRR, morphemes).

Bytes and characters are those of the units: for SentencePiece bases, with the one space before each document.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from malmoi_pipelines.contracts.arrays import F64, I64, Bool, offsets, ranges
from malmoi_pipelines.contracts.hangul import LETTER_CLASS
from malmoi_pipelines.tokenizers.tokens import Tokens

from malmoi_tokenizer_lab.evaluate.unit_table import UnitTable

RENYI_ALPHA = 2.5
"""Zouhar et al. 2023, Tokenization and the Noiseless Channel: the order that went best with translation quality."""

NUM_STRR = 1000
"""How many of the most frequent eojeol STRR looks at (arXiv 2510.09947)."""

_BATCH = 1 << 20  # units whose tokens are gathered at once


@dataclass(frozen=True)
class Figures:
    """How one tokenizer encodes one part of a table. None where there is nothing to divide by, or no such thing."""

    tokens: int
    tokens_per_eojeol: float | None
    tokens_per_character: float | None
    bytes_per_token: float | None
    korean_bytes_per_token: float | None
    """Over the units with a Hangul letter."""
    byte_share: float | None
    """Tokens that stand for one byte because no piece fits (line ends among them), of all tokens."""
    korean_byte_share: float | None
    """The same within the units with a Hangul letter: pieces of letters that are no token."""
    continued: float | None
    """Occurrences of eojeol that take more than one token, of all."""
    strr: float | None
    """Single-token retention: of the `NUM_STRR` most frequent plain eojeol, those that are one token."""
    renyi_efficiency: float | None
    """Renyi entropy of the tokens, of order `RENYI_ALPHA`, as a share of the most that as many types could have."""


@dataclass(frozen=True)
class UnitFacts:
    """What the units of a table are, whatever the tokenizer: one entry a unit."""

    num_bytes: I64
    num_characters: I64
    korean: Bool
    eojeol: Bool
    plain: Bool


def unit_facts(text: pa.LargeStringArray) -> UnitFacts:
    """The facts of units."""
    korean = _mask(pc.match_substring_regex(text, f"[{LETTER_CLASS}]"))
    return UnitFacts(
        num_bytes=pc.binary_length(text).to_numpy(zero_copy_only=False),
        num_characters=pc.utf8_length(text).to_numpy(zero_copy_only=False),
        korean=korean,
        eojeol=korean & _mask(pc.starts_with(text, " ")),
        plain=_mask(pc.match_substring_regex(text, f"^ [{LETTER_CLASS}]+$")),
    )


def _mask(values: pa.BooleanArray) -> Bool:
    return values.to_numpy(zero_copy_only=False).astype(np.bool_)


@dataclass(frozen=True)
class Slice:
    """One source of a table, or all of it."""

    source: str | None
    """None: all sources."""
    rows: I64
    """Units that occur, ascending."""
    counts: F64
    """How often each of them does."""
    top: I64
    """The `NUM_STRR` most frequent plain eojeol among them: by falling count, then UTF-8 bytes."""


def slices(table: UnitTable, facts: UnitFacts) -> list[Slice]:
    """All of the table, and then each source of it."""
    sources = [_slice(source, *table.of_source(source), facts) for source in table.sources]
    return [_slice(None, np.arange(len(table)), table.counts, facts), *sources]


def _slice(source: str | None, rows: I64, counts: F64, facts: UnitFacts) -> Slice:
    occur = counts > 0  # of a source with weight 0 nothing does
    rows, counts = rows[occur], counts[occur]
    return Slice(source, rows, counts, most_frequent(rows, counts, facts.plain, NUM_STRR))


def most_frequent(rows: I64, counts: F64, wanted: Bool, number: int) -> I64:
    """The most frequent of the `wanted` units, at most `number`: by falling count, then in the order of the table."""
    chosen = wanted[rows]
    rows, counts = rows[chosen], counts[chosen]
    return rows[np.argsort(-counts, kind="stable")[:number]]


@dataclass(frozen=True)
class Encoded:
    """A table's units in the tokens of one tokenizer."""

    tokens: Tokens
    lengths: I64
    """[units]: tokens."""
    byte_tokens: I64 | None
    """[units]: tokens of byte fallback among them; None for a byte-level tokenizer."""


def encoded(tokens: Tokens, byte_ids: frozenset[int], vocab_size: int) -> Encoded:
    """The tokens of a table's units, with what the figures need of them."""
    lengths = tokens.lengths.astype(np.int64)
    if not byte_ids:
        return Encoded(tokens, lengths, None)
    is_byte = np.zeros(vocab_size, np.bool_)
    is_byte[sorted(byte_ids)] = True
    running = np.concatenate([[0], np.cumsum(is_byte[tokens.ids], dtype=np.int64)])
    return Encoded(tokens, lengths, np.diff(running[offsets(lengths)]))


def token_counts(this: Encoded, part: Slice, vocab_size: int) -> F64:
    """Occurrences of each token in a slice, shape [vocab_size]."""
    starts = offsets(this.lengths)
    totals = np.zeros(vocab_size, np.float64)
    for first in range(0, len(part.rows), _BATCH):  # one entry a token of every unit at once would be large
        rows = part.rows[first : first + _BATCH]
        lengths = this.lengths[rows]
        ids = this.tokens.ids[ranges(starts[rows], lengths)]
        totals += np.bincount(ids, np.repeat(part.counts[first : first + _BATCH], lengths), minlength=vocab_size)
    return totals


def figures(this: Encoded, part: Slice, facts: UnitFacts, counts_by_token: F64) -> Figures:
    """The figures of one tokenizer on one slice.

    Args:
        this: the table in its tokens.
        part: the slice.
        facts: of the table's units.
        counts_by_token: occurrences of each token in the slice.
    """
    rows, counts = part.rows, part.counts
    lengths = this.lengths[rows]
    korean, eojeol = facts.korean[rows], facts.eojeol[rows]
    tokens = _sum(counts, lengths)
    korean_tokens = _sum(counts, lengths * korean)
    num_bytes, num_eojeol = facts.num_bytes[rows], _sum(counts, eojeol)
    byte_tokens = None if this.byte_tokens is None else this.byte_tokens[rows]
    return Figures(
        tokens=round(tokens),
        tokens_per_eojeol=_ratio(_sum(counts, lengths * eojeol), num_eojeol),
        tokens_per_character=_ratio(tokens, _sum(counts, facts.num_characters[rows])),
        bytes_per_token=_ratio(_sum(counts, num_bytes), tokens),
        korean_bytes_per_token=_ratio(_sum(counts, num_bytes * korean), korean_tokens),
        byte_share=None if byte_tokens is None else _ratio(_sum(counts, byte_tokens), tokens),
        korean_byte_share=None if byte_tokens is None else _ratio(_sum(counts, byte_tokens * korean), korean_tokens),
        continued=_ratio(_sum(counts, eojeol & (lengths > 1)), num_eojeol),
        strr=_ratio(float((this.lengths[part.top] == 1).sum()), len(part.top)),
        renyi_efficiency=renyi_efficiency(counts_by_token),
    )


def _sum(counts: F64, values: I64 | Bool) -> float:
    """Sum over all occurrences. Not a dot product: how BLAS rounds weighted counts depends on its threads."""
    return float((counts * values).sum())


def _ratio(above: float, below: float) -> float | None:
    return above / below if below else None


def renyi_efficiency(counts: F64) -> float | None:
    """Renyi efficiency of a distribution of tokens: 1 if all types are equally frequent; None below two types.

    Types that do not occur do not count, as in the authors' own tool (tokenization-scorer).

    >>> renyi_efficiency(np.array([5.0, 5.0, 0.0, 5.0, 5.0]))
    1.0
    """
    seen = counts[counts > 0]
    if len(seen) < 2:
        return None
    shares = seen / seen.sum()
    entropy = np.log2((shares**RENYI_ALPHA).sum()) / (1 - RENYI_ALPHA)
    return float(entropy / np.log2(len(seen)))
