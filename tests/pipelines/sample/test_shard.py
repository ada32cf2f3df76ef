import pickle
import random
import unicodedata
from collections import Counter

import numpy as np
import orjson
import pytest
from malmoi_pipelines.contracts import files
from malmoi_pipelines.sample.config import SampleConfig
from malmoi_pipelines.sample.job import GenerateShards, report_tables, summarise
from malmoi_pipelines.sample.plan import plan_shards
from malmoi_pipelines.sample.shard import write_shard
from malmoi_pipelines.sample.sources import SOURCES

from tests.pipelines.sample.conftest import lines_of

SMALL = SampleConfig(bytes="1MB", shard_bytes="150kB", seed=3)


@pytest.mark.long
def test_size_is_within_two_percent(sample):
    for plan, result in zip(plan_shards(sample.config), sample.results, strict=True):
        lines = sample.lines(plan.data_path)
        assert sum(len(line) + 1 for line in lines) == result.bytes
        assert len(lines) == result.documents >= plan.least_documents
    total = sum(result.bytes for result in sample.results)
    assert total == pytest.approx(sample.config.bytes, rel=0.02)
    shares = sample.config.shares.of_sources()
    for source, share in shares.items():
        size = sum(result.bytes for result in sample.results if result.source == source)
        assert size / total == pytest.approx(share / sum(shares.values()), rel=0.02)


@pytest.mark.parametrize("source", SOURCES)
def test_planned_line_length_is_the_measured_one(sample, source):
    results = [result for result in sample.results if result.source == source]
    mean = sum(result.bytes for result in results) / sum(result.documents for result in results)
    assert mean == pytest.approx(SOURCES[source].line_bytes, rel=0.15)


def test_shards_do_not_depend_on_order_or_place(tmp_path):
    plans = list(plan_shards(SMALL))
    ordered = [write_shard(SMALL, plan, str(tmp_path / "a")) for plan in plans]
    random.Random(1).shuffle(plans)
    shuffled = {plan.index: write_shard(SMALL, plan, "memory://sample-order") for plan in plans}
    assert ordered == [shuffled[index] for index in range(len(plans))]
    for path in sorted(info.path for result in ordered for info in result.files):
        local = files.read_bytes(str(tmp_path / "a" / path))
        assert local == files.read_bytes(f"memory://sample-order/{path}")


def test_another_seed_makes_another_text():
    texts = []
    for seed in (0, 1):
        config = SampleConfig(bytes="1MB", seed=seed)
        write_shard(config, plan_shards(config)[0], f"memory://sample-seed{seed}")
        texts.append(
            {
                orjson.loads(line)["text"]
                for line in lines_of(f"memory://sample-seed{seed}/data/web/part-00000.jsonl.zst")
            }
        )
    assert not texts[0] & texts[1]


def test_file_infos_are_true(sample):
    for result in sample.results:
        data, truth = result.files
        assert (data.table, data.rows, data.text_bytes) == ("data", result.documents, result.text_bytes)
        assert (truth.table, truth.rows) == ("", 0)
        for info in result.files:
            path = files.join(sample.out, info.path)
            assert (files.size(path), files.hash_file(path)) == (info.bytes, info.xxh3_128)


def test_records_have_their_fields(sample, records):
    for identity, record in records.items():
        assert identity.startswith(record["source"] + "-")
        assert isinstance(record["text"], str)
        assert record["text"].strip()
    pairs = [record for record in records.values() if "text_en" in record]
    assert {record["source"] for record in pairs} == {"parallel"}
    for record in pairs:
        assert record["text"] == record["text_en"] + "\n" + record["text_ko"]
    assert sum(result.text_bytes for result in sample.results) == sum(len(r["text"].encode()) for r in records.values())


def test_texts_repeat_only_where_planted(sample, records):
    planted = {row["id"] for row in sample.truth() if row["kind"] in ("exact_duplicate", "too_short")}
    own = Counter(record["text"] for identity, record in records.items() if identity not in planted)
    assert own.most_common(1)[0][1] == 1


def test_only_planted_lines_are_broken(sample, records):
    broken = {row["id"] for row in sample.truth() if row["kind"] in ("truncated", "invalid_utf8")}
    documents = sum(result.documents for result in sample.results)
    assert len(records) + len(broken) == documents
    assert not broken & records.keys()
    assert 2 <= len(broken) <= 0.001 * documents  # the error budget of the stages that read this


def test_a_sample_of_a_megabyte_keeps_the_error_budget():
    config = SampleConfig(bytes="1MB")
    results = [write_shard(config, plan, "memory://sample-1mb") for plan in plan_shards(config)]
    planted = sum((result.plantings for result in results), Counter())
    assert planted["truncated"] >= 1
    assert planted["invalid_utf8"] >= 1
    assert planted["truncated"] + planted["invalid_utf8"] <= 0.001 * sum(result.documents for result in results)


def test_unplanted_documents_are_clean(sample, records):
    planted = {row["id"] for row in sample.truth()}
    for identity, record in records.items():
        if identity not in planted:
            assert unicodedata.is_normalized("NFC", record["text"])
            assert not {"<", ">", "&", "\u200b", "\ufeff"} & set(record["text"])


def test_rates_are_kept(sample):
    documents = sum(result.documents for result in sample.results)
    found = Counter(row["kind"] for row in sample.truth())
    reported = sum((result.plantings for result in sample.results), Counter())
    assert found == reported
    assert set(found) == set(type(sample.config.rates).model_fields)
    assert found["exact_duplicate"] / documents == pytest.approx(0.03, rel=0.25)
    assert found["pii"] / documents == pytest.approx(0.02, rel=0.25)


def test_rates_of_zero_plant_nothing():
    rates = dict.fromkeys(type(SMALL.rates).model_fields, 0.0)
    config = SampleConfig(bytes="1MB", rates=rates)
    assert not any(write_shard(config, plan, "memory://sample-0").plantings for plan in plan_shards(config))


def test_the_job_reports_the_sums(tmp_path):
    step = GenerateShards(SMALL, str(tmp_path))
    assert pickle.loads(pickle.dumps(step)) == step
    results = [result for plan in plan_shards(SMALL) for result in step(plan.index, [])]
    tables = report_tables(results)
    assert tables == report_tables(results[::-1])
    assert sum(row["documents"] for row in tables["sources"]) == sum(result.documents for result in results)
    rows = sum(len(files.read_bytes(path).splitlines()) for path in files.list_files(str(tmp_path / "truth")))
    assert sum(row["total"] for row in tables["plantings"]) == rows
    for row in tables["plantings"]:
        assert row["total"] == sum(row[name] for name in SMALL.shares.of_sources())
    infos, report = summarise(results)
    assert [info.path for info in infos] == sorted(info.path for info in infos)
    assert report.facts["bytes"] == pytest.approx(SMALL.bytes, rel=0.02)
    assert np.sum([info.rows for info in infos if info.table == "data"]) == report.facts["documents"]
