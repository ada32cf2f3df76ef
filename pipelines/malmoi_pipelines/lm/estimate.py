"""Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1998, as lmplz does it: Heafield et al. 2013).

    p(w | h) = (a(hw) - D(a(hw))) / sum a(h*)  +  g(h) p(w | h')         h' = h without its first word

a are the adjusted counts, D the discounts for counts of 1, 2 and more, g the mass that discounts and pruning set free.
Below the unigrams is the uniform distribution over the words of the language (lmplz's `--vocab_pad`), of which the
model knows some and calls each other one `<unk>`; `</s>` is one of them, `<s>` is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from malmoi_pipelines.contracts.arrays import F64, I64, U32, U64, run_starts
from malmoi_pipelines.contracts.errors import DefectError
from malmoi_pipelines.lm.ngrams import BOS

FALLBACK = (0.5, 1.0, 1.5)
"""lmplz's `--discount_fallback`, for orders whose counts of counts give no discounts: small or artificial data."""
LOG_ZERO = -99.0  # what ARPA files hold for log10 of 0: p(<s>), which is never predicted


@dataclass(frozen=True)
class Discounts:
    """What is taken from adjusted counts of 1, 2 and more."""

    amounts: tuple[float, float, float]
    fallback: bool
    """Whether they are not of the data."""

    def of(self, adjusted: I64) -> F64:
        """The discount of each count."""
        return np.array([0.0, *self.amounts])[np.minimum(adjusted, 3)]


def discounts(counts_of_counts: Sequence[int]) -> Discounts:
    """Equation 26 of Chen and Goodman, or the fallback where it has no answer in (0, 1], (0, 2], (0, 3].

    A discount of 0 would set no mass free: a context of such n-grams alone would make every other word impossible.

    Args:
        counts_of_counts: how many n-grams have an adjusted count of 1, 2, 3 and 4.

    >>> discounts([100, 50, 20, 10]).amounts
    (0.5, 1.4, 2.0)
    """
    n1, n2, n3, n4 = counts_of_counts
    if min(n1, n2, n3) == 0:
        return Discounts(FALLBACK, True)
    y = n1 / (n1 + 2 * n2)
    amounts = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    if not all(0 < amount <= most for amount, most in zip(amounts, (1, 2, 3), strict=True)):
        return Discounts(FALLBACK, True)
    return Discounts(amounts, False)


@dataclass(frozen=True)
class Order:
    """The kept n-grams of one order, sorted by ids, with the sums of their contexts (see `counting.CONTEXT`)."""

    words: tuple[U32, ...]
    adjusted: I64
    contexts: dict[str, I64]


@dataclass(frozen=True)
class Estimates:
    """The n-grams of one order with what an ARPA file says of them, log10."""

    words: tuple[U32, ...]
    log_p: F64
    log_backoff: F64


def estimate(
    orders: Sequence[Order], vocabulary: int, smoothing: Sequence[Discounts], word_types: int = 0
) -> list[Estimates]:
    """Probabilities and back-off weights of all n-grams.

    Args:
        orders: from unigrams up.
        vocabulary: number of ids: `<unk>`, `<s>`, `</s>` and the words.
        smoothing: the discounts of each order.
        word_types: words that the language has, those that the model does not know included; taken as at least its own.

    Returns:
        The same n-grams; as unigrams all ids, in their order.

    Raises:
        DefectError: an n-gram is kept without its parts.
    """
    tree = _Tree(vocabulary)
    p = _unigrams(orders[0], vocabulary, smoothing[0], max(word_types, vocabulary - 1))
    result = [Estimates((np.arange(vocabulary, dtype=np.uint32),), _log10(p), np.zeros(vocabulary))]
    result[0].log_p[BOS] = LOG_ZERO
    for order, discount in zip(orders[1:], smoothing[1:], strict=True):
        starts = run_starts(*order.words[:-1])
        lengths = np.diff(np.append(starts, len(order.adjusted)))
        context = tree.find(tuple(column[starts] for column in order.words[:-1]))
        suffix = tree.grow(np.repeat(context, lengths), order.words[-1])
        sums, free = order.contexts["sum"], _freed(order.contexts, discount)
        own = (order.adjusted - discount.of(order.adjusted)) / np.repeat(sums, lengths)
        p = own + np.repeat(free, lengths) * p[suffix]
        result[-1].log_backoff[context] = _log10(free)
        result.append(Estimates(order.words, _log10(p), np.zeros(len(p))))
    return result


def _unigrams(order: Order, vocabulary: int, discount: Discounts, word_types: int) -> F64:
    """The probability of each id; `<unk>` is one unknown word: it has a share of the uniform distribution alone."""
    p = np.full(vocabulary, _freed(order.contexts, discount)[0] / word_types)
    p[order.words[0]] += (order.adjusted - discount.of(order.adjusted)) / order.contexts["sum"][0]
    p[BOS] = 0.0
    return p


def _freed(contexts: dict[str, I64], discount: Discounts) -> F64:
    """G of each context: what discounting takes from its n-grams, and all of those that were left out."""
    one, two, more = discount.amounts
    taken = one * contexts["ones"] + two * contexts["twos"] + more * contexts["more"]
    return (taken + contexts["pruned"]) / contexts["sum"]


def _log10(p: F64) -> F64:
    with np.errstate(divide="ignore"):
        return np.minimum(np.log10(p), 0.0)  # sums of rounded shares may pass 1 by a hair


class _Tree:
    """Finds n-grams of the orders so far. Their keys, (index of the first n-1 words, last word), sort as they do."""

    def __init__(self, vocabulary: int) -> None:
        self._keys: list[U64] = [np.arange(vocabulary, dtype=np.uint64)]
        self._suffix: I64 = np.zeros(vocabulary, np.int64)  # of the longest order: where its n-grams' last words are

    def find(self, words: tuple[U32, ...]) -> I64:
        """The index of each n-gram in its order."""
        index = np.zeros(len(words[0]), np.int64)
        for keys, column in zip(self._keys, words, strict=False):
            index = _search(keys, index, column)
        return index

    def grow(self, prefix: I64, last: U32) -> I64:
        """Add the next order, sorted; returns the index of each n-gram's last words in the order below it."""
        self._suffix = _search(self._keys[-1], self._suffix[prefix], last)
        self._keys.append(_key(prefix, last))
        return self._suffix


def _key(prefix: I64, last: U32) -> U64:
    return (prefix.astype(np.uint64) << np.uint64(32)) | last


def _search(keys: U64, prefix: I64, last: U32) -> I64:
    wanted = _key(prefix, last)
    found = np.searchsorted(keys, wanted)
    if len(wanted) and (len(keys) == 0 or not np.array_equal(keys[np.minimum(found, len(keys) - 1)], wanted)):
        raise DefectError("an n-gram of the model lacks its first or last words.")
    return found
