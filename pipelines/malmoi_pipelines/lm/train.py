"""Training: the job that counts, then the estimates from the tables that it leaves."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.ledger import Ledger
from malmoi_pipelines.contracts.result import Result, ledger_of, pick
from malmoi_pipelines.engine.job import Job, Step
from malmoi_pipelines.lm.config import LmConfig
from malmoi_pipelines.lm.counting import CutWindows, MergeOrder, NgramsMerged
from malmoi_pipelines.lm.estimate import Discounts, Estimates, discounts, estimate
from malmoi_pipelines.lm.gather import gather_order
from malmoi_pipelines.lm.ngrams import FIRST_WORD
from malmoi_pipelines.lm.tokens import MergeWords, NumberWords, Tokenise, Tokenised, WordsMerged
from malmoi_pipelines.lm.work_files import read_table, vocabulary_path
from malmoi_pipelines.raw.budget import check_read
from malmoi_pipelines.raw.inputs import InputFile
from malmoi_pipelines.raw.tasks import Task
from malmoi_pipelines.raw.unread import Unread

RunJob = Callable[[Job], list[Result]]


@dataclass(frozen=True)
class CountingPlan:
    """What is read, how it is cut, and where work files go."""

    tasks: tuple[Task, ...]
    text_bytes: int
    work: str
    config: LmConfig

    @property
    def files(self) -> list[InputFile]:
        """The files that are read, each once."""
        return [part.file for task in self.tasks for part in task.parts if part.number == 0]

    @property
    def partitions(self) -> int:
        """Hash partitions of words and n-grams."""
        return max(1, -(-self.text_bytes // self.config.partition_bytes))


@dataclass(frozen=True)
class OrderTotals:
    """What was counted of one order."""

    distinct: int
    kept: int
    discounts: Discounts


@dataclass(frozen=True)
class Trained:
    """A trained model and what was counted on the way."""

    words: pa.LargeBinaryArray
    """The words of the ids from `FIRST_WORD` on."""
    orders: list[Estimates]
    totals: list[OrderTotals]
    ledger: Ledger
    sentences: int
    tokens: int
    known_tokens: int
    """Those that are words of the model."""
    distinct_words: int
    """Of the text."""
    unread: Unread
    """What could not be read."""


def train(plan: CountingPlan, run: RunJob) -> Trained:
    """Run the job and estimate.

    Raises:
        BadInputError: there is no text, too much of it cannot be read, or no word in it is frequent enough.
    """
    results = run(counting_job(plan))
    unread, ledger = Unread.total(results), ledger_of(results)
    check_read(unread, ledger, plan.files, plan.config, in_rejects=False)
    tokenised, merged = pick(results, Tokenised), pick(results, WordsMerged)
    if not any(task.sentences for task in tokenised):
        raise BadInputError("the inputs hold no text to learn from.", hint="check them, and the setting held_out")
    words = read_table(vocabulary_path(plan.work))["word"].combine_chunks()
    if len(words) == 0:
        raise BadInputError(
            f"no word occurs min_count = {plan.config.min_count} times.",
            hint="learn from more text, or lower min_count",
        )
    numbers = range(1, plan.config.order + 1)
    totals = [_totals([part for part in pick(results, NgramsMerged) if part.order == order]) for order in numbers]
    orders = estimate(
        [gather_order(plan.work, order, _partitions(plan, order)) for order in numbers],
        FIRST_WORD + len(words),
        [total.discounts for total in totals],
        plan.config.language_words(),
    )
    return Trained(
        words,
        orders,
        totals,
        ledger,
        sentences=sum(task.sentences for task in tokenised),
        tokens=sum(task.tokens for task in tokenised),
        known_tokens=sum(part.known_tokens for part in merged),
        distinct_words=sum(part.distinct for part in merged),
        unread=unread,
    )


def counting_job(plan: CountingPlan) -> Job:
    """All steps: the vocabulary first, since it gives the words their ids; then the n-grams, order by order."""
    highest = plan.config.order
    steps = [
        Step("lm: tokens", Tokenise(plan.tasks, plan.work, plan.config, plan.partitions), len(plan.tasks)),
        Step("lm: words", MergeWords(plan.config.min_count), plan.partitions),
        Step("lm: vocabulary", NumberWords(plan.work), 1),
        Step("lm: windows", CutWindows(plan.work, highest, _partitions(plan, highest)), len(plan.tasks)),
    ]
    for order in range(highest, 0, -1):
        below = _partitions(plan, order - 1)
        merge = MergeOrder(plan.work, order, order == highest, plan.config.threshold(order), below)
        steps.append(Step(f"lm: {order}-grams", merge, _partitions(plan, order)))
    return Job("lm train", tuple(steps), plan.text_bytes)


def _partitions(plan: CountingPlan, order: int) -> int:
    """All unigrams have one context, the empty one."""
    return plan.partitions if order > 1 else 1


def _totals(parts: list[NgramsMerged]) -> OrderTotals:
    counts_of_counts = [sum(column) for column in zip(*(part.counts_of_counts for part in parts), strict=True)]
    return OrderTotals(
        sum(part.distinct for part in parts), sum(part.kept for part in parts), discounts(counts_of_counts)
    )
