"""Repetition inside of texts, after Rae et al. 2021 (Gopher), table A1, counted over eojeol.

An occurrence of a line or n-gram is *duplicate* if an equal one stands before it in the same text. The share of
duplicate n-grams is the share of visible characters that lie in some duplicate occurrence, each counted once. datatrove
counts the same occurrences, but walks from left to right and jumps over an n-gram that it found; the union does not
depend on a walk, and it can only fall as n grows: an n+1-gram that occurred before is two overlapping n-grams that did.

The top n-gram is the one with most occurrences, at least two; of those that tie, the longest. Its share is occurrences
× visible characters / visible characters of the text, as in datatrove, so overlapping occurrences count in full.

Equal means equal in 40 bits of a hash: of 100,000 n-grams in one text, one false pair is expected in 200 texts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from malmoi_pipelines.contracts.arrays import F64, I64, U64, Bool, ranges
from malmoi_pipelines.text.rolling_hash import hash_sequences, hash_stretches
from malmoi_pipelines.text.text_block import Stretches, TextBlock

_PLACE_BITS = 24
_COUNT_BITS = 32


@dataclass(frozen=True)
class HashedWords:
    """The words of some texts of a block."""

    texts: I64
    """Numbers of these texts, in order."""
    hashes: U64
    lengths: I64
    """Characters of each word."""
    bounds: I64
    """Number of the first word of each of these texts; one entry more than `texts`."""

    @property
    def owners(self) -> I64:
        """Which of these texts each word belongs to."""
        return np.repeat(np.arange(len(self.texts)), np.diff(self.bounds))

    @classmethod
    def of(cls, block: TextBlock, chosen: Bool) -> "HashedWords":
        """Hash the words of the chosen texts."""
        texts = np.flatnonzero(chosen)
        words, counts = block.words, block.words.counts[texts]
        places = ranges(words.bounds[texts], counts)
        starts, ends = words.starts[places], words.ends[places]
        return cls(texts, hash_stretches(block.codes, starts, ends), ends - starts, np.append(0, np.cumsum(counts)))

    def only(self, chosen: Bool) -> "HashedWords":
        """The words of those texts alone for which `chosen` (one entry for each of `texts`) holds."""
        counts = np.diff(self.bounds)[chosen]
        places = ranges(self.bounds[:-1][chosen], counts)
        return HashedWords(
            self.texts[chosen], self.hashes[places], self.lengths[places], np.append(0, np.cumsum(counts))
        )

    def ngrams(self, n: int) -> tuple[I64, U64]:
        """Number of the first word, and hash, of every run of n words in one text."""
        owners = self.owners
        count = max(len(owners) - n + 1, 0)
        starts = np.flatnonzero(owners[:count] == owners[n - 1 :])
        return starts, hash_sequences(self.hashes, starts, starts + n)


def duplicate_lines(block: TextBlock, words: HashedWords) -> tuple[F64, F64]:
    """Duplicate lines of each text, and the characters in them (as they stand, with inner spaces)."""
    rows: Stretches = block.line_words
    counts = rows.counts[words.texts]
    places = ranges(rows.bounds[words.texts], counts)
    shift = np.repeat(words.bounds[:-1] - block.words.bounds[words.texts], counts)
    hashes = hash_sequences(words.hashes, rows.starts[places] + shift, rows.ends[places] + shift)
    again = places[_occurred_before(hashes, rows.owners[places])]
    size = len(block)
    owners = rows.owners[again]
    characters = np.bincount(owners, block.lines.lengths[again], size).astype(np.float64)
    return np.bincount(owners, minlength=size).astype(np.float64), characters


def duplicate_ngram_characters(words: HashedWords, n: int) -> F64:
    """Characters of each of the texts that lie in a duplicate n-gram."""
    starts, hashes = words.ngrams(n)
    owners = words.owners
    duplicates = starts[_occurred_before(hashes, owners[starts])]
    step = np.zeros(len(owners) + 1, np.int64)
    step[duplicates] += 1
    step[duplicates + n] -= 1
    covered = np.cumsum(step[:-1]) > 0
    return np.bincount(owners[covered], words.lengths[covered], len(words.texts)).astype(np.float64)


def top_ngram_characters(words: HashedWords, n: int) -> F64:
    """Occurrences × characters of the top n-gram of each of the texts."""
    counts, lengths, owners = _repeated_ngrams(words, n)
    best = np.zeros(len(words.texts), np.int64)
    np.maximum.at(best, owners, counts << _COUNT_BITS | lengths)
    return ((best >> _COUNT_BITS) * (best & ((1 << _COUNT_BITS) - 1))).astype(np.float64)


def most_covering_word(words: HashedWords) -> F64:
    """The largest occurrences × characters of a repeated word of each of the texts."""
    counts, lengths, owners = _repeated_ngrams(words, 1)
    best = np.zeros(len(words.texts))
    np.maximum.at(best, owners, (counts * lengths).astype(np.float64))
    return best


def top_ngram_shares(block: TextBlock, words: HashedWords, visible: F64, bounds: Mapping[int, float]) -> dict[int, F64]:
    """Shares of the top n-grams, exact where they exceed their bounds and 0 where that is excluded.

    An n-gram that covers more than a share t has a word that, at its own occurrences, covers more than t / n.
    """
    least = min((bound / n for n, bound in bounds.items()), default=1.0)
    suspects = words.only(most_covering_word(words) > least * visible[words.texts])
    return {n: _shares(block, suspects, visible, top_ngram_characters(suspects, n)) for n in bounds}


def duplicate_ngram_shares(
    block: TextBlock, words: HashedWords, visible: F64, bounds: Mapping[int, float]
) -> dict[int, F64]:
    """Shares of duplicate n-grams, exact where they exceed their bounds and 0 where that is excluded.

    They fall as n grows, so longer n-grams are looked for where shorter ones exceed the least of the bounds to come.
    """
    result = {}
    suspects = words
    for n in sorted(bounds):
        found = duplicate_ngram_characters(suspects, n)
        result[n] = _shares(block, suspects, visible, found)
        later = min((bound for other, bound in bounds.items() if other > n), default=1.0)
        suspects = suspects.only(found > later * visible[suspects.texts])
    return result


def _shares(block: TextBlock, words: HashedWords, visible: F64, found: F64) -> F64:
    result = np.zeros(len(block))
    result[words.texts] = found / visible[words.texts]  # a text with words has visible characters
    return result


def _sorted_places(hashes: U64) -> tuple[U64, I64]:
    """Items ordered by 40 bits of their hashes and then by place: those bits, and the places.

    One sort of plain integers, several times as fast as an argsort.
    """
    bits = np.uint64(max(_PLACE_BITS, len(hashes).bit_length()))
    keys = np.sort(hashes >> bits << bits | np.arange(len(hashes), dtype=np.uint64))
    return keys >> bits, (keys & (np.uint64(1) << bits) - np.uint64(1)).astype(np.int64)


def _occurred_before(hashes: U64, owners: I64) -> I64:
    """Places of the items that equal an earlier one of the same text."""
    keys, places = _sorted_places(hashes)
    same = np.flatnonzero(keys[1:] == keys[:-1])
    same = same[owners[places[same + 1]] == owners[places[same]]]
    return places[same + 1]


def _repeated_ngrams(words: HashedWords, n: int) -> tuple[I64, I64, I64]:
    """Occurrences, characters and text of every n-gram that occurs at least twice in its text."""
    starts, hashes = words.ngrams(n)
    text_of = words.owners[starts]
    keys, places = _sorted_places(hashes)
    pairs = np.flatnonzero(keys[1:] == keys[:-1])
    pairs = pairs[text_of[places[pairs + 1]] == text_of[places[pairs]]]
    runs = np.flatnonzero(np.diff(pairs, prepend=-2) != 1)  # neighbouring pairs belong to one n-gram
    counts = np.diff(runs, append=len(pairs)) + 1
    first = starts[places[pairs[runs]]]
    ends = np.append(0, np.cumsum(words.lengths))
    return counts, ends[first + n] - ends[first], words.owners[first]
