"""What two extensions of one base have in common, and what only one of them has."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from malmoi_tokenizer_lab.evaluate.pieces import shown

NUM_SHOWN = 30
"""Tokens of one only that are listed, for each side of a pair."""

Row = dict[str, Any]
TokenCounts = Mapping[str, int]
"""New Korean token → its occurrences."""


def overlap_rows(pieces: Mapping[str, TokenCounts]) -> list[Row]:
    """A row a pair of tokenizers: how many new tokens they share, and how often those of one only occur."""
    return [
        {
            "one": one,
            "other": other,
            "shared": len(pieces[one].keys() & pieces[other].keys()),
            "only in one": len(pieces[one].keys() - pieces[other].keys()),
            "their occurrences": _total(pieces[one], pieces[other]),
            "only in the other": len(pieces[other].keys() - pieces[one].keys()),
            "occurrences of those": _total(pieces[other], pieces[one]),
        }
        for one, other in itertools.combinations(pieces, 2)
    ]


def _total(own: TokenCounts, others: TokenCounts) -> int:
    return sum(count for piece, count in own.items() if piece not in others)


def token_rows(pieces: Mapping[str, TokenCounts]) -> list[Row]:
    """The most frequent tokens that one of a pair has and the other has not."""
    return [
        {"in": here, "not in": there, "token": shown(piece), "count": count}
        for pair in itertools.combinations(pieces, 2)
        for here, there in (pair, pair[::-1])
        for piece, count in itertools.islice(_most_frequent(pieces[here], pieces[there]), NUM_SHOWN)
    ]


def _most_frequent(own: TokenCounts, others: TokenCounts) -> Iterator[tuple[str, int]]:
    ranked = sorted(own.items(), key=lambda item: (-item[1], item[0]))
    return (item for item in ranked if item[0] not in others)
