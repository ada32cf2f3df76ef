"""The loop: count with the candidate tokenizer, drop what a policy says, recount, until nothing changes.

It ends. What falls below the cutoff, or is a scaffold below it, never returns: such tombstones only grow in number. A
letter is judged by its count in the text, which no round changes. What a short budget dropped may return once rows are
free again, but only if a tombstone was set since the last time. So between two tombstones there is one return at most,
and all other rounds make the vocabulary smaller. A round that leads back to where it was is an error all the same.
(Read literally the published steps never end: a letter that longer tokens swallow is dropped for its count as a token
and added for its count in the text, for ever.)
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xxhash
from malmoi_pipelines.contracts.arrays import Bool
from malmoi_pipelines.contracts.errors import CheckError, DefectError

from malmoi_tokenizer_lab.loop.candidates import Candidates
from malmoi_tokenizer_lab.loop.policies import LEAST_BATCH, Drop, Limits, Phase, Policy, State, next_drop
from malmoi_tokenizer_lab.loop.recount import TokenCounter
from malmoi_tokenizer_lab.words import Ints

REFILL = 4
"""Times as many tokens return as rows are free."""


@dataclass(frozen=True)
class Round:
    """One round: the vocabulary it started with and what it changed."""

    round: int
    phase: Phase
    tokens: int
    letters: int
    dropped: int
    dropped_count: int
    added: int
    corpus_tokens: int
    tokens_per_eojeol: float


@dataclass(frozen=True)
class FixedPoint:
    """Where the loop ended, and how it came there."""

    alive: Bool
    """Which candidates are kept, shape [n]."""
    counts: Ints
    """How often each candidate is emitted at the end, and of a dropped one how often it was when it went, shape [n]."""
    dropped_in: Ints
    """The round that dropped each for good, 0 for those kept, shape [n]."""
    phases: dict[int, Phase]
    """Why each round dropped what it dropped."""
    rounds: tuple[Round, ...]
    recounted: tuple[int, ...]
    """Distinct units that were encoded to count each round; how it was counted, not what came out."""
    history: tuple[tuple[Ints, Ints], ...]
    """For every round the candidates whose count is another than in the round before, and that count."""


def find_fixed_point(
    candidates: Candidates,
    counter: TokenCounter,
    policy: Policy,
    limits: Limits,
    *,
    other_tokens: int,
    num_eojeol: int,
    max_rounds: int,
    on_round: Callable[[str], None] = lambda line: None,
) -> FixedPoint:
    """Run the loop.

    Args:
        candidates: what may be added.
        counter: counts tokens; starts with all candidates in the vocabulary that the policy starts from.
        policy: what to drop.
        limits: cutoff, budget, and what must stay.
        other_tokens: tokens of all units without Hangul, which no round changes.
        num_eojeol: eojeol of the corpus.
        max_rounds: guard.
        on_round: told one line a round.

    Raises:
        CheckError: no fixed point within `max_rounds`, or a vocabulary that was there before.
    """
    record = _Record(candidates, counter, other_tokens, num_eojeol)
    for _ in range(max_rounds):
        counts = counter.counts()
        edges = candidates.edges(counter.alive)
        drop = next_drop(State(candidates, counter.alive, counts, edges, limits), policy)
        if drop.phase == "end" and not policy.as_published:
            drop = record.refill(limits) or drop
        on_round(record.note(counts, drop))
        if drop.phase == "end":
            return record.finish()
        counter.change(drop.dropped, drop.added)
        record.check_new()
    raise CheckError(
        f"no fixed point after {max_rounds} rounds: the last one dropped {record.rounds[-1].dropped} tokens.",
        hint="raise max_rounds",
    )


class _Record:
    """What happened, round by round."""

    def __init__(self, candidates: Candidates, counter: TokenCounter, other_tokens: int, num_eojeol: int) -> None:
        self._candidates, self._counter = candidates, counter
        self._other_tokens, self._num_eojeol = other_tokens, num_eojeol
        self._last = np.full(len(candidates), -1)
        self._final = np.zeros(len(candidates), np.int64)
        self._dropped_in = np.zeros(len(candidates), np.int64)
        self._phases: dict[int, Phase] = {}
        self._history: list[tuple[Ints, Ints]] = []
        self._recounted: list[int] = []
        self._seen: set[str] = set()
        self._for_budget: dict[int, None] = {}  # in the order they were dropped
        self._has_new_tombstones = False
        self.rounds: list[Round] = []
        self.check_new()

    def check_new(self) -> None:
        """Remember the vocabulary, and what may still return to it; an error if both were there before.

        The vocabulary alone may come twice: tokens return, all fall below the cutoff, and now never return.
        """
        may_return = np.zeros(len(self._candidates), bool)
        may_return[list(self._for_budget)] = True
        digest = xxhash.xxh3_128_hexdigest(np.packbits([self._counter.alive, may_return]).tobytes())
        if digest in self._seen:
            raise DefectError(
                f"round {len(self.rounds)} leads back to a vocabulary that was there before: the loop would not end."
            )
        self._seen.add(digest)

    def refill(self, limits: Limits) -> Drop | None:
        """Tokens that the budget dropped, the last ones, if rows became free since they could last return."""
        free = limits.budget - self._counter.alive.sum()
        may_return = list(self._for_budget)
        if free <= 0 or not may_return or not self._has_new_tombstones:
            return None
        self._has_new_tombstones = False
        # More than there are rows: the budget then chooses among them again. The last dropped are those worth most.
        returning = self._with_parents(may_return[-max(LEAST_BATCH, int(REFILL * free)) :])
        return Drop("refill", np.zeros(0, np.int64), returning) if len(returning) else None

    def _with_parents(self, indices: list[int]) -> Ints:
        """Those of some candidates that merging could make if they were back: others' parents are tombstones."""
        back = np.zeros(len(self._candidates), bool)
        back[indices] = True
        while True:
            dead = back & (self._candidates.parents(self._counter.alive | back)[:, 0] < 0)
            dead[self._candidates.num_multis :] = False
            if not dead.any():
                return np.flatnonzero(back)
            back &= ~dead

    def note(self, counts: Ints, drop: Drop) -> str:
        """Record a round before its change; returns it as a line."""
        number, alive = len(self.rounds) + 1, self._counter.alive
        changed = np.flatnonzero(alive & (counts != self._last))
        self._history.append((changed, counts[changed]))
        self._last = np.where(alive, counts, -1)
        self._final[alive] = counts[alive]
        gone = np.setdiff1d(drop.dropped, drop.added)
        if drop.phase == "budget":
            self._for_budget.update(dict.fromkeys(drop.dropped.tolist()))
        elif len(gone):
            self._has_new_tombstones = True
        for index in (*drop.added.tolist(), *(gone.tolist() if drop.phase != "budget" else ())):
            self._for_budget.pop(index, None)
        self._dropped_in[gone] = number
        self._dropped_in[drop.added] = 0
        self._phases[number] = drop.phase
        tokens, eojeol_tokens = self._counter.num_tokens()
        this = Round(
            round=number,
            phase=drop.phase,
            tokens=int(alive.sum()),
            letters=int(alive[self._candidates.num_multis :].sum()),
            dropped=len(drop.dropped),
            dropped_count=int(counts[drop.dropped].sum()),
            added=len(drop.added),
            corpus_tokens=tokens + self._other_tokens,
            tokens_per_eojeol=eojeol_tokens / max(1, self._num_eojeol),
        )
        self.rounds.append(this)
        self._recounted.append(self._counter.recounted)
        added = f", {this.added:,} added" if this.added else ""
        return f"round {number} ({this.phase}): {this.tokens:,} tokens, {this.dropped:,} dropped{added}"

    def finish(self) -> FixedPoint:
        """All rounds."""
        return FixedPoint(
            self._counter.alive.copy(),
            self._final,
            self._dropped_in,
            self._phases,
            tuple(self.rounds),
            tuple(self._recounted),
            tuple(self._history),
        )
