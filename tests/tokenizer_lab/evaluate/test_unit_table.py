import collections

import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_tokenizer_lab.evaluate import read_unit_table

from tests.tokenizer_lab.evaluate.tables import counts_by_source, write_table

DOCUMENTS = [
    ("web", "가나 다 가나 ab\n가나"),
    ("news", "가나 다다 a  b"),
    ("web", "다"),
    ("legal", "나"),
]
texts = st.lists(
    st.tuples(st.sampled_from(["web", "news", "_x"]), st.text("가나다ab \n.", max_size=20)), min_size=1, max_size=8
)


def contents(table):
    """Source → unit → count."""
    result = collections.defaultdict(dict)
    for source in table.sources:
        rows, counts = table.of_source(source)
        assert (rows[1:] > rows[:-1]).all()
        for unit, count in zip(table.text.take(rows).to_pylist(), counts.tolist(), strict=True):
            result[source][unit] = count
    return dict(result)


def same(left, right):
    return (
        left.text.equals(right.text)
        and left.sources == right.sources
        and left.rows.tolist() == right.rows.tolist()
        and left.entry_counts.tolist() == right.entry_counts.tolist()
        and left.bounds.tolist() == right.bounds.tolist()
    )


def test_the_table_is_what_the_documents_hold(tmp_path):
    table = read_unit_table([write_table(str(tmp_path), DOCUMENTS)])
    assert contents(table) == counts_by_source(DOCUMENTS)
    units = table.text.to_pylist()
    assert units == sorted(units, key=str.encode)
    total = sum(counts_by_source(DOCUMENTS).values(), collections.Counter())
    assert dict(zip(units, table.counts.tolist(), strict=True)) == total


def test_files_order_and_folders_make_no_difference(tmp_path):
    whole = read_unit_table([write_table(str(tmp_path / "whole"), DOCUMENTS)])
    assert same(whole, read_unit_table([write_table(str(tmp_path / "cut"), DOCUMENTS, parts=3)]))
    # The folders number their sources differently: web is 1 in one of them and 0 in the other.
    one = write_table(str(tmp_path / "one"), DOCUMENTS[:2])
    two = write_table(str(tmp_path / "two"), DOCUMENTS[2:], sources=["web", "legal"])
    for folders in ([one, two], [two, one]):
        assert same(whole, read_unit_table(folders))


@pytest.mark.long
@given(texts, texts)
def test_tables_add_up(left, right):
    both = write_table("memory://unit-table/both", left + right)
    parts = [write_table("memory://unit-table/left", left), write_table("memory://unit-table/right", right)]
    assert same(read_unit_table([both]), read_unit_table(parts))


def test_held_out_documents_are_apart(tmp_path):
    folder = write_table(str(tmp_path), DOCUMENTS[:2], DOCUMENTS[2:])
    held_out = read_unit_table([folder], "held_out")
    assert {source: units for source, units in contents(held_out).items() if units} == counts_by_source(DOCUMENTS[2:])
    empty = read_unit_table([write_table(str(tmp_path / "none"), DOCUMENTS)], "held_out")
    assert len(empty) == 0
    assert empty.counts.tolist() == []


def test_a_mixture_is_weighted_by_source(tmp_path):
    folder = write_table(str(tmp_path), DOCUMENTS)
    table = read_unit_table([folder], weights={"web": 0.5, "legal": 0})
    plain = counts_by_source(DOCUMENTS)
    units = table.text.to_pylist()
    expected = [0.5 * plain["web"][unit] + plain["news"][unit] for unit in units]
    assert table.counts.tolist() == expected
    assert same(table, read_unit_table([folder]).weighted({"web": 0.5, "legal": 0}))


@pytest.mark.parametrize(
    ("weights", "message"), [({"wob": 1}, "the source 'wob', of which"), ({"web": -1}, "'web' must .* Got -1")]
)
def test_wrong_weights_are_refused(tmp_path, weights, message):
    with pytest.raises(UsageError, match=message):
        read_unit_table([write_table(str(tmp_path), DOCUMENTS)], weights=weights)
