"""Histograms of the documents as they came: lengths, share of Hangul, perplexity; by source, as tables and pictures."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from malmoi_pipelines.contracts.arrays import F64, I64
from malmoi_pipelines.contracts.pictures import draw, label

Histograms = Counter[tuple[str, str, int]]
"""(measure, source, bin) → documents."""


@dataclass(frozen=True)
class Scale:
    """How the values of a measure fall into bins."""

    title: str
    bin_of: Callable[[F64], F64]
    start_of: Callable[[int], float]
    """Lower bound of a bin."""
    logarithmic: bool


def _logarithmic(title: str, per_doubling: int) -> Scale:
    def bin_of(values: F64) -> F64:
        return np.floor(np.log2(np.maximum(values, 1)) * per_doubling)

    return Scale(title, bin_of, lambda number: float(2 ** (number / per_doubling)), logarithmic=True)


SCALES = {
    "chars": _logarithmic("characters of a document", 1),
    "hangul_share": Scale(
        "share of Hangul among letters and digits",
        lambda values: np.minimum(np.floor(values * 20), 19),
        lambda number: number / 20,
        logarithmic=False,
    ),
    "perplexity": _logarithmic("perplexity per token", 2),
}
"""The measures that are drawn."""


def source_codes(sources: Sequence[str]) -> tuple[list[str], I64]:
    """The distinct sources, and the number of each document's."""
    names = {source: number for number, source in enumerate(dict.fromkeys(sources))}
    if len(names) == 1:
        return list(names), np.zeros(len(sources), np.int64)
    return list(names), np.fromiter(map(names.__getitem__, sources), np.int64, len(sources))


def add_measures(histograms: Histograms, sources: Sequence[str], measures: Mapping[str, F64]) -> None:
    """Count a block's documents; measures without a scale are left out.

    Args:
        histograms: what to add to.
        sources: the source of each document.
        measures: name → one value a document.
    """
    names, codes = source_codes(sources)
    for measure, values in measures.items():
        if measure in SCALES:
            bins = SCALES[measure].bin_of(values).astype(np.int64)
            width = int(bins.max(initial=0)) + 1
            counts = np.bincount(codes * width + bins)
            for cell in np.flatnonzero(counts).tolist():
                histograms[measure, names[cell // width], cell % width] += int(counts[cell])


def histogram_rows(histograms: Histograms, measure: str) -> list[dict[str, Any]]:
    """One row a source and bin that occurs."""
    scale = SCALES[measure]
    cells = sorted((source, number, count) for (name, source, number), count in histograms.items() if name == measure)
    return [
        {
            "source": source,
            "from": round(scale.start_of(number), 2),
            "to": round(scale.start_of(number + 1), 2),
            "documents": count,
        }
        for source, number, count in cells
    ]


def histogram_svg(histograms: Histograms, measure: str) -> bytes:
    """The histogram of each source as a line: the share of its documents. Equal counts give equal bytes."""
    scale = SCALES[measure]
    sources = sorted({source for name, source, _ in histograms if name == measure})
    bins = [number for name, _, number in histograms if name == measure]
    numbers = range(min(bins), max(bins) + 1)

    def lines(axes: Any) -> None:
        for source in sources:
            counts = [histograms[measure, source, number] for number in numbers]
            edges = [scale.start_of(number) for number in [*numbers, numbers[-1] + 1]]
            shares = [100 * count / max(1, sum(counts)) for count in counts]
            axes.stairs(shares, edges, label=label(source), linewidth=1.5)
        if scale.logarithmic:
            axes.set_xscale("log")
        axes.set_xlabel(scale.title)
        axes.set_ylabel("% of the source's documents")
        axes.legend(fontsize="small", frameon=False)

    return draw(lines, measure)
