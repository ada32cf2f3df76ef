import collections
import io
import itertools

import numpy as np
import pyarrow as pa
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import sentencepiece_model_pb2 as proto

from tests.tokenizer_lab.small import count_units
from tokenizer_lab.bpe_trainer import LONGEST_PIECE, train_bpe
from tokenizer_lab.reachability import symbols_of


def train(units, num_merges=1000, min_count=1):
    text = pa.array(sorted(units), pa.large_string())
    return train_bpe(text, np.array([units[unit] for unit in sorted(units)]), num_merges, min_count)


def plain_bpe(units, num_merges):
    """The textbook algorithm: encode all units with the pieces so far, recount all pairs, take the most frequent."""
    ranks, pieces = {}, []
    while len(pieces) < num_merges:
        pairs = collections.Counter()
        for unit, count in units.items():
            symbols = symbols_of(unit, ranks)
            for left, right in itertools.pairwise(symbols):
                if len(left + right) <= LONGEST_PIECE:
                    pairs[left, right] += count
        if not pairs:
            break
        left, right = min(pairs, key=lambda pair: (-pairs[pair], len(pair[0] + pair[1]), pair[0] + pair[1]))
        ranks[left + right] = len(ranks)
        pieces.append(left + right)
    return pieces


# Without equal neighbours: how often a pair occurs in "aaa" is a matter of taste, and libraries differ.
units_of_distinct_neighbours = st.dictionaries(
    st.lists(st.sampled_from("가나다라▁"), min_size=1, max_size=7).map(
        lambda letters: "".join(x for i, x in enumerate(letters) if i == 0 or letters[i - 1] != x)
    ),
    st.integers(1, 50),
    min_size=1,
    max_size=12,
)


@given(units_of_distinct_neighbours)
def test_it_makes_what_the_textbook_makes_first(units):
    """Pieces agree until a merge makes two equal symbols meet; there the count of the run is a matter of taste."""
    ours, textbook = train(units, num_merges=3), plain_bpe(units, 3)
    for mine, theirs in zip(ours, textbook, strict=False):
        if mine != theirs:
            assert any(left == right for left, right in _neighbours(units, ours))
            break


def _neighbours(units, pieces):
    for size in range(len(pieces) + 1):
        ranks = {piece: rank for rank, piece in enumerate(pieces[:size])}
        for unit in units:
            symbols = symbols_of(unit, ranks)
            yield from itertools.pairwise(symbols)


def test_runs_of_one_letter_merge_without_overlap():
    assert train({"ㅋㅋㅋㅋㅋ": 5}) == ["ㅋㅋ", "ㅋㅋㅋ", "ㅋㅋㅋㅋㅋ"]


def test_rare_pairs_are_not_merged():
    assert train({"가나": 5, "다라": 4}, min_count=5) == ["가나"]


def test_pieces_agree_with_sentencepiece(corpus):
    """The same pieces as SentencePiece's trainer on the same counts; an order among equal counts may differ."""
    units = collections.Counter()
    for unit, count in count_units(corpus).items():
        if "가" <= unit.strip(" ")[:1] <= "힣" and "ㅋ" not in unit:
            units["▁" * unit.startswith(" ") + unit.strip(" ")] += count
    output = io.BytesIO()
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=(f"{unit.replace('▁', ' ')}\t{count}" for unit, count in sorted(units.items())),
        model_writer=output,
        input_format="tsv",
        model_type="bpe",
        vocab_size=600,
        character_coverage=1.0,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        num_threads=1,
        minloglevel=2,
    )
    model = proto.ModelProto()
    model.ParseFromString(output.getvalue())
    theirs = [piece.piece for piece in model.pieces if piece.type == 1 and len(piece.piece) > 1]
    ours = train(units, num_merges=len(theirs))
    assert len(theirs) > 200
    assert ours[:100] == theirs[:100]
    assert len(set(ours) & set(theirs)) >= 0.98 * len(theirs)
