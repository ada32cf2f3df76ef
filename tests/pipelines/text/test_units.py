import itertools
import json

import pyarrow as pa
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.text import units as module
from malmoi_pipelines.text.units import split_units

from tests.pipelines.text.pre_tokenizers import PATTERNS, crossed, pre_tokens
from tests.strategies import documents, texts

LETTER = "가-힣ㄱ-ㆎ"
# The definition of a metaspace unit as a regular expression: the oracle of the vectorised cut.
UNIT = regex.compile(rf"[ ▁]*[{LETTER}]+|[ ▁]*[^{LETTER} ▁\x00-\x1f\x7f]+|[ ▁]+|[\x00-\x1f\x7f]")
# The cuts of the byte-level rule, each as a look behind and one ahead.
BLANK = r"\x00-\x1f\x7f\x85\s\u180e"
VISIBLE, WORD, PUNCTUATION = rf"[^{BLANK}]", rf"[A-Za-z0-9{LETTER}]", r"[!-/:-@\[-`{-~]"
CUT = regex.compile(
    rf"(?<={VISIBLE})(?= )"
    rf"|(?<={WORD})(?=\n)"
    rf"|(?<={VISIBLE}\n)(?=(?!/|'){VISIBLE}|')"
    rf"|(?<={WORD})(?=(?!['|]){PUNCTUATION})"
    rf"|(?<=[A-Za-z{LETTER}])(?=[0-9])|(?<=[0-9])(?=[A-Za-z{LETTER}])"
)
# One or more of every class of characters that the five regular expressions tell apart, and of those of our own.
TRICKY = [*"가ㅋaAzB17/'(.,\"_\n\r\t  \x1c\x7f", "'s", "'LL", "\n\n", "\r\n", "  ", "é", "\u0301", "\u00a0", "\u3000"]
TRICKY += [
    "\u2028",
    "\u0085",
    "\u2009",
    "\u180e",
    "\u200b",
    "\ufeff",
    "漢",
    "ſ",
    "²",
    "Ⅷ",
    "ǅ",
    "ʰ",
    "“",
    "▁",
    "👩‍🚀",
    "ᄀ",
]
tricky = st.lists(st.one_of(st.sampled_from(TRICKY), st.characters(codec="utf-8")), max_size=30).map("".join)


def cut(contents, rule="metaspace"):
    return split_units(pa.array(contents, pa.large_string()), rule).to_pylist()


@given(documents)
def test_metaspace_units_are_the_regular_expressions_matches(contents):
    assert cut(contents) == [unit for text in contents for unit in UNIT.findall(" " + text)]


@pytest.mark.long
@given(st.lists(st.one_of(texts, tricky), max_size=8))
def test_byte_level_units_are_cut_where_the_definition_says(contents):
    bounds = [[0, *(match.start() for match in CUT.finditer(text)), len(text)] for text in contents]
    expected = [text[a:b] for text, ends in zip(contents, bounds, strict=True) for a, b in itertools.pairwise(ends)]
    assert cut(contents, "byte-level") == [unit for unit in expected if unit]


@given(st.lists(st.one_of(texts, tricky), max_size=8))
def test_nothing_is_left_uncounted(contents):
    assert "".join(cut(contents)) == "".join(" " + text for text in contents)
    assert "".join(cut(contents, "byte-level")) == "".join(contents)


@given(st.one_of(texts, tricky))
def test_no_pre_token_of_a_byte_level_base_crosses_a_cut(text):
    assert crossed(text, cut([text], "byte-level")) == []


def test_no_pre_token_crosses_a_cut_in_any_three_characters():
    contents = ["".join(chars) for chars in itertools.product([*TRICKY[:26], "\u0301", "\u00a0", "漢"], repeat=3)]
    for text, units in zip(contents, cut_each(contents), strict=True):
        assert crossed(text, units) == []


def cut_each(contents):
    """Units of each text alone: cut in one go, and told apart by their lengths."""
    found = iter(cut(contents, "byte-level"))
    for text in contents:
        units, size = [], 0
        while size < len(text):
            units.append(next(found))
            size += len(units[-1])
        yield units


def test_the_proof_sees_a_cut_that_is_not_safe():
    assert crossed("가\n\n나", ["가", "\n\n", "나"]) == ["gpt2"]
    assert crossed(".\n/", [".\n", "/"]) == ["tekken", "o200k"]
    assert crossed("it's", ["it", "'s"]) == ["o200k"]
    assert crossed("(가", ["(", "가"]) == ["llama3", "qwen2", "tekken", "o200k"]
    assert pre_tokens("llama3", " 말이\n\n") == [" 말이", "\n\n"]
    assert len(PATTERNS) == 5


@pytest.mark.long
@pytest.mark.parametrize(
    ("files", "num_bytes"),
    [
        ("novels/part-00000.jsonl.zst", 300_000),
        pytest.param("*/part-00000.jsonl.zst", 1_000_000, marks=pytest.mark.slow),
    ],
)
def test_no_pre_token_crosses_a_cut_of_real_text(real_text, files, num_bytes):
    paths = sorted(real_text.glob(files))
    assert paths
    for path in paths:
        lines = pa.input_stream(str(path), compression="zstd").read(num_bytes).split(b"\n")[:-1]
        contents = [json.loads(line)["text"] for line in lines]
        assert contents
        assert not any(crossed(text, units) for text, units in zip(contents, cut_each(contents), strict=True)), path


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
def test_metaspace_examples(text, units):
    assert cut([text]) == units


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("", []),
        ("나라의 말", ["나라의", " 말"]),
        ("끝.\n시작", ["끝", ".\n", "시작"]),
        ("끝\n시작", ["끝", "\n", "시작"]),
        ("끝\n\n시작", ["끝", "\n\n시작"]),
        ("  (주)말모이  2024년", ["  (주", ")말모이", "  2024", "년"]),
        ("가 \n 나", ["가", " \n 나"]),
        ("가\u3000나\u00a0 다", ["가\u3000나\u00a0 다"]),
        ("번호는 <|tell|>9", ["번호는", " <|tell|>9"]),
        ("don't 👩‍🚀 x/y\n/z", ["don't", " 👩‍🚀", " x", "/y", "\n/z"]),
    ],
)
def test_byte_level_examples(text, units):
    assert cut([text], "byte-level") == units


@given(st.lists(tricky, max_size=12), st.integers(1, 60))
def test_cutting_in_slices_changes_nothing(contents, size):
    whole = [cut(contents, rule) for rule in ("metaspace", "byte-level")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SLICE_BYTES", size)
        assert [cut(contents, rule) for rule in ("metaspace", "byte-level")] == whole


def test_a_slice_of_an_array_is_cut_like_a_copy_of_it():
    array = pa.array(["하나 둘", "셋", "넷 다섯"], pa.large_string())
    assert split_units(array.slice(1, 1)).to_pylist() == [" 셋"]
    assert split_units(array.slice(1, 2), "byte-level").to_pylist() == ["셋", "넷", " 다섯"]
