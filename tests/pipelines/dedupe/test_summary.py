import random

import pytest
from malmoi_pipelines.contracts.config import parse_config
from malmoi_pipelines.contracts.errors import CheckError, UsageError
from malmoi_pipelines.dedupe.config import DedupeConfig, Guards

from tests.pipelines.dedupe.corpus import edit, words


def family(count: int) -> list[list[tuple[str, str, str]]]:
    rng = random.Random(1)
    base = words(rng, 400)
    return [[(f"v{n}", "manuals", " ".join(edit(rng, base, 2))) for n in range(count)]]


def test_a_source_that_all_but_vanishes_stops_the_stage(dedupe):
    config = DedupeConfig(guards=Guards(from_documents=5))
    with pytest.raises(
        CheckError, match=r"source 'manuals' .* guards.near_share = 0\.5 .* 7 of 8 \(0\.875\)"
    ) as caught:
        dedupe(family(8), config)
    assert caught.value.exit_code == 4
    assert "guards.near_share" in caught.value.hint


def test_the_guard_can_be_set_and_leaves_small_sources_alone(dedupe):
    assert len(dedupe(family(8), DedupeConfig(guards=Guards(from_documents=8, near_share=0.9))).removals) == 7
    outcome = dedupe(family(8), DedupeConfig())
    (row,) = outcome.report.tables["Removed by source"]
    assert row == {
        "source": "manuals",
        "documents": 8,
        "exact": 0,
        "near": 7,
        "emptied": 0,
        "near share": 0.875,
        "shorter than a shingle": 0,
    }


def test_wrong_settings_are_explained():
    with pytest.raises(UsageError, match=r"threshold = 0"):
        parse_config(DedupeConfig, {"threshold": 0}, "config.yaml")
    with pytest.raises(UsageError, match="bands x rows"):
        parse_config(DedupeConfig, {"bands": 128, "rows": 64}, "config.yaml")


def test_a_source_that_goes_half_as_exact_and_half_as_near_copies_stops_the_stage(dedupe):
    rng = random.Random(2)
    base, other = words(rng, 400), " ".join(words(rng, 400))
    near = [(f"n{n}", "web", " ".join(edit(rng, base, 2))) for n in range(5)]
    exact = [(f"e{n}", "web", f"{other}{' ' * n}") for n in range(5)]
    with pytest.raises(CheckError, match=r"removed_share = 0\.75 .* Got 8 of 10 \(0\.800\), n\d for "):
        dedupe([near + exact], DedupeConfig(guards=Guards(from_documents=5)))
