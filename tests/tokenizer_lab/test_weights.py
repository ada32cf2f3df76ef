"""Mixtures of sources from one word table, without reading the corpus again."""

import collections
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts.config import parse_config
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.hangul import letters_of
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.engine.options import RunOptions
from malmoi_tokenizer_lab.config import ExpandConfig
from malmoi_tokenizer_lab.stage import expand
from malmoi_tokenizer_lab.words import letters_in, read_units

from tests.tokenizer_lab.small import SMALL, count_units, make_corpus

DOCUMENTS = {"books": make_corpus(40, seed=2), "law": make_corpus(30, seed=4), "web": make_corpus(60, seed=3)}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A word table of three sources in one, and in two with a source in both."""
    folder = tmp_path_factory.mktemp("mixed")
    rows = [
        json.dumps({"id": str(number), "source": source, "text": text})
        for source, texts in DOCUMENTS.items()
        for number, text in enumerate(texts)
    ]

    def counted(name, lines):
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
        return count([str(folder / f"{name}.jsonl")], str(folder / name), CountConfig(), RunOptions()).folder

    return counted("whole", rows), (counted("first", rows[:60]), counted("second", rows[60:]))


def counts_of(units):
    return dict(zip(units.text.to_pylist(), units.counts.tolist(), strict=True))


def expected(weights):
    """Whole occurrences, half up, of the weighted sum."""
    sums = collections.Counter()
    for source, texts in DOCUMENTS.items():
        for unit, number in count_units(texts).items():
            sums[unit] += number * round(weights.get(source, 1) * 1000)
    return {unit: (total + 500) // 1000 for unit, total in sums.items() if total >= 500}


some_weights = st.dictionaries(st.sampled_from(sorted(DOCUMENTS)), st.sampled_from([0, 0.1, 0.5, 1, 3.25]), min_size=1)


@pytest.mark.long
@settings(max_examples=25, deadline=None)
@given(weights=some_weights)
def test_weighted_counts_are_the_rounded_sums_however_tables_are_cut(tables, weights):
    whole, parts = tables
    found = counts_of(read_units([whole], weights))
    assert found == expected(weights)
    assert counts_of(read_units(parts, weights)) == counts_of(read_units(parts[::-1], weights)) == found


@pytest.mark.long
def test_letters_follow_the_units(tables):
    units = read_units([tables[0]], {"web": 2, "books": 0})
    letters = collections.Counter()
    for unit, number in counts_of(units).items():
        for letter in letters_of(unit):
            letters[letter] += number * unit.count(letter)
    assert letters_in(units) == letters


@pytest.mark.long
def test_a_mixture_gives_another_tokenizer(tables, small_base, tmp_path):
    config = SMALL.model_copy(update={"base": small_base, "morphemes": False})
    plain = expand([tables[0]], str(tmp_path / "plain"), config)
    law = expand([tables[0]], str(tmp_path / "law"), config.model_copy(update={"weights": {"books": 0, "web": 0}}))
    assert law.manifest.fingerprint != plain.manifest.fingerprint
    bytes_of = {name: read_report(result.folder).facts["corpus bytes"] for name, result in (("p", plain), ("l", law))}
    assert bytes_of["l"] == sum(len(text.encode()) + 1 for text in DOCUMENTS["law"])
    assert bytes_of["l"] < bytes_of["p"]


@pytest.mark.long
def test_wrong_weights_are_explained(tables, small_base, tmp_path):
    with pytest.raises(UsageError, match="weights names the source 'blogs'") as error:
        read_units([tables[0]], {"blogs": 2})
    assert "books, law, web" in error.value.hint
    with pytest.raises(UsageError, match="a weight is from 0 to 1000"):
        parse_config(ExpandConfig, {"weights": {"web": -1}}, "test.yaml")
    config = SMALL.model_copy(update={"base": small_base, "weights": {"web": 2}})
    with pytest.raises(UsageError, match="a job counts every source once"):
        expand([tables[0]], str(tmp_path / "out"), config, count_job=lambda tokenizer, out: None)
