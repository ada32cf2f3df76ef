"""What the loop drops in a round: the policies.

`kosolar`        the published steps: all below the cutoff go at once, letters that reach it in the text come back
`support-closed` all below the cutoff go at once, but for those that a token above it is made from
`leaf-first`     tokens below the cutoff go from the leaves, a part at a time

The sources leave open what is decided here (docs/tokenizer.md): a count equal to the cutoff keeps a token and adds a
letter; what fell below the cutoff never comes back, and what the budget dropped may, once rows are free (`refill`); a
letter is judged by its count in the text, inside longer tokens, too.

The last two end with every token at the cutoff or above it. What is below it then is a scaffold: part of a token that
reaches it. It goes if all that is made from it can be made another way; else its rarest descendant goes, whose
occurrences it inherits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from malmoi_pipelines.contracts.arrays import Bool

from malmoi_tokenizer_lab.loop.candidates import Candidates
from malmoi_tokenizer_lab.loop.merges import Symbols
from malmoi_tokenizer_lab.loop.pruning import LETTER_COST, Order, closed, drop_order, made_from
from malmoi_tokenizer_lab.words import Ints

PolicyName = Literal["leaf-first", "support-closed", "kosolar"]
Phase = Literal["cutoff", "scaffold", "budget", "refill", "end"]

LEAST_BATCH = 256
BATCH_SHARE = 4
"""A round drops a quarter of what it could, at least 256 tokens: credits are estimates, and recounts are cheap."""


_SHIFT = 32


@dataclass(frozen=True)
class Limits:
    """What the loop must reach."""

    cutoff: int
    """Least occurrences of a token."""
    budget: float
    """Most tokens."""
    letters: Bool
    """Letters that reach the cutoff in the text: only a short budget drops them, shape [n]."""
    wanted: Bool
    """Candidates that the user wants: nothing drops them, shape [n]."""
    scaffolds: Bool
    """Candidates that stay below the cutoff as long as a token above it is made from them, shape [n]."""

    @property
    def protected(self) -> Bool:
        """Candidates that stay whatever their count."""
        return self.letters | self.wanted


@dataclass(frozen=True)
class State:
    """The vocabulary at the start of a round."""

    candidates: Candidates
    alive: Bool
    counts: Ints
    edges: Symbols
    """The two candidates that each is made from, -1 for what is none (a base token), shape [n, 2]."""
    limits: Limits


@dataclass(frozen=True)
class Drop:
    """What a round changes."""

    phase: Phase
    dropped: Ints
    added: Ints


@dataclass(frozen=True)
class Policy:
    """What the loop drops in a round."""

    for_cutoff: Callable[[State], Drop]
    """What goes because it is below the cutoff, and what of it comes back at once."""
    for_budget: Callable[[State, int], Ints]
    """What goes of a vocabulary with so many tokens too many; nothing if all that is left is wanted, with its parts."""
    as_published: bool = False
    """Whether that is all: scaffolds below the cutoff stay, and what the budget dropped never returns."""


def next_drop(state: State, policy: Policy) -> Drop:
    """What the policy drops now; at the fixed point nothing, or what it adds again at once."""
    rare = policy.for_cutoff(state)
    if len(rare.dropped):
        return rare
    excess = int(max(0, state.alive.sum() - state.limits.budget))
    if excess and len(last := policy.for_budget(state, excess)):
        return _drop("budget", last)
    # Last, since a smaller vocabulary has fewer scaffolds below the cutoff.
    if not policy.as_published and len(scaffolds := _scaffolds(state)):
        return _drop("scaffold", scaffolds)
    return _drop("end")


def _drop(phase: Phase, dropped: Ints | None = None, added: Ints | None = None) -> Drop:
    none = np.zeros(0, np.int64)
    return Drop(phase, none if dropped is None else dropped, none if added is None else added)


def _kosolar(state: State) -> Drop:
    """All below the cutoff, letters among them, and the letters that the text has often enough, again."""
    dropped = state.alive & (state.counts < state.limits.cutoff)
    added = (state.limits.letters | _wanted(state)) & dropped
    if not (dropped & ~added).any():
        return _drop("cutoff")  # every letter that goes comes back
    return _drop("cutoff", np.flatnonzero(dropped), np.flatnonzero(added))


def _support_closed(state: State) -> Drop:
    kept = state.alive & ((state.counts >= state.limits.cutoff) | state.limits.protected)
    return _drop("cutoff", np.flatnonzero(state.alive & ~closed(state.edges, kept)))


def _leaf_first(state: State) -> Drop:
    protected, cutoff = state.limits.protected.tolist(), state.limits.cutoff
    order = drop_order(
        state.edges,
        state.alive,
        state.counts,
        lambda index, count: count if count < cutoff and not protected[index] else None,
    )
    return _drop("cutoff", _batch(order))


def _scaffolds(state: State) -> Ints:
    """What goes so that no scaffold stays below the cutoff, or nothing if none is.

    Scaffolds go where everything that is made from them can be made from other tokens, none of them rare: any two
    tokens merge whose texts together are a third one's. Where that is so of none, the rarest leaf above each goes.
    """
    rare = state.alive & (state.counts < state.limits.cutoff) & ~state.limits.scaffolds
    rare &= ~closed(state.edges, state.limits.protected)
    free = rare.copy()
    while free.any():
        left = state.alive & ~free
        edges = state.candidates.edges(left)
        orphans = left & (state.candidates.parents(left)[:, 0] < 0)
        orphans[state.candidates.num_multis :] = False
        worse = made_from(edges, rare & ~free) & left
        kept_in = closed(state.edges, (orphans | worse) & made_from(state.edges, free))
        if not (free & kept_in).any():
            return np.flatnonzero(free)
        free &= ~kept_in
    return _rarest_leaves_above(state, np.flatnonzero(rare))


def _rarest_leaves_above(state: State, rare: Ints) -> Ints:
    """For every rare token the leaf of lowest count that is made from it, each once."""
    alive = np.flatnonzero(state.alive)
    keys = np.full(len(state.alive) + 1, np.iinfo(np.int64).max)  # (count, place); the last: what is no candidate
    leaves = alive[~np.isin(alive, state.edges[alive])]
    keys[leaves] = (state.counts[leaves] << _SHIFT) + leaves
    while True:
        before = keys.copy()
        np.minimum.at(keys, state.edges[alive].ravel(), np.repeat(keys[alive], 2))
        keys[-1] = before[-1]
        if np.array_equal(keys, before):
            return np.unique(keys[rare] & ((1 << _SHIFT) - 1))


def _rarest(state: State, number: int) -> Ints:
    """The multis of lowest count, then the letters; ties: the later candidate."""
    may_go = np.flatnonzero(state.alive & ~_wanted(state))
    order = np.lexsort((-may_go, state.counts[may_go], may_go >= state.candidates.num_multis))
    return np.sort(may_go[order[:number]])


def _worth_least(state: State, excess: int) -> Ints:
    """Leaves whose loss makes the corpus least longer, a batch at most."""
    return _batch(drop_order(state.edges, state.alive, state.counts, _least_loss(state)))[:excess]


def _least_loss(state: State) -> Order:
    """Those go first whose loss makes the corpus least longer, in tokens."""
    wanted, multis = state.limits.wanted.tolist(), state.candidates.num_multis
    return lambda index, count: None if wanted[index] else count if index < multis else LETTER_COST * count


def _wanted(state: State) -> Bool:
    """What the user wants, and all that it is made from, shape [n]."""
    return closed(state.edges, state.limits.wanted)


def _batch(order: Ints) -> Ints:
    return order[: max(LEAST_BATCH, len(order) // BATCH_SHARE)]


POLICIES: Mapping[PolicyName, Policy] = {
    "leaf-first": Policy(_leaf_first, _worth_least),
    "support-closed": Policy(_support_closed, _worth_least),
    "kosolar": Policy(_kosolar, _rarest, as_published=True),
}
