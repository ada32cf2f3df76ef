"""Perplexity in the clean stage: scores, a sketch of their distribution, and the cut of each source.

A document's score is ln(perplexity), or with a second model of bad text ln(perplexity) - weight · ln(bad perplexity):
the higher, the worse (after Upstage's pair of a good and a bad model, ACL 2025). Scores of different sources do not
compare, so each source is cut at its own percentile (CCNet, Wenzek et al. 2020, drops about the worst third).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from malmoi_pipelines.contracts.arrays import U64, Bool
from malmoi_pipelines.contracts.config import Config
from malmoi_pipelines.engine.chunk_kind import of_kind
from malmoi_pipelines.lm.scoring import LanguageModel, ModelOptions, load_model

BINS_PER_UNIT = 100
"""Bins of the sketch in one unit of score: a cut is exact to 1 % of the perplexity."""

SCORE_BIN = of_kind("score bin", pa.schema([("source", pa.string()), ("bin", pa.int64()), ("documents", pa.int64())]))
"""The sketch on its way: documents by source and score bin."""
CUT = of_kind("cut", pa.schema([("source", pa.string()), ("bin", pa.int64())]))
"""The highest bin that a source keeps."""
F32 = npt.NDArray[np.float32]


class PerplexityOptions(Config):
    """The language models that score documents."""

    good: ModelOptions
    """Model of good text."""
    bad: ModelOptions | None = None
    """Model of bad text (spam, slurs, boilerplate), if there is one."""
    bad_weight: float = Field(0.5, ge=0)
    """Weight of the bad model in the score."""

    def located(self) -> Self:
        """The same with the files of the tokenizers in full."""
        found = {"good": self.good.located(), "bad": None if self.bad is None else self.bad.located()}
        return self.model_copy(update=found)


@dataclass(frozen=True)
class Scores:
    """Perplexities of some documents."""

    table: F32
    """float32[documents, 1 or 2]: by the model, and by the bad model if there is one."""
    bad_weight: float

    def values(self) -> npt.NDArray[np.float64]:
        """The score of each: the higher, the worse."""
        logs = np.log(self.table.astype(np.float64))
        return logs[:, 0] if logs.shape[1] == 1 else logs[:, 0] - self.bad_weight * logs[:, 1]

    def bins(self) -> npt.NDArray[np.int64]:
        """The bin of each score."""
        return np.floor(self.values() * BINS_PER_UNIT).astype(np.int64)

    def above(self, sources: Sequence[str], cuts: Mapping[str, int]) -> Bool:
        """Which documents lie above the cut of their source."""
        highest = np.iinfo(np.int64).max
        return self.bins() > np.fromiter((cuts.get(source, highest) for source in sources), np.int64, len(sources))

    def rows(self, which: Bool | slice) -> Self:
        """The scores of some of the documents."""
        return type(self)(self.table[which], self.bad_weight)

    def columns(self) -> dict[str, F32]:
        """By name of the column of the documents."""
        return dict(zip(("perplexity", "bad_perplexity"), self.table.T, strict=False))


@dataclass(frozen=True)
class Decision:
    """What only a pass over all files can tell."""

    shared_ids: U64 = field(default_factory=lambda: np.empty(0, np.uint64))
    """Sorted digests of the ids that several documents share."""
    cuts: Mapping[str, int] = field(default_factory=dict)
    """Source → highest bin that is kept."""


NOTHING_KNOWN = Decision()


def load_models(options: PerplexityOptions) -> list[LanguageModel]:
    """The model of good text and, if there is one, that of bad text."""
    return [load_model(model) for model in (options.good, options.bad) if model is not None]


def score(texts: Sequence[str], models: Sequence[LanguageModel], bad_weight: float) -> Scores:
    """Score texts with the models of `load_models`."""
    columns = [model.perplexities(texts) for model in models]
    return Scores(np.stack(columns, axis=1).astype(np.float32), bad_weight)


def sketch(sources: Iterable[str], scores: Scores) -> Counter[tuple[str, int]]:
    """Documents by source and bin: a quantile sketch that merges by addition, in any order."""
    return Counter(zip(sources, scores.bins().tolist(), strict=True))


def sketch_batch(sketch: Mapping[tuple[str, int], int]) -> pa.RecordBatch:
    """The sketch as rows of `SCORE_BIN`."""
    cells = sorted(sketch.items())
    columns = [[name for (name, _), _ in cells], [number for (_, number), _ in cells], [count for _, count in cells]]
    return pa.RecordBatch.from_pydict(dict(zip(SCORE_BIN.names, columns, strict=True)), schema=SCORE_BIN)


def merge_sketches(batches: Iterable[pa.RecordBatch]) -> Counter[tuple[str, int]]:
    """The sum of sketches given as rows."""
    total: Counter[tuple[str, int]] = Counter()
    for batch in batches:
        for row in batch.to_pylist():
            total[row["source"], row["bin"]] += row["documents"]
    return total


def find_cuts(sketch: Mapping[tuple[str, int], int], shares: Mapping[str, float]) -> dict[str, int]:
    """The highest bin that each source keeps, so that at most its share of documents is dropped.

    Args:
        sketch: documents by source and bin.
        shares: source → share of its documents to drop, 0..1.

    >>> find_cuts({("web", 100): 6, ("web", 200): 3, ("web", 300): 1}, {"web": 0.4})
    {'web': 100}
    >>> find_cuts({("web", 100): 6, ("web", 200): 3, ("web", 300): 1}, {"web": 0.3})
    {'web': 200}
    """
    bins_of: dict[str, list[tuple[int, int]]] = {source: [] for source in shares}
    for (source, number), count in sorted(sketch.items()):
        if source in bins_of:
            bins_of[source].append((number, count))
    cuts = {}
    for source, share in sorted(shares.items()):
        bins = bins_of[source]
        total = sum(count for _, count in bins)
        dropped = 0
        for number, count in reversed(bins):
            if dropped + count > share * total:
                cuts[source] = number
                break
            dropped += count
    return cuts
