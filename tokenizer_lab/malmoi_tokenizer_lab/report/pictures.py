"""The pictures of tokenizer reports."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from malmoi_pipelines.contracts.pictures import draw, label

Row = dict[str, Any]

_ABOVE: dict[str, Any] = {
    "fontsize": "small",
    "frameon": False,
    "loc": "lower center",
    "bbox_to_anchor": (0.5, 1),
    "ncols": 4,
}
"""Where a legend hides nothing of a full picture."""

MAX_SOURCES = 12
"""More groups of bars could not be told apart; the table has all of them."""


def trace(rounds: Sequence[Row]) -> bytes:
    """New tokens and the length of the corpus, round by round.

    Args:
        rounds: rows of `ROUNDS`.
    """
    numbers = [row["round"] for row in rounds]

    def lines(axes: Any) -> None:
        (size,) = axes.plot(numbers, [row["tokens"] for row in rounds], "o-", color="C0", markersize=4)
        other = axes.twinx()
        (length,) = other.plot(numbers, [row["corpus_tokens"] / 1e6 for row in rounds], "s--", color="C1", markersize=4)
        other.set_ylabel("millions of tokens of the corpus")
        other.spines[["top"]].set_visible(False)
        axes.set_xlabel("round")
        axes.set_ylabel("new tokens")
        axes.set_ylim(bottom=0)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend([size, length], ["new tokens", "length of the corpus"], **_ABOVE)

    return draw(lines, "trace")


def count_distribution(counts: Mapping[str, Sequence[int]], cutoff: int | None) -> bytes:
    """Counts of new tokens by rank, both axes logarithmic, with the cutoff as a line.

    Args:
        counts: tokenizer → occurrences of its new tokens, in any order. Those that never occur have no place on a
            logarithmic axis: the line ends before them.
        cutoff: least occurrences of a token.
    """

    def lines(axes: Any) -> None:
        for name, values in counts.items():
            ordered = np.sort(np.array([value for value in values if value > 0]))[::-1]
            ranks = _some_ranks(len(ordered))
            axes.plot(ranks, ordered[ranks - 1], label=label(name), linewidth=1.5)
        if cutoff is not None:
            axes.axhline(cutoff, color="C3", linestyle="--", linewidth=1, label=f"cutoff {cutoff:,}")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("rank of the new token")
        axes.set_ylabel("occurrences")
        axes.legend(fontsize="small", frameon=False)

    return draw(lines, "counts")


def _some_ranks(number: int) -> Any:
    """Ranks 1 to `number`, thinned out where a logarithmic axis has no room for all: at most some 500."""
    return np.unique(np.round(np.geomspace(1, max(1, number), min(max(1, number), 500))).astype(np.int64))[
        : number or 0
    ]


def fertility_by_source(rows: Sequence[Row], tokenizers: Sequence[str]) -> bytes:
    """Tokens an eojeol: a group of bars a source, a bar a tokenizer.

    Args:
        rows: efficiency of one part.
        tokenizers: their names, in order.
    """
    found = {(row["source"], row["tokenizer"]): row["tokens_per_eojeol"] or 0.0 for row in rows}
    sources = list(dict.fromkeys(row["source"] for row in rows))[:MAX_SOURCES]  # the first one is all of them
    width = 0.8 / len(tokenizers)

    def bars(axes: Any) -> None:
        for number, name in enumerate(tokenizers):
            places = np.arange(len(sources)) + (number - (len(tokenizers) - 1) / 2) * width
            axes.bar(places, [found[source, name] for source in sources], width * 0.95, label=label(name))
        axes.set_xticks(range(len(sources)), [label(source) for source in sources], rotation=25, ha="right")
        axes.set_ylabel("tokens per eojeol")
        axes.legend(**_ABOVE)

    return draw(bars, "fertility")


def token_lengths(rows: Sequence[Row]) -> bytes:
    """How many new tokens have each length, a line a tokenizer.

    Args:
        rows: the evaluation's lengths.
    """
    tokenizers = list(dict.fromkeys(row["tokenizer"] for row in rows))
    longest = max(row["characters"] for row in rows)

    def lines(axes: Any) -> None:
        for name in tokenizers:
            sizes = {row["characters"]: row["new_tokens"] for row in rows if row["tokenizer"] == name}
            values = [sizes.get(size, 0) for size in range(longest + 1)]
            axes.stairs(values, np.arange(longest + 2) - 0.5, label=label(name), linewidth=1.5)
        axes.set_xlabel("letters of the new token")
        axes.set_ylabel("new tokens")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(fontsize="small", frameon=False)

    return draw(lines, "lengths")
