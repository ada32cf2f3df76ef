"""What the stages after `clean` read: the same as `clean`, by the same readers; our own tables as they are."""

import csv
import io
import os
import shutil

import pyarrow as pa
import pytest
from malmoi_pipelines.clean import stage as clean_stage
from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.manifest import Manifest, verify_file, write_manifest
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.contracts.schemas import CORPUS, DOCUMENTS, REJECTS
from malmoi_pipelines.contracts.tables import read_batches, read_table, write_parquet
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.stage import dedupe
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.lm import stage as lm_stage
from malmoi_pipelines.lm.config import LmConfig
from malmoi_pipelines.raw import documents as documents_module
from malmoi_pipelines.raw.config import InputConfig, ReadOptions
from malmoi_pipelines.raw.documents import TEXTS, find_documents
from malmoi_pipelines.raw.rows import derived_id
from malmoi_pipelines.shard.config import ShardConfig
from malmoi_pipelines.shard.stage import shard

from malmoi.arguments import stage_config
from tests.conftest import make_documents
from tests.pipelines.raw.raw_files import COMPRESS, arrow, jsonl, parquet, put, read
from tests.pipelines.small_tokenizers import byte_level

ROWS = [("1", "web", "나라의 말이"), ("2", "web", "중국에 달라"), ("3", "books", "문자와 서로\n통하지 아니하다")]
RECORDS = [dict(zip(TEXTS, row, strict=True)) for row in ROWS]
BAD = b'{"text": "secret'
DEFAULTS = InputConfig()


def dataset(folder, rows=ROWS, **scores):
    """A finished dataset folder, one file a row."""
    infos = []
    for number, row in enumerate(rows):
        batch = make_documents([row])
        for name, value in scores.items():
            place = batch.schema.get_field_index(name)
            batch = batch.set_column(place, batch.schema.field(place), pa.array([value], batch.schema.types[place]))
        infos.append(write_parquet(str(folder), DOCUMENTS, f"part-{number:05d}", [batch]))
    described = {"kind": "documents", "stage": "clean", "fingerprint": "", "inputs": {}, "config": {}}
    write_manifest(str(folder), Manifest(**described, code={"stage": ""}, files=tuple(infos)))
    return str(folder)


def delimited(delimiter):
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=delimiter, lineterminator="\n")
    writer.writerows([TEXTS, *((*row[:2], row[2].replace("\n", " ")) for row in ROWS)])
    return sink.getvalue().encode()


KINDS = {
    **{f"a.jsonl{suffix}": compress(jsonl(RECORDS)) for suffix, compress in COMPRESS.items()},
    "a.json": jsonl(RECORDS),
    "a.csv": delimited(","),
    "a.tsv": delimited("\t"),
    "a.parquet": parquet(pa.Table.from_pylist(RECORDS)),
    "a.arrow": arrow(pa.Table.from_pylist(RECORDS)),
    "a.txt": "\n".join(row[2].replace("\n", " ") for row in ROWS).encode(),
}


def documents_of(inputs, config=DEFAULTS, columns=TEXTS):
    found = find_documents(inputs, config)
    batches = [batch for number in range(len(found.tasks)) for batch in found.read(number, columns)]
    assert all(batch.schema.names == list(columns) for batch in batches)
    return sorted(tuple(row.values()) for batch in batches for row in batch.to_pylist())


def run_count(inputs, out, **settings):
    return count(inputs, str(out), CountConfig(**settings), RunOptions())


def run_dedupe(inputs, out, **settings):
    return dedupe(inputs, str(out), DedupeConfig(**settings), RunOptions())


def run_shard(inputs, out, **settings):
    tokenizer = byte_level(out.parent / "tokenizer.json")
    return shard(inputs, tokenizer, str(out), ShardConfig(sequence_length=8, **settings), RunOptions())


STAGES = {"count": run_count, "dedupe": run_dedupe, "shard": run_shard}
RAW_STAGES = (
    (clean_stage, lambda inputs: clean_stage.clean(inputs, "out", CleanConfig(), RunOptions())),
    (lm_stage, lambda inputs: lm_stage.train_lm(inputs, "out", LmConfig(), RunOptions())),
)
"""Those that read raw text by themselves, and what runs them."""
CONFIGS = (CountConfig, DedupeConfig, ShardConfig, LmConfig)


