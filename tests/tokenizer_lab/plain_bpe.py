"""Merging in plain Python, one unit at a time, and the parents of a piece: the oracle for the loop."""

import itertools
import math
from collections.abc import Mapping


def symbols_of(text: str, ranks: Mapping[str, int], without: str | None = None, stop_at: int = 1) -> list[str]:
    """Merge a text's characters by rank, as SentencePiece does: of equal ranks the leftmost pair first.

    Args:
        text: characters, spaces as U+2581.
        ranks: rank of every piece, the lowest merges first.
        without: a piece to take as absent.
        stop_at: no merging below so many symbols.

    Example:
        >>> symbols_of("abc", {"ab": 0, "abc": 1}), symbols_of("abc", {"ab": 0, "abc": 1}, without="abc")
        (['abc'], ['ab', 'c'])
    """
    symbols = list(text)
    while len(symbols) > stop_at:
        pairs = [left + right for left, right in itertools.pairwise(symbols)]
        order = [math.inf if pair == without else ranks.get(pair, math.inf) for pair in pairs]
        best = min(order, default=math.inf)
        if best == math.inf:
            break
        at = order.index(best)
        symbols[at : at + 2] = [pairs[at]]
    return symbols


def parents(piece: str, ranks: Mapping[str, int]) -> tuple[str, str] | None:
    """The two tokens that merge into `piece`, or None if it is dead.

    >>> parents("abc", {"ab": 0, "bc": 1, "abc": 2})
    ('ab', 'c')
    >>> parents("abcd", {"bc": 0, "ab": 1, "cd": 2, "abcd": 3}) is None  # bc comes first, ab and cd never meet
    True
    """
    symbols = symbols_of(piece, ranks, without=piece)
    return (symbols[0], symbols[1]) if len(symbols) == 2 else None
