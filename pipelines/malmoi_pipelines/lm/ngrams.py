"""N-grams as columns of word ids: one uint32 array a position. Sorting, counting and cutting them out of sentences."""

from dataclasses import dataclass

import numpy as np

from malmoi_pipelines.contracts.arrays import I64, U32, U64, Bool, run_starts
from malmoi_pipelines.contracts.hashing import GOLDEN, mix64

UNK, BOS, EOS = 0, 1, 2  # ids of <unk>, <s>, </s>; the words follow
FIRST_WORD = 3


@dataclass(frozen=True)
class NgramCounts:
    """N-grams with two counts: occurrences, and how many different words stand before them."""

    words: tuple[U32, ...]
    """The first words, the second words, ..."""
    raw: I64
    left: I64

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def nbytes(self) -> int:
        """Bytes of all columns."""
        return sum(column.nbytes for column in self.words) + self.raw.nbytes + self.left.nbytes

    def rows(self, chosen: Bool) -> "NgramCounts":
        """The chosen rows."""
        return NgramCounts(tuple(column[chosen] for column in self.words), self.raw[chosen], self.left[chosen])

    @classmethod
    def empty(cls, order: int) -> "NgramCounts":
        """No n-grams."""
        return cls((np.zeros(0, np.uint32),) * order, np.zeros(0, np.int64), np.zeros(0, np.int64))


def sort_key(words: tuple[U32, ...]) -> U64:
    """One number for each n-gram that is equal for equal n-grams and orders them by their ids, word by word.

    Ids are packed into 64 bits; where they do not fit, what is packed so far is replaced by its rank.
    """
    bits = max(1, max(int(column.max(initial=0)) for column in words).bit_length())
    key, width = words[0].astype(np.uint64), bits
    for column in words[1:]:
        if width + bits > 64:
            distinct, ranks = np.unique(key, return_inverse=True)
            key, width = ranks.astype(np.uint64), max(1, len(distinct).bit_length())
        key = (key << np.uint64(bits)) | column
        width += bits
    return key


def merge(counts: NgramCounts) -> NgramCounts:
    """Add the counts of equal n-grams; the result is sorted by ids.

    >>> merge(NgramCounts((np.array([7, 3, 7], np.uint32),), np.array([1, 1, 4]), np.array([1, 0, 1])))
    NgramCounts(words=(array([3, 7], dtype=uint32),), raw=array([1, 5]), left=array([0, 2]))
    """
    if len(counts) == 0:
        return counts
    key = sort_key(counts.words)
    order = np.argsort(key)
    starts = run_starts(key[order])
    first = order[starts]
    return NgramCounts(
        tuple(column[first] for column in counts.words),
        np.add.reduceat(counts.raw[order], starts),
        np.add.reduceat(counts.left[order], starts),
    )


def concatenate(parts: list[NgramCounts]) -> NgramCounts:
    """One after the other; at least one part."""
    columns = zip(*(part.words for part in parts), strict=True)
    return NgramCounts(
        tuple(np.concatenate(column) for column in columns),
        np.concatenate([part.raw for part in parts]),
        np.concatenate([part.left for part in parts]),
    )


def count_windows(ids: U32, lengths: I64, order: int) -> NgramCounts:
    """The n-grams of sentences, each ending at one token or at the end of its sentence.

    At the beginning of a sentence as many `<s>` stand before it as are needed, as in lmplz.

    Args:
        ids: the tokens of all sentences, without marks.
        lengths: tokens of each sentence.
        order: n.

    Returns:
        The distinct n-grams with their occurrences; `left` is 0.

    >>> count_windows(np.array([7, 8], np.uint32), np.array([2]), 2).words
    (array([1, 7, 8], dtype=uint32), array([7, 8, 2], dtype=uint32))
    """
    ends = np.cumsum(lengths + 1) - 1
    stream = np.full(len(ids) + len(lengths), EOS, np.uint32)
    is_word = np.ones(len(stream), np.bool_)
    is_word[ends] = False
    stream[is_word] = ids
    position = np.arange(len(stream)) - np.repeat(ends - lengths, lengths + 1)  # of each token in its sentence
    columns = [stream]
    for back in range(1, order):
        shifted = np.full(len(stream), BOS, np.uint32)
        inside = np.flatnonzero(position >= back)
        shifted[inside] = stream[inside - back]
        columns.insert(0, shifted)
    ones = np.ones(len(stream), np.int64)
    return merge(NgramCounts(tuple(columns), ones, np.zeros(len(stream), np.int64)))


def context_hash(words: tuple[U32, ...]) -> U64:
    """A hash of the context, all words but the last: n-grams with one context meet in one partition."""
    digest = np.full(len(words[0]), GOLDEN, np.uint64)
    for column in words[:-1]:
        digest = mix64(digest + column)
    return digest
