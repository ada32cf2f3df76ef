"""The curve of distinct units: its samples, its estimates beside exact counts, Heaps' law."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.contracts.schemas import GROWTH
from malmoi_pipelines.contracts.tables import read_table
from malmoi_pipelines.count import added, steps
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.growth import DEPTHS, GrowthPoint, curve, document_depths, heaps_law
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.text.units import split_units

from tests.conftest import STANDARD_ERROR
from tests.pipelines.count.oracle import table_files
from tests.pipelines.count.test_count import RULES, drawn
from tests.strategies import texts

ROWS = [*drawn(1500, seed=3), *((f"copy {id_}", source, text) for id_, source, text in drawn(200, seed=3))]
TITLE = "Growth of distinct units"


def depths_of(rows):
    return document_depths(pa.array([text for _, _, text in rows], pa.large_string())).tolist()


def exact(rows, rule):
    """Documents, bytes and distinct units of each sample that has documents, the smallest first."""
    found = []
    for depth in reversed(range(DEPTHS)):
        chosen = [text for (_, _, text), own in zip(rows, depths_of(rows), strict=True) if own >= depth]
        units = set(split_units(pa.array(chosen, pa.large_string()), rule).to_pylist())
        if chosen:
            found.append((len(chosen), sum(len(text.encode()) for text in chosen), len(units)))
    return found


@pytest.mark.long
def test_the_samples_have_their_shares():
    depths = depths_of(drawn(20_000))
    shares = np.bincount(depths, minlength=DEPTHS) / len(depths)
    assert len(shares) == DEPTHS
    for depth, share in enumerate(shares.tolist()):
        assert share == pytest.approx(0.25**depth * (0.75 if depth < DEPTHS - 1 else 1), rel=0.25)


@pytest.mark.long
@given(st.lists(st.one_of(texts, st.text("가나", max_size=12)), min_size=1, max_size=9), st.data())
def test_depths_follow_from_the_text_alone(values, data):
    found = document_depths(pa.array(values, pa.large_string()))
    order = data.draw(st.permutations(range(len(values))))
    start = data.draw(st.integers(0, len(values) - 1))
    shuffled = pa.array([values[place] for place in order], pa.large_string()).slice(start)
    assert document_depths(shuffled).tolist() == [found[place] for place in order[start:]]


@pytest.mark.long
@pytest.mark.parametrize("rule", RULES)
def test_the_curve_is_that_of_exact_counts(tmp_path, write_documents, rule):
    corpus = write_documents(tmp_path / "in", ROWS[:900], ROWS[900:])
    result = count([corpus], str(tmp_path / "out"), CountConfig(units=rule), RunOptions())
    found = curve(read_table(result.folder, GROWTH).to_pylist())
    expected = exact(ROWS, rule)
    assert len(expected) == DEPTHS
    assert [(point.documents, point.bytes) for point in found] == [row[:2] for row in expected]
    for point, (_, _, distinct) in zip(found, expected, strict=True):
        assert abs(point.distinct_units - distinct) <= 3 * STANDARD_ERROR * distinct + 1
    report = read_report(result.folder)
    assert report.tables[TITLE][-1]["sample"] == "all"
    assert report.tables[TITLE][-1]["distinct units, about"] == found[-1].distinct_units
    assert found[-1].distinct_units == pytest.approx(report.facts["distinct units"], rel=3 * STANDARD_ERROR)


@pytest.mark.long
def test_held_out_documents_are_in_no_sample(tmp_path, write_documents):
    corpus = write_documents(tmp_path / "in", ROWS)
    result = count([corpus], str(tmp_path / "out"), CountConfig(held_out_share=0.3), RunOptions())
    report = read_report(result.folder)
    assert report.tables[TITLE][-1]["documents"] == report.facts["documents"] < len(ROWS)


@pytest.mark.long
def test_neither_flushes_nor_order_nor_cut_change_a_register(tmp_path, write_documents, monkeypatch):
    whole = count([write_documents(tmp_path / "a", ROWS)], str(tmp_path / "x"), CountConfig(), RunOptions())
    monkeypatch.setattr(steps, "FLUSH_BYTES", 2000)
    other = write_documents(tmp_path / "b", ROWS[1000:][::-1], ROWS[300:1000], ROWS[:300])
    again = count([other], str(tmp_path / "y"), CountConfig(partition_bytes=5000), RunOptions())
    assert read_table(again.folder, GROWTH).equals(read_table(whole.folder, GROWTH))


@pytest.mark.long
def test_a_table_without_growth_adds_up_and_leaves_out_the_curve(tmp_path, write_documents, monkeypatch):
    old, new = write_documents(tmp_path / "a", ROWS[:700]), write_documents(tmp_path / "b", ROWS[700:])
    table = count([old], str(tmp_path / "old"), CountConfig(), RunOptions())
    find = added.find_added

    def without_growth(folders, config):
        found = find(folders, config)
        files = tuple(file for file in found.files if file.table != GROWTH.name)
        return added.AddedTables(files, found.text_bytes, found.fingerprints)

    monkeypatch.setattr("malmoi_pipelines.count.stage.find_added", without_growth)
    both = count([new], str(tmp_path / "both"), CountConfig(), RunOptions(), add=[table.folder])
    whole = count([old, new], str(tmp_path / "whole"), CountConfig(), RunOptions())
    assert [file for file in table_files(both) if "growth" not in file[0]] == [
        file for file in table_files(whole) if "growth" not in file[0]
    ]
    assert TITLE in read_report(whole.folder).tables
    assert TITLE not in read_report(both.folder).tables


def test_heaps_law_needs_three_samples_that_are_large_enough():
    points = [GrowthPoint("", 1, size, round(size**0.6)) for size in (100, 9_999, 10_000, 20_000)]
    assert heaps_law(points) is None
    scale, exponent = heaps_law([*points, GrowthPoint("", 1, 40_000, round(40_000**0.6))])
    assert (scale, exponent) == (pytest.approx(1, rel=0.02), pytest.approx(0.6, rel=0.002))


@pytest.mark.long
def test_the_report_draws_the_curve_and_says_what_twice_the_text_would_have(tmp_path, write_documents):
    rows = drawn(8000, seed=5)
    corpus = write_documents(tmp_path / "in", rows)
    result = count([corpus], str(tmp_path / "out"), CountConfig(), RunOptions())
    report = read_report(result.folder)
    assert 0 < report.facts["exponent of Heaps' law"] < 1
    assert report.facts["distinct units in twice the text, about"] > report.facts["distinct units"] * 0.9
    assert (tmp_path / "out" / "pictures" / "growth-of-distinct-units.svg").read_bytes() == b"growth"
