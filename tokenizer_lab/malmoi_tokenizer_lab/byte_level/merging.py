"""Texts as a byte-level tokenizer merges them, by the loop's own merging in numpy."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from malmoi_pipelines.contracts.arrays import offsets, text_buffers

from malmoi_tokenizer_lab.byte_level.base import ByteLevelBase
from malmoi_tokenizer_lab.loop.merges import Merges, Symbols, merge_units
from malmoi_tokenizer_lab.words import Ints


def ranked_merges(base: ByteLevelBase) -> Merges:
    """The merges of a tokenizer, ranked by their order."""
    ranks = np.arange(len(base.merges), dtype=np.int64)
    return Merges.of(np.column_stack([base.merges.astype(np.int64), ranks]))


def byte_symbols(base: ByteLevelBase, texts: pa.Array) -> tuple[Symbols, Symbols]:
    """The ids of the texts' single bytes, one text after the other, and how many each text has."""
    binary = texts.cast(pa.large_binary())
    data, _ = text_buffers(binary)
    return base.byte_ids[data], pc.binary_length(binary).to_numpy().astype(np.int32)


def merge_texts(base: ByteLevelBase, merges: Merges, texts: pa.Array, num_threads: int) -> tuple[Symbols, Symbols]:
    """Pre-tokens as a tokenizer merges their bytes; one that is a token stays whole where the base says so.

    Args:
        base: the tokenizer.
        merges: its merges, ranked.
        texts: pre-tokens, as text or bytes.
        num_threads: threads to merge with.

    Returns:
        The ids of all texts in order, and how many each text has, shape [texts].
    """
    symbols, sizes = merge_units(merges, merges.ranks, *byte_symbols(base, texts), num_threads)
    if not base.ignore_merges:
        return symbols, sizes
    binary = texts.cast(pa.large_binary())
    whole = pc.index_in(binary, pa.array(base.tokens, pa.large_binary())).fill_null(-1).to_numpy()
    return _replace(symbols, sizes, whole)


def _replace(symbols: Symbols, sizes: Symbols, whole: Ints) -> tuple[Symbols, Symbols]:
    """Units as symbols, where `whole` >= 0 that one symbol."""
    is_whole = whole >= 0
    keep = ~np.repeat(is_whole, sizes)
    keep[offsets(sizes)[:-1][is_whole]] = True
    symbols = symbols.copy()
    symbols[offsets(sizes)[:-1][is_whole]] = whole[is_whole]
    return symbols[keep], np.where(is_whole, 1, sizes).astype(np.int32)
