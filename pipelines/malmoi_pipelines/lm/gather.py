"""What the partitions of a job wrote, gathered in one process: the tables that remain are those of the model."""

import numpy as np
import pyarrow as pa

from malmoi_pipelines.contracts.arrays import I64, run_starts
from malmoi_pipelines.lm.counting import CONTEXT
from malmoi_pipelines.lm.estimate import Order
from malmoi_pipelines.lm.ngrams import sort_key
from malmoi_pipelines.lm.work_files import (
    contexts_path,
    ngrams_path,
    read_table,
)


def gather_order(work: str, order: int, partitions: int) -> Order:
    """The kept n-grams of one order, sorted by ids, and their contexts in the same order."""
    ngrams = pa.concat_tables([read_table(ngrams_path(work, order, n)) for n in range(partitions)])
    contexts = pa.concat_tables([read_table(contexts_path(work, order, n)) for n in range(partitions)])
    words = tuple(ngrams[f"w{n}"].to_numpy() for n in range(order))
    rows = np.argsort(sort_key(words))
    sums = {name: contexts[name].to_numpy() for name in CONTEXT.names}
    by_context = _context_order(rows, sums["kept"])
    return Order(
        tuple(column[rows] for column in words),
        ngrams["adjusted"].to_numpy()[rows],
        {name: column[by_context] for name, column in sums.items()},
    )


def _context_order(rows: I64, kept: I64) -> I64:
    """How the contexts are sorted, when `rows` sorts their n-grams: a context's n-grams stay together."""
    context_of_row = np.repeat(np.arange(len(kept)), kept)[rows]
    return context_of_row[run_starts(context_of_row)]
