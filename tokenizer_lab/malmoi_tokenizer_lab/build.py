"""From words to a checked tokenizer, in memory: the steps of `expand` in order."""

import time
from dataclasses import dataclass

import numpy as np
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.progress import Progress

from malmoi_tokenizer_lab.base import Artefact, Base, OtherTokens
from malmoi_tokenizer_lab.config import ExpandConfig, resolve_cutoff, token_budget
from malmoi_tokenizer_lab.gates.result import GateResult, raise_failed
from malmoi_tokenizer_lab.job_counter import JobCounting
from malmoi_tokenizer_lab.loop.candidates import Candidates, find_candidates
from malmoi_tokenizer_lab.loop.curation import Curation, with_wanted
from malmoi_tokenizer_lab.loop.fixed_point import FixedPoint, find_fixed_point
from malmoi_tokenizer_lab.loop.policies import POLICIES, Limits, PolicyName
from malmoi_tokenizer_lab.loop.pruning import closed
from malmoi_tokenizer_lab.loop.raw_counts import raw_counts
from malmoi_tokenizer_lab.loop.recount import Recount, TokenCounter
from malmoi_tokenizer_lab.loop.spelling import Spelling
from malmoi_tokenizer_lab.words import Ints, Words


@dataclass(frozen=True)
class Loop:
    """One run of the loop."""

    policy: PolicyName
    candidates: Candidates
    denied: tuple[str, ...]
    """Candidates that the user's list took out."""
    unreachable: tuple[str, ...]
    """Candidates that merging can never make."""
    limits: Limits
    fixed_point: FixedPoint
    seconds: tuple[float, ...]
    """How long each round took."""


@dataclass(frozen=True)
class Expansion:
    """An extended tokenizer and all that was learned on the way."""

    base: Base
    cutoff: int
    loop: Loop
    artefact: Artefact
    counts: Ints
    """Occurrences of each new row on the corpus, in id order."""
    raw_counts: Ints
    """Occurrences in the Korean units of the characters of each candidate, then of the unreachable, then of the denied
    pieces."""
    base_ids: list[list[int]]
    """The base's spelling of each new row."""
    gates: tuple[GateResult, ...]
    """All have passed: an expansion of which one fails is not made, and the error names it."""
    others: tuple[tuple[Loop, Artefact], ...]
    """The policies put beside it."""


class Builder:
    """The steps that policies share, done once: the units spelled, other units counted, candidates trained."""

    def __init__(
        self, base: Base, words: Words, config: ExpandConfig, curation: Curation, counting: JobCounting | None
    ) -> None:
        self._base, self._words, self._config, self._curation = base, words, config, curation
        self._counting = counting
        self.cutoff = resolve_cutoff(config, words.num_bytes)
        self.budget = token_budget(config, base.size)
        if self.budget < 1:
            raise UsageError(
                f"budget = {config.budget} leaves no row for a token: {config.fixed_rows} rows are reserved, and the "
                f"vocabulary is a multiple of {config.pad_multiple}.",
                hint="raise budget, or lower pad_multiple",
            )
        self.others: OtherTokens = base.count_others(words, config)
        self.units = base.spell(words, config)
        self._proposed: list[str] | None = None

    def run(self, policy: PolicyName, progress: Progress) -> Loop:
        """The loop with one policy.

        Raises:
            CheckError: it does not end.
        """
        proposed = self.propose(progress)
        bare = self.units.inventory.texts[self.units.inventory.base_size :]
        denied = (*filter(self._curation.denies, proposed), *filter(self._curation.denies, bare))
        multis = [piece for piece in proposed if not self._curation.denies(piece)]
        multis = with_wanted(multis, self._curation.allowed, self.units.inventory, self._may_add)
        letters = {letter: count for letter, count in self._words.letters.items() if not self._curation.denies(letter)}
        candidates, unreachable = find_candidates(
            multis, self.units.inventory, letters, self.cutoff, self._curation.allowed
        )
        limits = self._limits(candidates)
        self._check_wanted(candidates, limits)
        counter = self._counter(candidates)
        progress("expand: rounds", 0, 0)
        clock = _Clock(progress)
        found = find_fixed_point(
            candidates,
            counter,
            POLICIES[policy],
            limits,
            other_tokens=self.others.after,
            num_eojeol=int(self.units.counts[self.units.eojeol].sum()),
            max_rounds=self._config.max_rounds,
            on_round=clock,
        )
        return Loop(policy, candidates, denied, unreachable, limits, found, clock.seconds)

    def _check_wanted(self, candidates: Candidates, limits: Limits) -> None:
        """Check that the user's pieces, with all they are made from, have room.

        Raises:
            UsageError: they have not.
        """
        needed = int(closed(candidates.edges(np.ones(len(candidates), bool)), limits.wanted).sum())
        if needed > limits.budget:
            raise UsageError(
                f"the pieces of {self._config.allow} need {needed} rows with what they are made from. "
                f"The budget leaves {int(limits.budget)}.",
                hint="raise budget, or shorten the list",
            )

    def artefact(self, loop: Loop, name: str) -> Artefact:
        """The tokenizer that a loop ended with."""
        return self._base.build(name, loop.candidates, loop.fixed_point.alive, self._config)

    def propose(self, progress: Progress) -> list[str]:
        """Pieces that may become tokens, in merge order; trained once."""
        if self._proposed is None:
            how = {"intermediate": "training the intermediate tokenizer", "continued": "continuing the base's training"}
            source = self._config.candidates
            assert source is not None, "resolved by the stage"
            progress.note(f"{how[source]} on {len(self.units.counts):,} Korean units, cutoff {self.cutoff:,}")
            with progress.doing("expand: training"):
                self._proposed = self._base.propose(source, self._words, self.units, self._config, self.cutoff)
        return self._proposed

    def _may_add(self, piece: str) -> bool:
        return self._base.may_add(piece) and not self._curation.denies(piece)

    def _counter(self, candidates: Candidates) -> TokenCounter:
        alive = np.ones(len(candidates), bool)
        if self._counting is not None:
            return self._counting.counter(candidates, alive, self.others.after)
        return Recount(candidates, self.units, alive, self._config.num_threads)

    def _limits(self, candidates: Candidates) -> Limits:
        frequent = np.zeros(len(candidates), bool)
        frequent[candidates.num_multis :] = candidates.letter_counts >= self.cutoff
        wanted = np.isin(np.array(candidates.pieces, object), np.array(self._curation.allowed, object))
        scaffolds = np.full(len(candidates), self._config.scaffolds == "keep")
        scaffolds |= np.array([self._base.is_part(piece) for piece in candidates.pieces], bool)
        return Limits(self.cutoff, self.budget, frequent, wanted, scaffolds)