@pytest.mark.parametrize("name", KINDS)
def test_documents_are_those_that_clean_reads(tmp_path, name):
    path = put(tmp_path, f"in/{name}", KINDS[name])
    wanted, bad = read(path, ReadOptions())
    assert not bad
    assert documents_of([path]) == sorted(row[:3] for row in wanted)


@pytest.mark.long
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_reads_every_format(tmp_path, stage, name):
    path = put(tmp_path, f"in/{name}", KINDS[name])
    ledger = read_report(STAGES[stage]([path], tmp_path / "out").folder).ledger
    sources = {"in"} if name == "a.txt" else {"web", "books"}
    assert (ledger.documents("in"), set(ledger.counts)) == (3, sources)


@pytest.mark.long
@pytest.mark.parametrize("stage", STAGES)
def test_what_cannot_be_read_is_counted_and_kept(tmp_path, stage):
    good = jsonl([{"text": f"나라의 말이 {n}번째로 달라"} for n in range(50)])
    path = put(tmp_path, "news/a.jsonl", good + BAD + b"\n")
    result = STAGES[stage]([path], tmp_path / "out")
    report = read_report(result.folder)
    assert (report.ledger.documents("in"), report.ledger.documents("failed", "news")) == (51, 1)
    assert report.ledger.bytes("failed") == len(BAD)
    assert report.tables["Input problems"] == [{"file": "news/a.jsonl", "reason": "broken_json", "lines": 1}]
    [row] = read_table(result.folder, REJECTS).to_pylist()
    assert (row["line"], row["reason"], row["raw"]) == (51, "broken_json", BAD)
    for info in result.manifest.files:
        verify_file(result.folder, result.manifest, info)


@pytest.mark.long
@pytest.mark.parametrize("stage", STAGES)
def test_more_than_the_error_budget_stops_a_stage(tmp_path, stage):
    path = put(tmp_path, "news/a.jsonl", jsonl([{"text": "말"}] * 5) + BAD + b"\n" + BAD + b"\n")
    with pytest.raises(BadInputError, match=r"2 of 7 documents could not be read.*a\.jsonl: 2 broken_json") as caught:
        STAGES[stage]([path], tmp_path / "out")
    assert "secret" not in f"{caught.value.message} {caught.value.hint}"
    result = STAGES[stage]([path], tmp_path / "out", error_budget=0.5)
    assert read_report(result.folder).ledger.documents("failed") == 2


@pytest.mark.long
@pytest.mark.parametrize("stage", STAGES)
def test_a_missing_text_column_is_named_with_the_remedy(tmp_path, stage):
    path = put(tmp_path, "in/a.parquet", parquet(pa.table({"body": ["말 하나 더 있는 긴 문장이다"]})))
    with pytest.raises(BadInputError, match=r"no column 'text'\. Its columns: body") as caught:
        STAGES[stage]([path], tmp_path / "out")
    assert "--set read.columns.text=NAME" in caught.value.hint
    assert STAGES[stage]([path], tmp_path / "out", read={"columns": {"text": "body"}})


@pytest.mark.parametrize("config", CONFIGS)
def test_the_old_name_of_the_columns_leads_to_the_new_one(config):
    with pytest.raises(Exception, match=r"unknown key 'columns' = .*did you mean 'read\.columns'"):
        stage_config("verb", config, None, ["columns.text=body"])
    assert stage_config("verb", config, None, ["read.columns.text=body"]).read.columns.text == "body"


def test_id_and_source_are_derived_where_null_or_absent(tmp_path):
    records = [{"text": "하나"}, {"text": "둘", "id": None, "source": None}, {"text": "셋", "id": 7, "source": "web"}]
    path = put(tmp_path, "news/a.jsonl", jsonl(records))
    derived = [(derived_id("news", text), "news", text) for text in ("하나", "둘")]
    assert documents_of([path]) == sorted([*derived, ("7", "web", "셋")])
    named = documents_of([path], InputConfig(source="site"))
    assert {row[1] for row in named} == {"site", "web"}


