import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_tokenizer_lab.loop import raw_counts as module
from malmoi_tokenizer_lab.loop.raw_counts import raw_counts

from tests.tokenizer_lab.loop.toy import LETTERS, MARK, corpora, toy_inventory

texts = st.text(LETTERS + MARK, min_size=1, max_size=5)


def plain(piece, units):
    """Overlapping occurrences of a piece, by brute force."""
    return sum(
        count * sum(unit.startswith(piece, start) for start in range(len(unit))) for unit, count in units.items()
    )


def counted(pieces, units):
    inventory = toy_inventory()
    symbols, lengths = inventory.characters(pa.array(list(units), pa.large_string()))
    return raw_counts(pieces, inventory, symbols, lengths, np.array(list(units.values()), np.int64)).tolist()


@pytest.mark.long
@given(st.lists(texts, unique=True), corpora, st.sampled_from([1, 7, 1 << 20]))
def test_occurrences_are_those_of_brute_force(pieces, units, batch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BATCH", batch)
        assert counted(pieces, units) == [plain(piece, units) for piece in pieces]


def test_occurrences_overlap_and_end_with_their_unit():
    assert counted(["ㅋㅋ", "ㅋㅋㅋㅋ", "가나", "나가"], {"ㅋㅋㅋㅋ": 5, "가나": 1}) == [15, 5, 1, 0]


def test_large_counts_stay_exact():
    assert counted(["가"], {"가가": 2**50 + 1}) == [2**51 + 2]


def test_no_pieces():
    assert counted([], {"가": 1}) == []
