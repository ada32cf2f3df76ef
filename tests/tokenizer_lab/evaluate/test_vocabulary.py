import collections

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.tokenizers.byte_alphabet import unspell
from malmoi_tokenizer_lab.evaluate import evaluate, read_unit_table
from malmoi_tokenizer_lab.evaluate.subject import Subject
from malmoi_tokenizer_lab.evaluate.vocabulary import Length, NewTokens, lengths, new_tokens, use

from tests.tokenizer_lab.evaluate.tables import IDS, NEW, PIECES, encode, spelled, toy_subject, write_table
from tests.tokenizer_lab.small import split

TEXT = "가나 가나 가 다 ab 가나다"


def byte_level(pieces, first_new):
    return Subject(
        "bytes",
        "byte-level",
        None,
        None,
        len(pieces),
        first_new,
        frozenset(),
        lambda ids: [pieces[i] for i in ids],
        lambda ids: [unspell(pieces[i]) for i in ids],
        lambda: pieces,
    )


def test_use_of_new_tokens(tmp_path):
    folder = write_table(str(tmp_path), [("web", TEXT)], held_out=[("web", "가")])
    found = evaluate(
        [toy_subject("base", NEW), toy_subject()],
        read_unit_table([folder]),
        held_out=read_unit_table([folder], "held_out"),
        cutoff=2,
        with_morphemes=False,
    )
    counts = collections.Counter(token for unit in split(TEXT) for token in encode(unit))
    assert found.new_counts == {"toy": {"▁가": 1, "▁가나": 3}}
    assert {piece: counts[IDS[piece]] for piece in found.new_counts["toy"]} == found.new_counts["toy"]
    rows = {(row["part"], row["source"]): row for row in found.vocabulary}
    assert {row["tokenizer"] for row in found.vocabulary} == {"toy"}  # the base has no new tokens
    whole = rows["corpus", "all"]
    assert (whole["new_tokens"], whole["seen"], whole["least"], whole["most"], whole["below_cutoff"]) == (2, 1, 1, 3, 1)
    assert whole["share_of_tokens"] == 4 / counts.total()
    assert rows["corpus", "web"]["below_cutoff"] is None  # the cutoff is one of the whole corpus
    held_out = rows["held out", "all"]
    assert (held_out["seen"], held_out["least"], held_out["below_cutoff"]) == (0.5, 0, None)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=300))
def test_percentiles_are_nearest_ranks(values):
    ids = np.arange(len(values))
    found = use(NewTokens(ids, ids, ids.astype(float)), np.array(values, float), cutoff=7)
    for name, percent in (("percentile_1", 1), ("percentile_25", 25), ("median", 50), ("percentile_95", 95)):
        value = getattr(found, name)
        assert value in values
        # The definition: the least value that at least so many percent do not exceed.
        assert 100 * sum(other <= value for other in values) >= percent * len(values)
        assert 100 * sum(other < value for other in values) < percent * len(values)
    assert found.seen == pytest.approx(sum(value > 0 for value in values) / len(values))
    assert found.below_cutoff == sum(value < 7 for value in values)
    assert (found.least, found.most) == (min(values), max(values))


def test_new_tokens_are_the_korean_ones():
    pieces = [*PIECES, "<|acc|>", "<|reserved_0|>", "▁나라다"]
    subject = Subject(
        "x",
        "metaspace",
        None,
        None,
        len(pieces),
        NEW,
        frozenset(range(1, 257)),
        lambda ids: [pieces[index] for index in ids],
        lambda ids: [spelled(pieces[index]) for index in ids],
        lambda: pieces,
    )
    found = new_tokens(subject)
    assert [pieces[index] for index in found.ids.tolist()] == ["▁가", "▁가나", "▁나라다"]
    assert lengths(found) == [Length(1, 1, 1), Length(2, 1, 1), Length(3, 1, 1)]


def test_byte_level_tokens_are_measured_in_letters():
    # " 한국", the first two bytes of a letter, an English one, a mask, one letter without space
    pieces = ["a", "ĠíķľêµŃ", "ìĿ", "Ġthe", "<|acc|>", "ê°Ģ"]
    found = new_tokens(byte_level(pieces, 1))
    assert found.ids.tolist() == [1, 2, 5]
    assert lengths(found) == [Length(0, 1, 0), Length(1, 1, 0), Length(2, 1, 1)]
