"""Dropping tokens from the leaves: a token goes only when no kept token is made from it.

A dropped token's occurrences fall back to its two parents, so whether a parent is worth keeping can only be judged
after its children are gone. Going leaf by leaf, rarest first, and crediting the parents keeps every token that is
still needed (scaffold) and never leaves an orphan. The credit is an estimate, since a parent set free may merge with
its other neighbour: the loop recounts after each round. (Leaf pruning: "Teaching Old Tokenizers New Words", arXiv
2512.03989.)
"""

import heapq
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tokenizer_lab.candidates import Candidates, Indices
from tokenizer_lab.words import Ints

Order = Callable[[int, int], int | None]
"""(index, count) → what dropping it costs, lowest first; None if it must stay."""

_LETTER_COST = 2
"""Dropping a letter turns one token into three byte tokens, dropping a multi one into two: two more against one."""


def drop_order(candidates: Candidates, alive: npt.NDArray[np.bool_], counts: Ints, order: Order) -> Indices:
    """All tokens that `order` lets go, in the order they go; any prefix of it can be dropped by itself.

    Args:
        candidates: the tokens and their parents.
        alive: which are in the vocabulary, shape [n]; closed under parents.
        counts: how often each is emitted, shape [n].
        order: the cost of each; ties go to the later candidate (merged last, or the rarer letter).

    Example: with ab (9 times) and its child abc (3 times), a cutoff of 5 drops abc only; ab then counts 12.
    """
    credited = np.where(alive, counts, 0).tolist()
    parents = candidates.parents.tolist()
    children = np.bincount(
        candidates.parents[alive].ravel() + 1,
        minlength=len(candidates) + 1,  # +1: base parents (-1) count in slot 0
    )[1:].tolist()
    heap: list[tuple[int, int]] = []

    def offer(index: int) -> None:
        if (cost := order(index, credited[index])) is not None:
            heapq.heappush(heap, (cost, -index))

    for index in np.flatnonzero(alive).tolist():
        if not children[index]:
            offer(index)
    dropped = []
    while heap:
        index = -heapq.heappop(heap)[1]
        dropped.append(index)
        for parent in parents[index]:
            if parent >= 0:
                credited[parent] += credited[index]
                children[parent] -= 1
                if not children[parent]:
                    offer(parent)
    return np.array(dropped, np.int64)


def below_cutoff(candidates: Candidates, cutoff: int) -> Order:
    """Tokens under the cutoff go, the rarest first; letters that reach it in the raw corpus stay."""
    protected = candidates.protected.tolist()
    return lambda index, count: count if count < cutoff and not protected[index] else None


def least_loss(candidates: Candidates) -> Order:
    """Those go first whose loss makes the corpus least longer, in tokens."""
    multis = candidates.num_multis
    return lambda index, count: count if index < multis else _LETTER_COST * count


def last_merged(candidates: Candidates) -> Order:
    """The multis go from the last merged to the first, then the letters from the rarest."""
    multis, size = candidates.num_multis, len(candidates)
    return lambda index, count: multis - index if index < multis else multis + size - index
