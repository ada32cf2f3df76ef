"""Why each document was removed: the table `removals`, and what the report tells of it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from malmoi_pipelines.contracts.arrays import I64
from malmoi_pipelines.contracts.result import Result
from malmoi_pipelines.contracts.schemas import REMOVALS
from malmoi_pipelines.dedupe.messages import NAMES

_EXAMPLES = 3  # removals of a source that are named when a guard stops the stage


class Example(NamedTuple):
    """A removal by name; in the order of its fields, the least similar comes first."""

    similarity: float
    id: str
    partner_source: str
    partner_id: str


@dataclass
class Removals(Result):
    """What the report tells of the removals of one file."""

    removed: dict[str, Counter[str]] = field(default_factory=dict)
    """Source → reason → documents."""
    guarded: dict[str, Counter[str]] = field(default_factory=dict)
    """The same without those that repeat an earlier corpus."""
    similarities: Counter[int] = field(default_factory=Counter)
    """Similarity in hundredths, rounded down → near duplicates."""
    examples: dict[str, dict[str, list[Example]]] = field(default_factory=dict)
    """Source → reason → the least similar."""


class RemovalTable:
    """The removals of one file."""

    def __init__(self) -> None:
        self.tables: list[pa.RecordBatch] = []
        """Batches of `REMOVALS`."""
        self.told = Removals()

    def duplicates(self, gone: pa.RecordBatch, sizes: I64, removals: pa.Table) -> None:
        """Explain documents that repeat another.

        Args:
            gone: the documents, with `id` and `source`.
            sizes: int64[n], UTF-8 bytes of their texts.
            removals: their removals (`NAMED_REMOVAL`), row by row.
        """
        near = removals.column("near")
        columns = {name: removals.column(name) for name in ("partner_old", *NAMES)}
        similarity = removals.column("similarity").cast(pa.float32())
        self._add(gone, sizes, {"reason": pc.if_else(near, "near", "exact"), "similarity": similarity, **columns})

    def emptied(self, gone: pa.RecordBatch, sizes: I64, partner_ids: pa.Array, partner_sources: pa.Array) -> None:
        """Explain documents of which repeated lines left nothing; a partner keeps the first of the lines."""
        names = {f"{end}_id": partner_ids for end in ("partner", "cluster")}
        names |= {f"{end}_source": partner_sources for end in ("partner", "cluster")}
        values = {"reason": "lines", "partner_old": False, "similarity": 1.0}
        repeated = {name: pa.repeat(value, gone.num_rows) for name, value in values.items()}
        self._add(gone, sizes, {**repeated, **names})

    def _add(self, gone: pa.RecordBatch, sizes: I64, columns: dict[str, Any]) -> None:
        if gone.num_rows == 0:
            return
        values = {"id": gone.column("id"), "source": gone.column("source"), "bytes": pa.array(sizes), **columns}
        table = pa.table({name: values[name] for name in REMOVALS.schema.names}).cast(REMOVALS.schema)
        for batch in table.combine_chunks().to_batches():
            self.tables.append(batch)
            self._tell(batch)

    def _tell(self, batch: pa.RecordBatch) -> None:
        pairs = zip(batch.column("source").to_pylist(), batch.column("reason").to_pylist(), strict=True)
        for (source, reason), count in Counter(pairs).items():
            self.told.removed.setdefault(source, Counter())[reason] += count
        here = batch.filter(pc.invert(batch.column("partner_old")))
        pairs = zip(here.column("source").to_pylist(), here.column("reason").to_pylist(), strict=True)
        for (source, reason), count in Counter(pairs).items():
            self.told.guarded.setdefault(source, Counter())[reason] += count
        near = batch.filter(pc.equal(batch.column("reason"), "near"))
        # float32 holds 0.8 as 0.800000012 and 0.7 as 0.699999988: a ten-thousandth keeps both in their bin.
        hundredths = np.floor(near.column("similarity").to_numpy() * 100 + 1e-4).astype(int)
        self.told.similarities.update(hundredths.tolist())
        names = ("similarity", "id", "partner_source", "partner_id", "reason", "source")
        for *fields, reason, source in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
            example = Example(*fields)
            told = self.told.examples.setdefault(source, {}).setdefault(reason, [])
            if len(told) < _EXAMPLES or example < told[-1]:
                told.append(example)
                told.sort()
                del told[_EXAMPLES:]
