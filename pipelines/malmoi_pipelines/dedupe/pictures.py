"""The pictures of the report: how similar the removed documents were, and how large the clusters are."""

from collections.abc import Mapping
from typing import Any

from malmoi_pipelines.contracts.pictures import draw


def similarity_picture(hundredths: Mapping[int, int], threshold: float) -> bytes:
    """Near duplicates by their similarity to the document they repeat.

    Args:
        hundredths: similarity in hundredths, rounded down → documents.
        threshold: the least similarity, drawn as a line.
    """
    numbers = range(min(hundredths), 101)

    def bars(axes: Any) -> None:
        axes.bar(
            [number / 100 for number in numbers], [hundredths.get(n, 0) for n in numbers], width=0.009, align="edge"
        )
        axes.axvline(threshold, color="black", linewidth=1, linestyle="--", label=f"threshold {threshold:g}")
        axes.set_xlabel("similarity")
        axes.set_ylabel("documents removed")
        axes.legend(fontsize="small", frameon=False)

    return draw(bars, "similarity")


def cluster_picture(sizes: Mapping[int, int]) -> bytes:
    """Clusters by their size; both axes are logarithmic.

    Args:
        sizes: documents of a cluster → clusters.
    """
    points = sorted(sizes.items())

    def dots(axes: Any) -> None:
        axes.loglog(*zip(*points, strict=True), ".")
        axes.set_xlabel("documents of a cluster")
        axes.set_ylabel("clusters")

    return draw(dots, "clusters")
