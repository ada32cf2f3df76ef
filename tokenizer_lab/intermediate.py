"""The intermediate tokenizer: BPE trained on the Korean units and their counts; its pieces are the candidates.

Only Korean units are given. Merges never cross the cut between units, so digits, Latin and the like would only take
places from the Korean pieces without changing their order.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tokenizer_lab.bpe_trainer import train_bpe
from tokenizer_lab.config import ExpandConfig
from tokenizer_lab.hangul import SPACE_MARK, is_korean_piece
from tokenizer_lab.words import Ints, Units


def extract_multis(korean: Units, letters: dict[str, int], base: Any, config: ExpandConfig) -> list[str]:
    """Pieces of two or more characters of the intermediate tokenizer that the base lacks, in merge order.

    A corpus too small for `intermediate_vocab_size` yields fewer pieces. Units and pairs below `train_min_count` are
    left out, which also keeps the rarest letters out of the pieces: no character coverage is needed.

    Args:
        korean: the Korean units.
        letters: occurrences of each Hangul letter.
        base: the model to extend.
        config: size of the intermediate tokenizer, and the least count to train on.
    """
    known = {piece.piece for piece in base.pieces}
    num_letters = sum(count >= config.train_min_count for count in letters.values())
    num_merges = max(0, config.intermediate_vocab_size - num_letters)
    pieces = train_bpe(*_training_units(korean, config.train_min_count), num_merges, config.train_min_count)
    return [piece for piece in pieces if is_korean_piece(piece) and piece not in known]


def _training_units(korean: Units, min_count: int) -> tuple[pa.LargeStringArray, Ints]:
    """Frequent units with their run of spaces made one mark, in byte order: ` 나라` and `나라` stay different."""
    frequent = korean.where(pa.array(korean.counts >= min_count))
    if not len(frequent):
        frequent = korean
    text = pc.replace_substring_regex(frequent.text, f"^[ {SPACE_MARK}]+", SPACE_MARK)
    table = pa.table({"unit": text, "count": frequent.counts})
    table = table.group_by("unit").aggregate([("count", "sum")]).sort_by("unit").combine_chunks()
    return table["unit"].chunk(0), table["count_sum"].to_numpy()