def test_our_own_tables_are_read_without_parsing(tmp_path, monkeypatch):
    folder = dataset(tmp_path / "docs", perplexity=2.5)
    monkeypatch.setattr(documents_module, "read_blocks", None)
    for given in (folder, f"{folder}/data", f"{folder}/data/*.parquet", f"{folder}/data/part-00000.parquet"):
        rows = documents_of([given], columns=DOCUMENTS.schema.names)
        assert [row[:3] for row in rows] == [row for row in ROWS if len(rows) == 3 or row[0] == "1"]
        assert {row[4] for row in rows} == {2.5}
    found = find_documents([folder], DEFAULTS)
    assert found.text_bytes == sum(len(row[2].encode()) for row in ROWS)
    assert [found.own_table(number) for number in range(3)] == sorted(found.paths)


def test_names_of_columns_are_for_files_of_others(tmp_path):
    """Our own tables have their own, and other files are mapped; without ids, all are derived."""
    folder = dataset(tmp_path / "docs")
    put(tmp_path, "more/a.jsonl", jsonl([{"body": "말", "id": "x", "source": "more"}]))
    config = InputConfig(read={"columns": {"text": "body"}})
    assert documents_of([folder, f"{tmp_path}/more"], config) == sorted([*ROWS, ("x", "more", "말")])
    without = documents_of([folder], InputConfig(read={"columns": {"id": None}}))
    assert without == sorted((derived_id(source, text), source, text) for _, source, text in ROWS)


@pytest.mark.long
def test_own_and_foreign_files_pass_through_dedupe_together(tmp_path):
    folder = dataset(tmp_path / "docs", perplexity=2.5)
    put(tmp_path, "more/a.jsonl", jsonl([{"text": ROWS[0][2]}, {"text": "새로운 글", "meta": {"a": [1]}}]))
    result = run_dedupe([folder, f"{tmp_path}/more"], tmp_path / "out")
    rows = read_table(result.folder, DOCUMENTS).to_pylist()
    assert sorted(row["text"] for row in rows) == sorted([*(row[2] for row in ROWS), "새로운 글"])
    assert {row["text"]: row["meta"] for row in rows}["새로운 글"] == '{"meta":{"a":[1]}}'
    assert sum(row["perplexity"] == 2.5 for row in rows) >= 2


def test_overlapping_inputs_are_read_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ours = dataset(tmp_path / "docs")
    put(tmp_path, "more/x.jsonl", jsonl([{"text": "말"}]))
    put(tmp_path, "more/deep/y.jsonl", jsonl([{"text": "글"}]))
    os.symlink("more", "link")
    plain = find_documents(["docs", "more"], DEFAULTS)
    names = ["docs", "docs/", "./docs", ours, f"file://{ours}", "docs/data", "docs/data/*.parquet"]
    names += ["more", "more/*.jsonl", "more/deep", f"{tmp_path}/more/../more/x.jsonl", "link", "more/**/*.jsonl"]
    found = find_documents(names[::-1], DEFAULTS)
    assert len(found.files) == 5
    assert (found.text_bytes, len(found.tasks)) == (plain.text_bytes, len(plain.tasks))
    assert len(documents_of(names)) == 5


def test_the_fingerprint_does_not_know_where_files_lie(tmp_path):
    dataset(tmp_path / "docs")
    shutil.copytree(tmp_path / "docs", tmp_path / "elsewhere")
    first, second = (find_documents([str(tmp_path / name)], DEFAULTS) for name in ("docs", "elsewhere"))
    assert first.fingerprint == second.fingerprint
    dataset(tmp_path / "other", ROWS[:2])
    assert find_documents([str(tmp_path / "other")], DEFAULTS).fingerprint != first.fingerprint


@pytest.mark.long
@pytest.mark.parametrize("stage", STAGES)
def test_readers_of_web_pages_make_no_stage_stale_that_read_none(tmp_path, stage):
    result = STAGES[stage]([dataset(tmp_path / "docs")], tmp_path / "out")
    assert {"Resiliparse", "FastWARC"} <= set(result.manifest.code.unused)
    put(tmp_path, "web/a.wet", b"")
    with_pages = find_documents([f"{tmp_path}/docs", f"{tmp_path}/web"], DEFAULTS)
    assert with_pages.unused_packages == ()


@pytest.mark.parametrize(("module", "run"), RAW_STAGES)
def test_no_package_that_raw_text_does_without_makes_a_stage_stale(tmp_path, monkeypatch, module, run):
    monkeypatch.setattr(module, "run_stage", lambda identity, *_, **__: identity)
    put(tmp_path, "a.jsonl", jsonl(RECORDS))
    without = {"Resiliparse", "FastWARC", "sentencepiece", "regex"}
    assert set(run([f"{tmp_path}/a.jsonl"]).code.unused) - {"fasttext-predict", "numpy"} == without
    put(tmp_path, "web/a.wet", b"")
    assert not {"Resiliparse", "FastWARC"} & set(run([str(tmp_path)]).code.unused)


