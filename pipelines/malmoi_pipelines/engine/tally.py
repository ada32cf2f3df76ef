"""What a partition of a step did, counted as it runs: rows, documents, bytes, seconds.

On a Beam runner the figures are Beam metrics, which its UI shows while the job runs; from every runner they come back
among the results and end in `timings.json`. Seconds differ from run to run, so nothing else may depend on them.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Self

import pyarrow as pa

from malmoi_pipelines.contracts.ledger import IN
from malmoi_pipelines.contracts.result import Accounted, Result
from malmoi_pipelines.engine.results import Told


@dataclass
class Tally(Result):
    """Figures of one partition, or of several added up."""

    partitions: int = 0
    failed: int = 0
    """Those of the partitions that ended in an error."""
    documents: int = 0
    """Documents that came in, by the ledgers among the results."""
    rows_received: int = 0
    bytes_received: int = 0
    """Bytes of chunks as they lie in memory, as below."""
    rows_sent: int = 0
    bytes_sent: int = 0
    seconds: float = 0.0
    """Of the clock, what takes the chunks and results on included."""

    def received(self, chunks: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The chunks of a partition, counted as they are taken."""
        for chunk in chunks:
            self.rows_received += chunk.num_rows
            self.bytes_received += chunk.nbytes
            yield chunk

    def sent(self, chunk: pa.RecordBatch) -> None:
        """Count a chunk for the next step."""
        self.rows_sent += chunk.num_rows
        self.bytes_sent += chunk.nbytes

    def told(self, result: Result) -> None:
        """Count the documents of a result."""
        if isinstance(result, Accounted):
            self.documents += result.ledger.documents(IN)

    def add(self, other: Self) -> None:
        """Add another's figures."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)

    def to_json(self) -> dict[str, Any]:
        """As plain values, seconds to the millisecond."""
        return asdict(self) | {"seconds": round(self.seconds, 3)}


class Stopwatch:
    """A tally of one partition, from its making to `stop`."""

    def __init__(self) -> None:
        self.tally = Tally(partitions=1)
        self._started = time.monotonic()

    def stop(self) -> Tally:
        """The tally, its seconds set."""
        self.tally.seconds = time.monotonic() - self._started
        return self.tally


def by_step(told: Iterable[Told]) -> dict[str, Tally]:
    """Step → the sum of the tallies of its partitions, in the order in which the steps first occur."""
    total: dict[str, Tally] = {}
    for step, _, result in told:
        if isinstance(result, Tally):
            total.setdefault(step, Tally()).add(result)
    return total
