"""From drawn tokens to texts: a token is up to three pieces (modifier, head, tail) of one table of strings."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from malmoi_pipelines.contracts.arrays import U64
from malmoi_pipelines.sample.draws import Ints, bits, quantile_table, stream

Bools = npt.NDArray[np.bool_]
CHOICE_BITS = 10  # resolution of the tables that pick an ending or a role


class Pieces:
    """A growing table of strings; number 0 is the empty string."""

    def __init__(self) -> None:
        self.strings: list[str] = [""]

    def add(self, strings: Iterable[str]) -> Ints:
        """Append strings; returns their numbers."""
        start = len(self.strings)
        self.strings.extend(strings)
        return np.arange(start, len(self.strings))

    def choice(self, weighted: dict[str, float]) -> Ints:
        """Append strings with weights; returns a table that 10 uniform bits index."""
        numbers = self.add(weighted)
        return numbers[quantile_table(list(weighted.values()), CHOICE_BITS)]


@dataclass(frozen=True)
class Tokens:
    """The tokens of some documents, end to end, each with 128 random bits."""

    bounds: Ints
    """First token of each document, and the number of tokens."""
    document: Ints
    """The document of each token."""
    first: Bools
    start: Bools
    """Whether a sentence starts here."""
    end: Bools
    """Whether a sentence ends here; a document's last token always does."""
    a: U64
    b: U64


def draw_tokens(keys: U64, lengths: Ints, sentence: int) -> Tokens:
    """Draw the tokens of documents; what a document gets depends on its key and length only.

    Args:
        keys: one key a document.
        lengths: tokens a document, at least 1.
        sentence: mean tokens a sentence.
    """
    bounds = np.concatenate(([0], np.cumsum(lengths)))
    document = np.repeat(np.arange(len(keys)), lengths)
    counter = (np.arange(bounds[-1]) - bounds[document]).astype(np.uint64) * np.uint64(2)
    own = keys[document]
    a = stream(own, counter)
    first = np.zeros(len(document), np.bool_)
    first[bounds[:-1]] = True
    stop = bits(a, 40, 8) < 256 // sentence
    stop &= ~(first | np.concatenate(([False], stop[:-1])))  # no sentences of one word
    stop[bounds[1:] - 1] = True
    start = np.concatenate(([True], stop[:-1]))
    return Tokens(bounds, document, first, start, stop, a, stream(own, counter + np.uint64(1)))


def running_count(flags: Bools, resets: Bools) -> Ints:
    """How many flags are set up to each place since the last reset; a place that resets counts its own flag.

    >>> running_count(np.array([1, 0, 1, 1], bool), np.array([1, 0, 0, 1], bool)).tolist()
    [1, 1, 2, 1]
    """
    total = np.cumsum(flags)
    before = np.where(resets, total - flags, 0)
    return total - np.maximum.accumulate(before)


def render(pieces: Pieces, modifier: Ints, head: Ints, tail: Ints, bounds: Ints) -> list[str]:
    """Join the pieces of each document's tokens."""
    numbers = np.stack((modifier, head, tail), axis=1)
    used = numbers != 0
    ends = np.concatenate(([0], np.cumsum(used.sum(axis=1))))[bounds].tolist()
    strings = list(map(pieces.strings.__getitem__, numbers[used].tolist()))
    return ["".join(strings[a:b]).rstrip() for a, b in itertools.pairwise(ends)]
