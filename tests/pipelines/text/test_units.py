from collections import Counter

import pyarrow as pa
import pytest
import regex
from hypothesis import given, settings

from pipelines.text.units import count_letters, split_units
from tests.strategies import documents

LETTER = "가-힣ㄱ-ㆎ"
# The definition of a unit as a regular expression: the oracle of the vectorised cut.
UNIT = regex.compile(rf"[ ▁]*[{LETTER}]+|[ ▁]*[^{LETTER} ▁\x00-\x1f\x7f]+|[ ▁]+|[\x00-\x1f\x7f]")


def cut(texts):
    return split_units(pa.array(texts, pa.large_string())).to_pylist()


@settings(deadline=None)
@given(documents)
def test_units_are_the_regular_expressions_matches(texts):
    assert cut(texts) == [unit for text in texts for unit in UNIT.findall(" " + text)]


@settings(deadline=None)
@given(documents)
def test_nothing_is_left_uncounted(texts):
    assert "".join(cut(texts)) == "".join(" " + text for text in texts)


@settings(deadline=None)
@given(documents)
def test_letters_are_counted(texts):
    expected = Counter(char for text in texts for char in text if regex.fullmatch(f"[{LETTER}]", char))
    assert count_letters(pa.array(texts, pa.large_string())) == dict(expected)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("나라의 말", [" 나라의", " 말"]),
        ("", [" "]),
        ("끝.\n시작", [" 끝", ".", "\n", "시작"]),
        ("  (주)말모이  2024", ["   (", "주", ")", "말모이", "  2024"]),
        ("가 \n", [" 가", " ", "\n"]),
        ("ㅋㅋㅋ굿good", [" ㅋㅋㅋ굿", "good"]),
    ],
)
def test_examples(text, units):
    assert cut([text]) == units


def test_a_slice_of_an_array_is_cut_like_a_copy_of_it():
    array = pa.array(["하나 둘", "셋", "넷 다섯"], pa.large_string())
    assert split_units(array.slice(1, 1)).to_pylist() == [" 셋"]
