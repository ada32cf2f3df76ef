"""Toy bases, corpora and vocabularies for the loop, small enough for plain Python to check all that it does."""

import collections
import functools
import itertools
import math

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from malmoi_pipelines.tokenizers.model_proto import NORMAL, extend, load_for_units
from malmoi_tokenizer_lab.loop.candidates import find_candidates
from malmoi_tokenizer_lab.loop.curation import with_wanted
from malmoi_tokenizer_lab.loop.fixed_point import find_fixed_point
from malmoi_tokenizer_lab.loop.intermediate import is_candidate
from malmoi_tokenizer_lab.loop.policies import POLICIES, Limits
from malmoi_tokenizer_lab.loop.recount import Recount
from malmoi_tokenizer_lab.loop.spelling import Spelling
from malmoi_tokenizer_lab.sentencepiece.export import token_rows
from malmoi_tokenizer_lab.sentencepiece.inventory import sentencepiece_inventory
from sentencepiece import sentencepiece_model_pb2 as proto

from tests.tokenizer_lab.plain_bpe import symbols_of
from tests.tokenizer_lab.small import make_base

MARK = "\u2581"
LETTERS = "가나다ㅋ"
BARE = "다ㅋ"
"""Letters that no toy base has."""
LATE = (MARK * 2, MARK * 4)
MULTIS_OF_BASES = ((), ("가나",), (f"{MARK}가", "나가"), ("나가", f"{MARK}나", "가나"))

pieces = st.builds(
    lambda mark, letters: mark + letters, st.sampled_from(["", MARK]), st.text(LETTERS, min_size=1)
).filter(lambda text: 1 < len(text) < 9)
unit_texts = st.one_of(
    st.builds(lambda spaces, letters: MARK * spaces + letters, st.integers(0, 5), st.text(LETTERS, min_size=1)),
    st.integers(1, 9).map(lambda size: "ㅋ" * size),
)
corpora = st.dictionaries(unit_texts, st.sampled_from([1, 1, 2, 2, 3, 5, 10]), min_size=1, max_size=12)
"""Units and their counts, with many ties."""
vocabularies = st.lists(pieces, unique=True, max_size=14)
"""Multis in merge order; any order, so that some are unreachable."""
bases = st.sampled_from(MULTIS_OF_BASES)


@functools.cache
def toy_model(multis=()):
    """A base with the space, two letters, some multis of them, and runs of spaces that merge last."""
    model = proto.ModelProto()
    model.ParseFromString(make_base())
    kept = [piece for piece in model.pieces if piece.type != NORMAL]
    del model.pieces[:]
    model.pieces.extend(kept)
    scored = [*((text, -float(i)) for i, text in enumerate([*multis, MARK, "가", "나"])), *((t, -1e9) for t in LATE)]
    for text, score in scored:
        model.pieces.add(piece=text, score=score, type=NORMAL)
    model.trainer_spec.vocab_size = len(model.pieces)
    return model


@functools.cache
def toy_inventory(multis=()):
    return sentencepiece_inventory(toy_model(multis), LETTERS)


def spelled(inventory, units):
    """A corpus as symbols, units in the order they are given."""
    symbols, lengths = inventory.spell(pa.array(list(units), pa.large_string()))
    return Spelling(inventory, symbols, lengths, np.array(list(units.values()), np.int64))


def letters_in(units):
    """Occurrences of each letter."""
    counts = collections.Counter()
    for unit, count in units.items():
        for letter in unit.lstrip(MARK):
            counts[letter] += count
    return counts


def candidates_of(multis, inventory, units, cutoff=1, wanted=()):
    """What the loop chooses from: `multis` that the base lacks, and the wanted ones."""
    multis = [piece for piece in multis if piece not in inventory.ids]
    return find_candidates(
        with_wanted(multis, wanted, inventory, is_candidate), inventory, letters_in(units), cutoff, wanted
    )


def ranks_of(base_multis, candidates, alive):
    """The rank of every piece that merging makes, for the oracle."""
    new = [piece for piece, lives in zip(candidates.pieces[: candidates.num_multis], alive, strict=False) if lives]
    ranks = {piece: rank for rank, piece in enumerate([*base_multis, *new])}
    return ranks | dict.fromkeys(LATE, len(ranks))


class Counted:
    """A corpus counted by plain Python under a vocabulary."""

    def __init__(self, units, base_multis, candidates, alive):
        ranks = ranks_of(base_multis, candidates, alive)
        self.tokens = [symbols_of(unit, ranks) for unit in units]
        self.emitted = collections.Counter()
        for tokens, count in zip(self.tokens, units.values(), strict=True):
            for token in tokens:
                self.emitted[token] += count
        self.counts = [
            self.emitted[piece] if lives else 0 for piece, lives in zip(candidates.pieces, alive, strict=True)
        ]
        have = {piece for piece, lives in zip(candidates.pieces, alive, strict=True) if lives}
        sizes = [
            count * sum(len(token.encode()) if token in BARE and token not in have else 1 for token in tokens)
            for tokens, count in zip(self.tokens, units.values(), strict=True)
        ]
        eojeol = [size for size, unit in zip(sizes, units, strict=True) if unit.startswith(MARK)]
        self.num_tokens = (sum(sizes), sum(eojeol))


def encoded(units, base_multis, candidates, alive):
    """The ids that SentencePiece itself makes of each unit, of the model with the rows of a vocabulary."""
    model = toy_model(base_multis)
    model = extend(model, token_rows(model, candidates, np.flatnonzero(alive)))
    return load_for_units(model).encode([unit.replace(MARK, " ") for unit in units], out_type=int)


def limits_of(candidates, cutoff, budget=math.inf, wanted=(), keep_scaffolds=False):
    frequent = np.zeros(len(candidates), bool)
    frequent[candidates.num_multis :] = candidates.letter_counts >= cutoff
    is_wanted = np.array([piece in wanted for piece in candidates.pieces], bool)
    return Limits(cutoff, budget, frequent, is_wanted, np.full(len(frequent), keep_scaffolds))


def run(candidates, units, policy, limits, counter=None, max_rounds=500):
    """The loop over a toy corpus; `units` as symbols."""
    return find_fixed_point(
        candidates,
        counter or Recount(candidates, units, np.ones(len(candidates), bool)),
        POLICIES[policy],
        limits,
        other_tokens=7,
        num_eojeol=int(units.counts[units.eojeol].sum()),
        max_rounds=max_rounds,
    )


def kept(candidates, alive):
    """The pieces of a vocabulary, in order."""
    return list(itertools.compress(candidates.pieces, alive))
