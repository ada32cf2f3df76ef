import importlib.util

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_tokenizer_lab.evaluate import evaluate, morphemes, read_unit_table
from malmoi_tokenizer_lab.evaluate.figures import unit_facts
from malmoi_tokenizer_lab.evaluate.morphemes import Sample, agreement, morpheme_cuts, samples

from tests.tokenizer_lab.evaluate.tables import toy_subject, write_table

needs_kiwi = pytest.mark.skipif(importlib.util.find_spec("kiwipiepy") is None, reason="needs kiwipiepy")


def sample(words):
    """Words with count and the characters after which they are cut."""
    text = pa.array([f" {word}" for word, _, _ in words], pa.large_string())
    cuts = [frozenset(len(word[:place].encode()) for place in places) for word, _, places in words]
    return Sample("x", text, np.array([float(count) for _, count, _ in words]), cuts)


def test_agreement_by_hand():
    # ▁가나|다, ▁가|다, ▁가나, ▁|나|다|나|다: the cut after the space is none of the word
    words = [("가나다", 10, {2}), ("가다", 3, set()), ("가나", 5, {1}), ("나다나다", 1, {2})]
    found = agreement(toy_subject(), [sample(words)])
    cut, wanted, both = 10 * 1 + 3 * 1 + 0 + 1 * 3, 10 + 0 + 5 + 1, 10 + 1
    assert found.eojeol == 4
    assert (found.precision, found.recall) == (both / cut, both / wanted)
    assert found.f1 == pytest.approx(2 * found.precision * found.recall / (found.precision + found.recall))


def test_cuts_inside_of_a_letter_agree_with_none():
    # 뷁 is three bytes: two cuts inside of it, one after it, which Kiwi has, too
    found = agreement(toy_subject(), [sample([("뷁가", 1, {1})])])
    assert (found.precision, found.recall) == (1 / 3, 1)


def test_words_of_one_token_and_one_morpheme_say_nothing():
    found = agreement(toy_subject(), [sample([("가", 9, set())])])
    assert (found.precision, found.recall, found.f1) == (None, None, None)


spans = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)).map(sorted).map(tuple), max_size=5)


@given(spans)
def test_no_cut_goes_through_a_morpheme(found):
    word = "가나다라마바"
    for cut in morpheme_cuts(word, found):
        assert cut % 3 == 0 < cut < 18
        assert any(cut // 3 in span for span in found)
        assert not any(start < cut // 3 < end for start, end in found)


@pytest.mark.long
@needs_kiwi
def test_the_samples_are_the_frequent_ones_and_some_others(tmp_path, monkeypatch):
    monkeypatch.setattr(morphemes, "NUM_FREQUENT", 2)
    monkeypatch.setattr(morphemes, "NUM_OTHERS", 3)
    words = ["나라의"] * 5 + ["법률에서"] * 4 + ["했다", "국민은", "법원이", "도로를", "학교로", "사람들"]
    documents = [("web", "ab " + " ".join(words) + "  두칸 a")]
    folder = write_table(str(tmp_path), documents)

    def chosen():
        table = read_unit_table([folder])
        return {part.name: part for part in samples(table, unit_facts(table.text).plain)}

    found = chosen()
    assert sorted(found["frequent"].text.to_pylist()) == [" 나라의", " 법률에서"]
    assert dict(zip(found["frequent"].text.to_pylist(), found["frequent"].cuts, strict=True)) == {
        " 나라의": {6},
        " 법률에서": {6},
    }
    others = found["any other"].text.to_pylist()
    assert len(others) == 3
    assert set(others) < {f" {word}" for word in words[9:]}
    assert chosen()["any other"].text.to_pylist() == others


@pytest.mark.long
@needs_kiwi
def test_held_out_words_are_asked_for_where_there_are_any(tmp_path):
    folder = write_table(str(tmp_path), [("web", "가나 다")], held_out=[("web", "a 나라의 나라의 법률에서")])
    table, held_out = read_unit_table([folder]), read_unit_table([folder], "held_out")
    rows = evaluate([toy_subject()], table, held_out=held_out).morphemes
    assert [(row["sample"], row["eojeol"]) for row in rows] == [("frequent", 2)]
    assert rows[0]["recall"] == 1  # ▁나|라(3 bytes)|의(3 bytes): the toy cuts everywhere
    assert rows[0]["precision"] < 1


def test_without_kiwi_the_evaluation_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("malmoi_tokenizer_lab.evaluate.evaluation.has_kiwi", lambda: False)
    found = evaluate([toy_subject()], read_unit_table([write_table(str(tmp_path), [("web", "가나")])]))
    assert found.morphemes == []
    assert any("kiwipiepy is not installed" in note for note in found.notes)
