import collections
import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_tokenizer_lab.evaluate import evaluate, read_unit_table
from malmoi_tokenizer_lab.evaluate.figures import unit_facts
from malmoi_tokenizer_lab.evaluate.letters import coverage, letter_counts
from malmoi_tokenizer_lab.evaluate.subject import Subject

from tests.tokenizer_lab.evaluate.tables import NEW, PIECES, spelled, toy_subject, write_table


@pytest.mark.long
@given(st.lists(st.text("가나뷁ㅋㅏabᄀ漢😀 \n.", max_size=20), min_size=1, max_size=5))
def test_letters_are_counted_as_in_the_text(texts):
    table = read_unit_table([write_table("memory://letters", [("web", text) for text in texts])])
    found = letter_counts(table, unit_facts(table.text))
    assert found == collections.Counter(re.findall("[가-힣ㄱ-ㆎ]", "".join(texts)))
    assert list(found) == sorted(found)


def test_coverage_is_that_of_whole_letters(tmp_path):
    # Both have 가 and 나, neither has 뷁
    table = read_unit_table([write_table(str(tmp_path), [("web", "가나 가뷁 뷁뷁 ab")])])
    rows = evaluate([toy_subject("base", NEW), toy_subject()], table, with_morphemes=False).letters
    assert [(row["tokenizer"], row["letters"], row["covered"]) for row in rows] == [("base", 3, 2), ("toy", 3, 2)]
    assert rows[0]["share_of_occurrences"] == pytest.approx(3 / 6)


def test_a_letter_only_inside_of_a_piece_is_not_covered():
    pieces = [*PIECES[:257], "▁뷁"]
    subject = Subject(
        "x",
        "metaspace",
        None,
        None,
        258,
        258,
        frozenset(range(1, 257)),
        lambda ids: [pieces[i] for i in ids],
        lambda ids: [spelled(pieces[i]) for i in ids],
        lambda: pieces,
    )
    assert coverage(subject, {"뷁": 2.0}).covered == 0
    whole = dataclasses.replace(subject, spellings=lambda ids: [b"", "뷁".encode()])
    assert coverage(whole, {"뷁": 2.0}).covered == 1
    assert coverage(subject, {}).share_of_occurrences is None
