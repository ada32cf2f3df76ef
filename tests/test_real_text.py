"""clean and dedupe on real Korean text: what the generated sample cannot show is precision."""

import unicodedata

import pytest
from malmoi_pipelines.clean.stage import clean
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.dedupe.stage import dedupe
from malmoi_pipelines.engine.options import RunOptions

from malmoi.recipe import load_recipe
from tests.end_to_end import ROOT, policies, rows

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def settings():
    return load_recipe(str(ROOT / "malmoi" / "recipes" / "korean-real.yaml"), [])


@pytest.fixture
def docs(real_text, settings, tmp_path):
    """Novels, sentence pairs, two files of documentation and a quarter of the reviews, cleaned."""
    inputs = [real_text / name for name in ("novels", "parallel", "docs-ko", "movie-reviews/part-00000.jsonl.zst")]
    config = policies(settings.clean, ["docs-ko", "parallel"])
    return clean([str(path) for path in inputs], str(tmp_path / "docs"), config, RunOptions(workers=2))


def test_real_text_is_kept_normal_and_hardly_masked(docs, tmp_path):
    report = read_report(docs.folder)
    ledger = report.ledger
    assert ledger.documents("in", "novels") == 873
    assert ledger.documents("in", "parallel") == 4440
    assert ledger.documents("in", "docs-ko") == 2880
    assert ledger.documents("failed") == 0
    for source in ("novels", "parallel", "docs-ko"):
        assert ledger.documents("kept", source) > 0.9 * ledger.documents("in", source), source
    texts = [row["text"] for row in rows(tmp_path / "docs" / "data")]
    assert all(unicodedata.is_normalized("NFC", text) for text in texts)
    masked = sum(report.facts[f"masks {kind}"] for kind in ("rrn", "acc", "tell"))
    assert masked <= 20  # 60 MB of text full of dates, GUIDs and version numbers


def test_real_duplicates_are_those_the_data_has(docs, settings, tmp_path):
    corpus = dedupe([docs.folder], str(tmp_path / "corpus"), settings.dedupe, RunOptions(workers=2))
    removals = rows(tmp_path / "corpus" / "removals")
    kept = {row["id"] for row in rows(tmp_path / "corpus" / "data")}
    assert all(row["partner_id"] in kept for row in removals)
    ledger = read_report(corpus.folder).ledger
    # Several versions of each documentation page; sentence pairs that say the same in other words are no duplicates.
    assert 0.3 < ledger.documents("merged", "docs-ko") / ledger.documents("in", "docs-ko") < 0.6
    assert ledger.documents("merged", "parallel") < 0.01 * ledger.documents("in", "parallel")
    assert ledger.documents("merged", "novels") == 0
