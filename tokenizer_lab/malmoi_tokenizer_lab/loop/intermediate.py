"""Where candidates come from: byte-pair encoding trained on the Korean units and their counts.

Two sources. An `intermediate` tokenizer is trained from single characters, as KoSOLAR and EEVE did, and its pieces are
taken. `continued` BPE training starts from what the base makes of the units, so that every merge has a use beside the
base's own; a byte-level base needs it, because pieces of another training meet the base's merges at odd places
(Llama-3: 1,022 of 8,960 dead, docs/log.md).

Only Korean units are given. Merges never cross the cut between units, so digits, Latin and the like would only take
places from the Korean pieces without changing their order.
"""

from collections.abc import Callable
from typing import Literal

from malmoi_pipelines.contracts.hangul import is_korean_piece

from malmoi_tokenizer_lab.loop.bpe_trainer import train_bpe
from malmoi_tokenizer_lab.loop.spelling import Inventory, Spelling

CandidateSource = Literal["intermediate", "continued"]

LONGEST_PIECE = 16
"""Characters; SentencePiece's default and that of the Mistral base."""


def is_candidate(text: str) -> bool:
    """Whether a text may become a token of a SentencePiece base: Korean, and not too long."""
    return len(text) <= LONGEST_PIECE and is_korean_piece(text)


def intermediate_pieces(characters: Spelling, letters: dict[str, int], size: int, min_count: int) -> list[str]:
    """Pieces of two or more characters of an intermediate tokenizer that the base lacks, in merge order.

    A corpus too small for `size` yields fewer pieces. Units and pairs below `min_count` are left out, which also keeps
    the rarest letters out of the pieces: no character coverage is needed.

    Args:
        characters: the Korean units as single characters.
        letters: occurrences of each Hangul letter.
        size: pieces of the intermediate tokenizer, its single letters included.
        min_count: least count of units and pairs to train on.
    """
    num_letters = sum(count >= min_count for count in letters.values())
    inventory = characters.inventory
    plain = Inventory(tuple(x if len(x) == 1 else "" for x in inventory.texts), inventory.base_size, inventory.early)
    units = Spelling(plain, characters.symbols, characters.lengths, characters.counts).frequent(min_count)
    pieces = train_bpe(units, max(0, size - num_letters), min_count, is_candidate)
    return [piece for piece in pieces if piece not in inventory.ids]


def continued_pieces(units: Spelling, size: int, min_count: int, allowed: Callable[[str], bool]) -> list[str]:
    """Pieces that continued training adds to the base, in merge order.

    Args:
        units: the Korean units as the base merges them.
        size: most pieces.
        min_count: least count of a pair: of a token that cannot reach the cutoff nothing is made.
        allowed: whether a text may become a piece.
    """
    return train_bpe(units, size, min_count, allowed)
