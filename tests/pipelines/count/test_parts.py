"""The parts that count, order and describe units, each against a slow and simple twin."""

import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.count import statistics
from malmoi_pipelines.count.letters import count_letters
from malmoi_pipelines.count.order import by_bytes, by_count, digests, digests_and_hashes
from malmoi_pipelines.count.statistics import text_statistics
from malmoi_pipelines.count.words import (
    MAX_SOURCES,
    check_sources,
    chunks_of,
    code_units,
    count_codes,
    from_rows,
    merge_counts,
    ordered_rows,
)
from malmoi_pipelines.engine.partition import partition_of

from tests.pipelines.count.oracle import letters_of
from tests.pipelines.count.oracle import statistics as oracle_statistics
from tests.pipelines.count.whole import count_units
from tests.strategies import texts

alike = st.lists(st.sampled_from(["a", "b", "\0", " ", "나라의말이", "가", "x" * 8, "y" * 30]), max_size=6).map("".join)
units = st.lists(st.one_of(alike, texts, st.text(max_size=9)), unique=True, max_size=60)
parts = st.lists(
    st.tuples(st.sampled_from("abc한"), st.lists(st.sampled_from("abcdefgh나라"), max_size=30)), max_size=8
)


def strings(values):
    return pa.array(values, pa.large_string())


@given(units)
def test_by_bytes(values):
    assert [values[i] for i in by_bytes(strings(values))] == sorted(values, key=str.encode)


@given(units, st.data())
def test_by_count(values, data):
    counts = data.draw(st.lists(st.sampled_from([1, 2, 65534, 65535, 65536, 1 << 40]), min_size=len(values)))
    rows = list(zip(values, counts, strict=False))
    order = by_count(strings(values), np.array(counts[: len(values)], np.int64))
    assert [rows[i] for i in order] == sorted(rows, key=lambda row: (-row[1], row[0].encode()))


def test_digests_spread_units_and_depend_on_their_bytes_alone():
    values = [f" {chr(0xAC00 + n)}{chr(0xAC00 + n % 90)}" for n in range(8000)]
    found = digests(strings(values))
    assert len(set(found.tolist())) == len(values)
    sizes = np.bincount(partition_of(found, 8), minlength=8)
    assert sizes.min() > 850
    assert sizes.max() < 1150
    assert digests(strings(["다른", *values]).slice(1)).tolist() == found.tolist()
    assert digests(strings([""])).tolist() != digests(strings(["\0"])).tolist()


@given(units)
def test_hashes_are_those_of_the_bytes_alone(values):
    found, hashes = digests_and_hashes(strings(values))
    assert found.tolist() == digests(strings(values)).tolist()
    for value, own in zip(values, hashes.tolist(), strict=True):
        assert digests_and_hashes(strings([value]))[1].tolist() == [own]


def test_hashes_tell_units_apart_that_digests_do_not():
    values = [f"가나다{chr(0xAC00 + n)}{'라' * (n % 3)}마바사" for n in range(5000)]
    found, hashes = digests_and_hashes(strings(values))
    assert len(set(found.tolist())) < 4
    assert len(set(hashes.tolist())) == len(values)


def test_digests_never_change():
    """Word tables of other runs have their rows in these partitions."""
    assert digests(strings(["", " 말", " 나라의말이다"])).tolist() == PINNED


PINNED = [0, 14570177789970190113, 3282822761845316478]


@pytest.mark.parametrize(
    ("length", "pinned"),
    [
        (16, 1107392568600796845),
        (17, 7443439748118102757),
        (24, 8176151986521712292),
        (25, 2638397092208086280),
        (256, 6989220733930549628),
        (265, 5482637807292607211),
    ],
)
def test_hashes_never_change(length, pinned):
    """Growth curves of other runs, which add up with a new one, are made of these."""
    assert digests_and_hashes(strings(["x" * length]))[1].tolist() == [pinned]


