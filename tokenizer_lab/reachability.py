"""Which tokens BPE can make, and from what.

A piece is reachable iff encoding it with itself taken out of the vocabulary gives exactly two tokens: these are its
parents, the pair whose merge makes it. A piece that falls into three or more is dead: no text ever encodes to it.
(PickyBPE and LiteToken study the related "intermediate" tokens that are made but never emitted.)
"""

import itertools
from collections.abc import Mapping


def symbols_of(text: str, ranks: Mapping[str, int], without: str | None = None) -> list[str]:
    """Merge a text's characters by rank, as SentencePiece does.

    Args:
        text: characters, spaces as U+2581.
        ranks: rank of every piece, 0 merges first.
        without: a piece to take as absent.

    Example:
        >>> symbols_of("abc", {"ab": 0, "abc": 1}), symbols_of("abc", {"ab": 0, "abc": 1}, without="abc")
        (['abc'], ['ab', 'c'])
    """
    symbols = list(text)
    never = len(ranks)
    while len(symbols) > 1:
        pairs = [left + right for left, right in itertools.pairwise(symbols)]
        order = [never if pair == without else ranks.get(pair, never) for pair in pairs]
        best = min(order)
        if best == never:
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
