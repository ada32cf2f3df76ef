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
from malmoi_pipelines.contracts.arrays import Bool

from malmoi_tokenizer_lab.loop.merges import Symbols
from malmoi_tokenizer_lab.words import Ints

Order = Callable[[int, int], int | None]
"""(index, count) → what dropping it costs, lowest first; None if it must stay."""

LETTER_COST = 2
"""Dropping a letter turns one token into three byte tokens, dropping a multi one into two: two more against one."""


def drop_order(edges: Symbols, alive: Bool, counts: Ints, order: Order) -> Ints:
    """All tokens that `order` lets go, in the order they go; any prefix of it can be dropped by itself.

    Args:
        edges: the two candidates that each is made from, -1 for what is none, shape [n, 2].
        alive: which are in the vocabulary, shape [n]; closed under `edges`.
        counts: how often each is emitted, shape [n].
        order: the cost of each; ties go to the later candidate (merged last, or the rarer letter).

    Example: with ab (9 times) and its child abc (3 times), a cutoff of 5 drops abc only; ab then counts 12.
    """
    credited = np.where(alive, counts, 0).tolist()
    parents = edges.tolist()
    children = np.bincount(edges[alive].ravel() + 1, minlength=len(alive) + 1)[1:].tolist()  # slot 0: none
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


def closed(edges: Symbols, kept: Bool) -> Bool:
    """`kept` and all that it is made from, shape [n]."""
    result = np.append(kept, False)
    while True:
        needed = np.zeros_like(result)
        needed[edges[result[:-1]].ravel()] = True
        needed[-1] = False  # -1: what is no candidate
        if not (needed & ~result).any():
            return result[:-1]
        result |= needed


def made_from(edges: Symbols, parts: Bool) -> Bool:
    """`parts` and all that is made from one of them, shape [n]."""
    result = np.append(parts, False)
    while True:
        reached = result[edges].any(axis=1) & ~result[:-1]
        if not reached.any():
            return result[:-1]
        result[:-1] |= reached
