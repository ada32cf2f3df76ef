"""Training: the job that counts, then the estimates from the tables that it leaves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.ledger import Ledger
from malmoi_pipelines.engine.job import Job, Step
from malmoi_pipelines.lm.config import LmConfig
from malmoi_pipelines.lm.counting import CutWindows, MergeOrder
from malmoi_pipelines.lm.estimate import Discounts, Estimates, discounts, estimate
from malmoi_pipelines.lm.gather import gather_order
from malmoi_pipelines.lm.ngrams import FIRST_WORD
from malmoi_pipelines.lm.tokens import MergeWords, NumberWords, Tokenise
from malmoi_pipelines.lm.work_files import read_table, vocabulary_path
from malmoi_pipelines.raw.tasks import Task
from malmoi_pipelines.raw.unread import Unread, check_budget

RunJob = Callable[[Job], list[dict[str, Any]]]


@dataclass(frozen=True)
class CountingPlan:
    """What is read, how it is cut, and where work files go."""

    tasks: tuple[Task, ...]
    text_bytes: int
    work: str
    config: LmConfig

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
    figures: dict[str, int]


def train(plan: CountingPlan, run: RunJob) -> Trained:
    """Run the job and estimate.

    Raises:
        BadInputError: there is no text, too much of it cannot be read, or no word in it is frequent enough.
    """
    results = run(counting_job(plan))
    unread = Unread.of_results(results)
    ledger = unread.ledger
    for result in results:
        ledger.merge(Ledger.from_json(result.get("ledger", {})))
    check_budget(ledger, unread.problems, plan.config.error_budget, in_rejects=False)
    figures = {
        name: sum(result.get(name, 0) for result in results)
        for name in ("sentences", "tokens", "known tokens", "distinct words")
    }
    if not figures["sentences"]:
        raise BadInputError("the inputs hold no text to learn from.", hint="check them, and the setting held_out")
    words = read_table(vocabulary_path(plan.work))["word"].combine_chunks()
    if len(words) == 0:
        raise BadInputError(
            f"no word occurs min_count = {plan.config.min_count} times.",
            hint="learn from more text, or lower min_count",
        )
    numbers = range(1, plan.config.order + 1)
    totals = [_totals([result for result in results if result.get("order") == order]) for order in numbers]
    orders = estimate(
        [gather_order(plan.work, order, _partitions(plan, order)) for order in numbers],
        FIRST_WORD + len(words),
        [total.discounts for total in totals],
        plan.config.language_words(),
    )
    return Trained(words, orders, totals, ledger, figures)


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


def _totals(results: list[dict[str, Any]]) -> OrderTotals:
    counts_of_counts = [sum(column) for column in zip(*(result["counts_of_counts"] for result in results), strict=True)]
    return OrderTotals(
        sum(result["distinct"] for result in results),
        sum(result["kept"] for result in results),
        discounts(counts_of_counts),
    )
