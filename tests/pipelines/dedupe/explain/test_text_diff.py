import itertools
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.dedupe.explain.text_diff import Piece, diff, fold, matches

from tests.pipelines.dedupe.corpus import edit, words

texts = st.text(alphabet="가나다 \n", max_size=60)


def side(pieces, other):
    return [word for piece in pieces if piece.side != other for word in piece.words]


@given(texts, texts)
def test_a_diff_holds_both_texts(left, right):
    pieces = diff(left, right)
    assert side(pieces, "right") == left.split()
    assert side(pieces, "left") == right.split()
    assert all(piece.count == len(piece.words) > 0 for piece in pieces)
    assert all(a.side != b.side for a, b in itertools.pairwise(pieces))


@given(st.lists(st.sampled_from("가나다라"), max_size=30), st.lists(st.sampled_from("가나다라"), max_size=30))
def test_matches_are_equal_in_order_and_apart(a, b):
    i = j = 0
    for start_a, start_b, length in matches(a, b):
        assert (start_a >= i, start_b >= j, length > 0) == (True, True, True)
        i, j = start_a + length, start_b + length
        assert a[start_a:i] == b[start_b:j]


def test_spaces_and_line_breaks_do_not_count():
    assert diff("나라의  말이\n\n중국과", "나라의\n말이 중국과\n") == [Piece.of("both", ("나라의", "말이", "중국과"))]


def test_of_equal_lines_only_what_lies_between_is_compared():
    left = "첫째 줄\n가 나 다\n셋째 줄"
    right = "첫째 줄\n가 라 다\n셋째 줄"
    assert [piece.words for piece in diff(left, right)] == [
        ("첫째", "줄", "가"),
        ("나",),
        ("라",),
        ("다", "셋째", "줄"),
    ]


def test_inserted_and_dropped_stretches_are_found():
    rng = random.Random(5)
    base = words(rng, 300)
    changed = [*base[:100], "덧붙인", "말", *base[100:200], *base[210:]]
    pieces = diff(" ".join(base), " ".join(changed))
    assert [(piece.side, piece.count) for piece in pieces] == [
        ("both", 100),
        ("right", 2),
        ("both", 100),
        ("left", 10),
        ("both", 90),
    ]


def test_folding_keeps_some_context_and_counts_the_rest():
    pieces = diff(" ".join(map(str, range(40))), " ".join(map(str, [*range(20), "x", *range(21, 40)])))
    assert [(piece.side, piece.words[:1], piece.count) for piece in fold(pieces, context=3)] == [
        ("both", (), 17),
        ("both", ("17",), 3),
        ("left", ("20",), 1),
        ("right", ("x",), 1),
        ("both", ("21",), 3),
        ("both", (), 16),
    ]


def test_folding_shortens_long_changes_and_loses_no_eojeol():
    pieces = diff("", " ".join(map(str, range(200))))
    folded = fold(pieces, longest=10)
    assert [(piece.words, piece.count) for piece in folded] == [
        (("0", "1", "2", "3", "4"), 5),
        ((), 190),
        (("195", "196", "197", "198", "199"), 5),
    ]
    assert fold(diff("가 나", "가 나")) == [Piece("both", (), 2)]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["one line", "lines", "few different words", "unrelated"])
def test_a_megabyte_is_no_matter_of_minutes(kind):
    rng = random.Random(9)
    vocabulary = words(rng, 30 if kind == "few different words" else 20_000)
    base = rng.choices(vocabulary, k=130_000)
    other = rng.sample(base, len(base)) if kind == "unrelated" else edit(rng, base, 500)
    wrapped = ["\n".join(" ".join(t[n : n + 9]) for n in range(0, len(t), 9)) for t in (base, other)]
    left, right = wrapped if kind == "lines" else (" ".join(base), " ".join(other))
    assert len(left.encode()) > 900_000
    start = time.process_time()
    pieces = diff(left, right)
    assert time.process_time() - start < 30  # it takes a second or two; the usual algorithms take hours
    assert side(pieces, "right") == base
    assert side(pieces, "left") == other
    if kind != "unrelated":
        assert sum(piece.count for piece in pieces if piece.side != "both") < 3_000