def build_tokenizer(
    base: Base,
    words: Words,
    config: ExpandConfig,
    curation: Curation,
    progress: Progress,
    counting: JobCounting | None = None,
) -> Expansion:
    """Extend `base` on the corpus `words`: propose candidates, loop to the fixed point, build the files, check them.

    Args:
        base: the tokenizer to extend.
        words: the corpus.
        config: all settings; where the candidates come from is set.
        curation: pieces to keep and pieces to leave out.
        progress: told what is being done.
        counting: counts by jobs; None: in this process.

    Raises:
        UsageError: a budget too small for its fixed rows, or a base that cannot take masks.
        CheckError: a gate failed.
    """
    builder = Builder(base, words, config, curation, counting)
    loop = builder.run(config.policy, progress)
    if not loop.fixed_point.alive.any():
        raise UsageError(
            f"a cutoff of {builder.cutoff:,} leaves no token: no piece of Korean occurs so often in "
            f"{words.num_bytes / 1e6:,.2f} MB of text.",
            hint="lower it (--set cutoff=N), or count more text",
        )
    with progress.doing("expand: export"):
        artefact = builder.artefact(loop, config.policy)
    with progress.doing("expand: gates"):
        gates = raise_failed(base.gates(artefact, words))
    others = []
    for policy in config.compare:
        progress.note(f"policy {policy}")
        other = builder.run(policy, progress)
        others.append((other, builder.artefact(other, policy)))
    with progress.doing("expand: characters of the candidates"):
        occurrences = _raw_counts(loop, builder.units, base, words)
    return Expansion(
        base=base,
        cutoff=builder.cutoff,
        loop=loop,
        artefact=artefact,
        counts=_row_counts(artefact, loop, builder.others.fixed_counts),
        raw_counts=occurrences,
        base_ids=base.spellings(builder.units.inventory, artefact.rows),
        gates=tuple(gates),
        others=tuple(others),
    )


def _row_counts(artefact: Artefact, loop: Loop, fixed_counts: Ints) -> Ints:
    final = loop.fixed_point.counts.tolist()
    counts = np.array([final[row.candidate] if row.candidate >= 0 else 0 for row in artefact.rows], np.int64)
    counts[: len(fixed_counts)] = fixed_counts
    return counts


def _raw_counts(loop: Loop, units: Spelling, base: Base, words: Words) -> Ints:
    symbols, lengths = base.characters(units.inventory, words)
    pieces = (*loop.candidates.pieces, *loop.unreachable, *loop.denied)
    return raw_counts(pieces, units.inventory, symbols, lengths, units.counts)


class _Clock:
    """Passes the loop's rounds on and notes how long each took."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._last = time.perf_counter()
        self.seconds: tuple[float, ...] = ()

    def __call__(self, line: str) -> None:
        now = time.perf_counter()
        self.seconds = (*self.seconds, now - self._last)
        self._last = now
        self._progress("expand: rounds", len(self.seconds), 0)
        self._progress.note(f"{line}, {self.seconds[-1]:.2f} s")
