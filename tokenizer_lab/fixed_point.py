"""The fixed-point loop: count with the candidate tokenizer, drop from the leaves, recount, until nothing changes.

The published recipe (KoSOLAR, EEVE) drops tokens below the cutoff, adds the letters above it and repeats; read
literally it never ends, because a letter swallowed by longer tokens is dropped for its token count and added for its
raw count, for ever. Here letters are judged by their raw count alone and a dropped token never returns (the vocabulary
is its own list of tombstones), so the vocabulary shrinks every round and the loop must end.

    while some leaf is below the cutoff:  drop such leaves, recount       (phase "cutoff")
    while more than K tokens remain:      drop the cheapest leaves, recount      (phase "budget")

and again, until neither applies. The result is a fixed point: every leaf reaches the cutoff or is a protected letter,
every other token is part of one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pipelines.contracts.errors import CheckError
from tokenizer_lab.candidates import Candidates, Indices
from tokenizer_lab.config import ExpandConfig
from tokenizer_lab.counting import Tokens, corpus_tokens, encode_units
from tokenizer_lab.model_proto import extend, load_for_units
from tokenizer_lab.pruning import Order, below_cutoff, drop_order, last_merged, least_loss
from tokenizer_lab.words import Ints, Units

Phase = Literal["cutoff", "budget"]

LEAST_BATCH = 256
BATCH_SHARE = 4
"""A round drops a quarter of what it could, at least 256 tokens: credits are estimates, and recounts are cheap."""


@dataclass(frozen=True)
class Round:
    """One round: the vocabulary it started with and what it dropped."""

    round: int
    phase: Phase
    tokens: int
    dropped: int
    letters: int
    corpus_tokens: int


@dataclass(frozen=True)
class FixedPoint:
    """Where the loop ended."""

    alive: Indices
    """The kept candidates, ascending."""
    counts: Ints
    """How often each candidate is emitted on the corpus, shape [n]; 0 where dropped."""
    tokens: Tokens
    """The Korean units in kept candidates (base size + candidate index) and base tokens."""
    rounds: tuple[Round, ...]


class Recount:
    """Tokens of the Korean units under a shrinking vocabulary.

    After a drop only the units that hold a dropped token are encoded again, and that is exact: a unit's segmentation
    can only change if a dropped token was formed on the way to it. Such a token is part of one of the unit's final
    tokens, and since parents outlive their children that final token was dropped as well.
    """

    def __init__(self, base: Any, candidates: Candidates, korean: Units, num_threads: int = 1) -> None:
        self._base = base
        self._candidates = candidates
        self._korean = korean
        self._num_threads = num_threads
        self.alive = np.ones(len(candidates), bool)
        self.tokens = self._encode(np.arange(len(korean)))

    def drop(self, indices: Indices) -> None:
        """Take candidates out of the vocabulary and encode again what held them."""
        self.alive[indices] = False
        marked = np.zeros(self._num_ids, bool)
        marked[len(self._base.pieces) + indices] = True
        rows = self.tokens.rows_with(marked)
        self.tokens = self.tokens.replaced(rows, self._encode(rows))

    def counts(self) -> Ints:
        """How often each candidate is emitted on the corpus, shape [n]."""
        return self.tokens.counts(self._korean.counts, self._num_ids)[len(self._base.pieces) :]

    @property
    def num_letters(self) -> int:
        """Letters in the vocabulary."""
        return int(self.alive[self._candidates.num_multis :].sum())

    @property
    def corpus_tokens(self) -> int:
        """Tokens of all Korean units."""
        return corpus_tokens(self.tokens.lengths, self._korean.counts)

    @property
    def _num_ids(self) -> int:
        return len(self._base.pieces) + len(self._candidates)

    def _encode(self, rows: Indices) -> Tokens:
        alive = np.flatnonzero(self.alive)
        model = extend(self._base, self._candidates.rows(self._base, alive))
        tokens = encode_units(load_for_units(model), self._korean.text.take(rows), self._num_threads)
        size = len(self._base.pieces)
        stable = np.concatenate([np.arange(size), size + alive]).astype(np.int32)  # ids that no drop shifts
        return Tokens(stable[tokens.ids], tokens.lengths)


def find_fixed_point(
    base: Any,
    candidates: Candidates,
    korean: Units,
    *,
    other_tokens: int = 0,
    cutoff: int,
    budget: float,
    config: ExpandConfig,
    progress: Callable[[str], None] = lambda line: None,
) -> FixedPoint:
    """Run the loop.

    Args:
        base: the model to extend.
        candidates: what may be added.
        korean: the Korean units of the corpus.
        other_tokens: tokens of all other units, which no round changes.
        cutoff: least occurrences of a token.
        budget: most tokens to keep.
        config: policy, guard and threads.
        progress: told one line a round.

    Raises:
        CheckError: no fixed point within `max_rounds`.
    """
    recount = Recount(base, candidates, korean, config.num_threads)
    rounds: list[Round] = []
    for number in range(1, config.max_rounds + 1):
        counts = recount.counts()
        phase, dropped = _next_drop(candidates, recount.alive, counts, cutoff, budget, config)
        rounds.append(_round(number, phase, recount, other_tokens, len(dropped)))
        progress(_line(rounds[-1]))
        if not len(dropped):
            return FixedPoint(np.flatnonzero(recount.alive), counts, recount.tokens, tuple(rounds))
        recount.drop(dropped)
    raise CheckError(
        f"no fixed point after {config.max_rounds} rounds: the last one dropped {rounds[-1].dropped} tokens.",
        hint="raise max_rounds",
    )


def _next_drop(
    candidates: Candidates,
    alive: npt.NDArray[np.bool_],
    counts: Ints,
    cutoff: int,
    budget: float,
    config: ExpandConfig,
) -> tuple[Phase, Indices]:
    """The phase that applies and what it drops; nothing at the fixed point."""
    rare = drop_order(candidates, alive, counts, below_cutoff(candidates, cutoff))
    if len(rare):
        return "cutoff", _batch(rare)
    excess = int(max(0, alive.sum() - budget))
    if excess:
        cheapest: Order = least_loss(candidates) if config.policy == "leaves" else last_merged(candidates)
        return "budget", _batch(drop_order(candidates, alive, counts, cheapest)[:excess])
    return "cutoff", rare


def _batch(order: Indices) -> Indices:
    return order[: max(LEAST_BATCH, len(order) // BATCH_SHARE)]


def _round(number: int, phase: Phase, recount: Recount, other_tokens: int, dropped: int) -> Round:
    return Round(
        round=number,
        phase=phase,
        tokens=int(recount.alive.sum()),
        dropped=dropped,
        letters=recount.num_letters,
        corpus_tokens=recount.corpus_tokens + other_tokens,
    )


def _line(this: Round) -> str:
    return f"round {this.round} ({this.phase}): {this.tokens:,} tokens, {this.dropped:,} dropped"