@given(parts)
def test_counts_by_source_add_up(found):
    expected = Counter((unit, source) for source, values in found for unit in values)
    counts = [count_units([(source, strings(values))]) for source, values in found]
    chunks = [chunk for part in counts for _, chunk in chunks_of(part, partition_of(digests(part.units), 3))]
    for result in (merge_counts(chunks), count_units([(source, strings(values)) for source, values in found])):
        rows = ordered_rows(result)
        assert pairs(rows, result.names) == expected
        again = from_rows(rows, result.names)
        assert ordered_rows(again).equals(rows)
        assert again.names == result.names


def pairs(rows, names):
    return {
        (row["unit"], names[number]): count
        for row in rows.to_pylist()
        for number, count in zip(row["sources"], row["source_counts"], strict=True)
    }


def test_a_source_with_few_units_is_counted_as_one_with_many():
    many = [f"단어{n}" for n in range(1000)]
    counts = count_units([("b", strings(many)), ("a", strings(["단어7", "단어3", "단어7"]))])
    rows = ordered_rows(counts)
    assert rows.slice(0, 2).to_pylist() == [
        {"unit": "단어7", "count": 3, "sources": [0, 1], "source_counts": [2, 1]},
        {"unit": "단어3", "count": 2, "sources": [0, 1], "source_counts": [1, 1]},
    ]
    assert rows.num_rows == 1000


@pytest.mark.parametrize(("few", "many"), [(5, 70_000), (0, 65_536), (0, 65_535)])
def test_chunks_hold_the_rows_of_their_partition(few, many):
    counts = count_units([("b", strings(["x", "y", "z", "x"])), ("a", strings(["y", "w"]))])
    numbers = dict(zip(counts.units.to_pylist(), [few, many, few, many], strict=True))
    chunks = dict(chunks_of(counts, np.array([numbers[unit] for unit in counts.units.to_pylist()])))
    found = {
        partition: {(row["unit"], row["source"], row["count"]) for row in chunk.to_pylist()}
        for partition, chunk in chunks.items()
    }
    assert found == {
        few: {("x", "b", 2), ("z", "b", 1)},
        many: {("y", "b", 1), ("y", "a", 1), ("w", "a", 1)},
    }
    assert merge_counts([chunks[few]]).names == ("b",)  # of the sources those that have units there
    assert merge_counts([chunks[many]]).names == ("a", "b")


def test_a_part_without_a_source_is_not_left_out():
    distinct, codes = code_units([strings(["x", "y"]), strings(["y"])])
    with pytest.raises(ValueError, match="argument 2 is longer"):
        count_codes(distinct, ["a"], codes)


@given(st.lists(texts, max_size=6), st.integers(1, 9))
def test_letters_of_units_are_weighted(values, weight):
    totals, inside = count_letters(strings(values), np.full(len(values), weight))
    one = letters_of([("", "", text) for text in values])
    assert {chr(point): int(totals[point]) for point in np.flatnonzero(totals)} == {
        k: v * weight for k, v in one.items()
    }
    assert inside.tolist() == [letters_of([("", "", text)]).total() for text in values]


@given(st.lists(st.one_of(texts, st.text(st.sampled_from("가 \n\t.a"), max_size=5)), max_size=8), st.integers(1, 30))
def test_statistics_of_texts(values, size):
    values = list(filter(None, values))  # documents without text come no further
    expected = oracle_statistics([("", "web", text) for text in values]).get("web", dict.fromkeys(FIGURES, 0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "_SLICE_BYTES", size)
        assert text_statistics(strings(values)) == {name: expected[name] for name in FIGURES}


FIGURES = ("documents", "bytes", "characters", "lines", "eojeol")


def test_too_many_sources_are_refused():
    check_sources(MAX_SOURCES)
    with pytest.raises(BadInputError, match=re.escape("at most 32,768 sources. Got 32,769 or more")):
        check_sources(MAX_SOURCES + 1)