def test_the_memory_filesystem(memory_root):
    ours = dataset(f"{memory_root}/docs")
    put(memory_root, "more/x.jsonl", jsonl([{"id": "9", "source": "more", "text": "말"}]))
    put(memory_root, "more/README.md", b"")
    names = [ours, f"{ours}/", f"{ours}/data/*.parquet", f"{memory_root}/more", f"{memory_root}/more/*.jsonl"]
    assert documents_of(names) == sorted([*ROWS, ("9", "more", "말")])


@pytest.mark.fault("lost or damaged result")
def test_a_damaged_table_of_ours_stops_a_stage(tmp_path):
    folder = dataset(tmp_path / "docs")
    path = tmp_path / "docs" / "data" / "part-00001.parquet"
    data = path.read_bytes()
    path.write_bytes(data[:8] + b"\xff" * 60 + data[68:])
    with pytest.raises(BadInputError, match=r"part-00001\.parquet is not readable: \w+\.$"):
        run_count([folder], tmp_path / "out")


def test_a_table_of_ours_with_text_that_is_no_utf8_stops_a_stage(tmp_path):
    text = pa.Array.from_buffers(
        pa.large_string(), 1, [None, pa.py_buffer(b"\0" * 8 + b"\2" + b"\0" * 7), pa.py_buffer(b"a\xff")]
    )
    batch = make_documents([("1", "web", "aa")])
    batch = batch.set_column(2, batch.schema.field(2), text)
    info = write_parquet(str(tmp_path / "docs"), DOCUMENTS, "part-00000", [batch])
    described = {"kind": CORPUS.name, "stage": "dedupe", "fingerprint": "", "inputs": {}, "config": {}}
    write_manifest(str(tmp_path / "docs"), Manifest(**described, code={"stage": ""}, files=(info,)))
    with pytest.raises(BadInputError, match=r"part-00000\.parquet is not readable"):
        documents_of([str(tmp_path / "docs")])


@pytest.mark.long
def test_empty_files_hold_no_documents(tmp_path):
    put(tmp_path, "in/a.jsonl", b"")
    put(tmp_path, "in/b.jsonl", jsonl(RECORDS))
    for number, stage in enumerate(STAGES.values()):
        result = stage([f"{tmp_path}/in/*.jsonl"], tmp_path / f"out{number}")
        assert read_report(result.folder).ledger.documents("in") == 3


@pytest.mark.long
def test_large_files_are_read_in_parts(tmp_path, monkeypatch):
    rows = [{"id": f"{n}", "source": "web", "text": f"{n}번째 말"} for n in range(2000)]
    path = put(tmp_path, "in/a.jsonl", jsonl(rows))
    whole = documents_of([path])
    monkeypatch.setattr(documents_module, "TASK_BYTES", 10_000)
    assert len(find_documents([path], DEFAULTS).tasks) > 5
    assert documents_of([path]) == whole
    first = run_count([path], tmp_path / "words")
    monkeypatch.setattr(documents_module, "TASK_BYTES", 1 << 30)
    second = run_count([path], tmp_path / "again")
    assert first.manifest.files == second.manifest.files
    [batch] = read_batches(files.join(first.folder, first.manifest.table_files()[0].path))
    assert batch.num_rows == first.manifest.rows()


@pytest.mark.long
@pytest.mark.parametrize(
    ("stage", "setting", "value"), [("dedupe", "source_priority", ("wbe",)), ("shard", "weights", {"wbe": 2})]
)
def test_a_setting_for_an_absent_source_is_refused_before_the_work_where_that_can_be(tmp_path, stage, setting, value):
    path = put(tmp_path, "in/a.jsonl", jsonl(RECORDS))
    own = run_dedupe([path], tmp_path / "own").folder  # whose report names its sources
    for number, given in enumerate((path, own)):
        with pytest.raises(UsageError, match=f"{setting} names the source 'wbe'") as caught:
            STAGES[stage]([given], tmp_path / f"out{number}", **{setting: value})
        assert caught.value.hint == "did you mean 'web'? the sources are: books, web"
        assert (tmp_path / f"out{number}").exists() == (given == path)
