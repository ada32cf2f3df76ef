"""How often the characters of a piece occur in a corpus, inside longer tokens, too."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from malmoi_pipelines.contracts.arrays import I64, offsets

from malmoi_tokenizer_lab.loop.merges import Merges, Symbols
from malmoi_tokenizer_lab.loop.spelling import Inventory
from malmoi_tokenizer_lab.words import Ints

_ROOT = 0
_BATCH = 1 << 20  # characters walked at once


def raw_counts(pieces: Sequence[str], inventory: Inventory, symbols: Symbols, lengths: Symbols, counts: Ints) -> Ints:
    """Occurrences of each piece as a part of the units' text; overlapping ones count each.

    All positions of the text walk down a trie of the pieces at once, a character a step; few go deep.

    Args:
        pieces: distinct texts, none empty, of characters that the inventory has.
        inventory: the symbols of single characters.
        symbols: the units' single characters, one unit after the other.
        lengths: characters of each unit.
        counts: how often each unit occurs.

    Returns:
        Shape [pieces].
    """
    if not len(pieces):
        return np.zeros(0, np.int64)
    table, ends, size = _trie(pieces, inventory)
    totals = np.zeros(size, np.float64)  # exact below 2^53
    bounds = offsets(lengths.astype(np.int64))
    step = max(1, len(lengths) * _BATCH // max(1, len(symbols)))
    for first in range(0, len(lengths), step):
        last = min(first + step, len(lengths))
        part = symbols[bounds[first] : bounds[last]]
        weights = np.repeat(counts[first:last], lengths[first:last]).astype(np.float64)
        stops = np.repeat(bounds[first + 1 : last + 1] - bounds[first], lengths[first:last])
        _walk(table, part, weights, stops, totals)
    return totals[ends].astype(np.int64)


def _trie(pieces: Sequence[str], inventory: Inventory) -> tuple[Merges, I64, int]:
    """A table (node, character) → node, the node where each piece ends, and the number of nodes."""
    characters, sizes = inventory.characters(pa.array(pieces, pa.large_string()))
    path = characters.tolist()
    children: dict[tuple[int, int], int] = {}
    ends = []
    start = 0
    for size in sizes.tolist():
        node = _ROOT
        for character in path[start : start + size]:
            node = children.setdefault((node, character), len(children) + 1)
        ends.append(node)
        start += size
    rows = [(node, character, child, 0) for (node, character), child in children.items()]
    return Merges.of(rows), np.array(ends, np.int64), len(children) + 1


def _walk(table: Merges, symbols: Symbols, weights: np.ndarray, stops: I64, totals: np.ndarray) -> None:
    """Add the weight of every position to all nodes that its text reaches."""
    start = at = np.arange(len(symbols))
    node = np.full(len(symbols), _ROOT, np.int32)
    while len(at):
        found = table.find(node, symbols[at])
        hit = found >= 0
        start, at, node = start[hit], at[hit] + 1, table.results[found[hit]]
        totals += np.bincount(node, weights[start], len(totals))
        inside = at < stops[start]
        start, at, node = start[inside], at[inside], node[inside]
