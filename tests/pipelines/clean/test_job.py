"""The step on files: tables, memory filesystem, rollover, damage, the report and the error budget."""

import pickle

import pyarrow as pa
import pytest
from malmoi_pipelines.clean import stage, task
from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.clean.job import clean_job
from malmoi_pipelines.clean.summary import remove_replaced, summarise
from malmoi_pipelines.contracts import files, tables
from malmoi_pipelines.contracts import table_sink as sink
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.schemas import DOCUMENTS, REJECTS
from malmoi_pipelines.contracts.tables import read_batches
from malmoi_pipelines.engine.job import Send
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.raw.inputs import find_inputs
from malmoi_pipelines.raw.tasks import plan_tasks

from tests.pipelines.raw.raw_files import gz, jsonl, put, zstd
from tests.pipelines.raw.test_warc import http
from tests.pipelines.small_tokenizers import write_base

PHONE = "연락처는 010-1234-5678로 해 주세요."
DEFAULTS = CleanConfig()


def sentence(number):
    return f"오늘은 {number}번째 날이라 공원을 걸었습니다."


def lines(first, last, **more):
    return jsonl({"id": f"n{n}", "text": sentence(n), **more} for n in range(first, last))


def clean(root, inputs, config=DEFAULTS, out="out"):
    """Clean files as one task each; returns the files written and the report."""
    found = find_inputs(inputs, config.read_options, ignore=config.ignore, source=config.source)
    tasks = [task for file in found.files for task in plan(file, config)]
    job = clean_job(tuple(tasks), files.join(root, out), files.join(root, "work"), config, 0)
    results = run_steps(job)
    remove_replaced(results, files.join(root, out))
    return summarise(results, found, config)


def plan(file, config=DEFAULTS):
    return plan_tasks([file], config.task_bytes, config.read_options)


def run_steps(job):
    """Run a job step by step, its partitions from the last to the first; returns its results."""
    values, sent = [], {}
    for step in job.steps:
        run, received, sent = pickle.loads(pickle.dumps(step.run)), sent, {}
        for partition in reversed(range(step.partitions)):
            for output in run(partition, received.get(partition, [])):
                if isinstance(output, Send):
                    sent.setdefault(output.partition, []).append(output.chunk)
                else:
                    values.append(output)
    assert not sent
    return values


def rows(root, table="data", out="out"):
    paths = files.list_files(files.join(root, out, table))
    return [row for path in paths for batch in read_batches(path) for row in batch.to_pylist()]


def test_files_become_documents_rejects_and_spans(root):
    put(root, "raw/news/a.jsonl.zst", zstd(lines(0, 30) + b"{\n"))
    put(root, "raw/talk/b.txt", f"{PHONE}\n짧다\n".encode())
    infos, report = clean(root, [files.join(root, "raw")])
    assert [(info.path, info.rows) for info in infos] == [
        ("data/part-00000.parquet", 30),
        ("data/part-00001.parquet", 1),
        ("rejects/part-00000.parquet", 1),
        ("rejects/part-00001.parquet", 1),
        ("spans/part-00001.parquet", 1),
    ]
    for info in infos:
        path = files.join(root, "out", info.path)
        assert (info.bytes, info.xxh3_128) == (files.size(path), files.hash_file(path))
    assert sum(info.text_bytes for info in infos) == sum(len(row["text"].encode()) for row in rows(root))
    assert {row["reason"] for row in rows(root, "rejects")} == {"broken_json", "too_short"}
    report.ledger.check()
    assert report.ledger.documents("in") == 33
    assert report.facts["masks tell"] == 1
    assert report.tables["Input problems"] == [{"file": "news/a.jsonl.zst", "reason": "broken_json", "lines": 1}]
    assert [row["kind"] for row in report.tables["Masks"]] == ["tell"]
    assert b"Input problems" in report.to_json()
    assert "| news/a.jsonl.zst | broken_json | 1 |" in report.to_markdown()


def test_the_order_of_the_arguments_does_not_matter(root):
    inputs = [put(root, f"raw/s{n}/a.jsonl", lines(n, n + 5)) for n in range(3)]
    first, report = clean(root, inputs, out="one")
    second, other = clean(root, inputs[::-1] + inputs, out="two")
    assert first == second
    assert report == other


def test_an_empty_file_gives_an_empty_table_and_is_counted(root):
    infos, report = clean(root, [put(root, "raw/a.jsonl", b""), put(root, "raw/b.jsonl", lines(0, 3))])
    assert [(info.path, info.rows) for info in infos] == [
        ("data/part-00000.parquet", 0),
        ("data/part-00001.parquet", 3),
    ]
    assert (report.facts["input files"], report.facts["empty input files"]) == (2, 1)


@pytest.mark.fault("broken input")
def test_a_truncated_file_counts_as_one_failure(root):
    data = gz(lines(0, 2000))
    path = put(root, "raw/news/a.jsonl.gz", data[: len(data) // 2])
    _, report = clean(root, [path], CleanConfig(read={"on_bad_file": "reject"}))
    assert report.facts["damaged input files"] == 1
    assert report.ledger.documents("failed", "news") == 1
    assert 500 < report.ledger.documents("kept") < 1500
    assert rows(root, "rejects")[0]["reason"] == "truncated_file"


@pytest.mark.long
def test_large_tables_roll_over_at_the_same_rows_every_time(root, monkeypatch):
    monkeypatch.setattr(tables, "ROW_GROUP_BYTES", 1000)
    monkeypatch.setattr(sink, "FILE_BYTES", 4000)
    monkeypatch.setattr(task, "read_blocks", lambda part, options, **more: _READ(part, options, 300, **more))
    path = put(root, "raw/a.jsonl", lines(0, 200))
    infos, _ = clean(root, [path])
    assert [info.path for info in infos][-2:] == ["data/part-00000-004.parquet", "data/part-00000.parquet"]
    assert clean(root, [path], out="again")[0] == infos
    in_order = [infos[-1], *infos[:-1]]
    assert [
        row["id"]
        for info in in_order
        for b in read_batches(files.join(root, "out", info.path))
        for row in b.to_pylist()
    ] == [f"n{n}" for n in range(200)]


_READ = task.read_blocks


def test_small_blocks_share_a_row_group(root):
    inputs = [put(root, f"raw/{n}.jsonl", lines(n, n + 1)) for n in range(20)]
    found = find_inputs(inputs, lambda _: DEFAULTS.read)
    [one] = plan_tasks(found.files, DEFAULTS.task_bytes, lambda _: DEFAULTS.read)
    with task.TaskWriter(one, "part-00000", files.join(root, "out"), DEFAULTS) as writer:
        for part, block in task.read_task(one, DEFAULTS):
            writer.write(part, block)
    assert [b.num_rows for b in read_batches(files.join(root, "out/data/part-00000.parquet"))] == [20]


@pytest.mark.long
def test_a_failing_task_leaves_no_file(root, monkeypatch):
    monkeypatch.setattr(tables, "ROW_GROUP_BYTES", 1)
    data = gz(lines(0, 3000))
    path = put(root, "raw/a.jsonl.gz", data[:-10])
    monkeypatch.setattr(task, "read_blocks", lambda part, options, **more: _READ(part, options, 300, **more))
    with pytest.raises(BadInputError, match="damaged"):
        clean(root, [path], CleanConfig(read={"on_bad_file": "fail"}))
    assert not files.exists(files.join(root, "out/data/part-00000.parquet"))
    assert files.list_files(files.join(root, "out")) == []


def test_no_more_than_the_budget_may_fail(root):
    path = put(root, "raw/news/a.jsonl", lines(0, 97) + b"{private 010-1234-5678\n" * 3)
    with pytest.raises(BadInputError, match=r"3 of 100 documents.*0\.001.*news/a\.jsonl: 3 broken_json") as caught:
        clean(root, [path])
    assert "rejects/" in caught.value.hint
    assert "private" not in caught.value.message + caught.value.hint
    assert clean(root, [path], CleanConfig(error_budget=0.03))[1].ledger.documents("failed") == 3


def test_one_failure_is_allowed_beside_documents_unless_the_budget_is_zero(root):
    path = put(root, "raw/a.jsonl", lines(0, 3) + b"{\n")
    assert clean(root, [path])[1].ledger.documents("failed") == 1
    with pytest.raises(BadInputError, match="1 of 4"):
        clean(root, [path], CleanConfig(error_budget=0))
    with pytest.raises(BadInputError, match="1 of 1"):
        clean(root, [put(root, "raw/b.jsonl", b"{\n")])


@pytest.mark.parametrize(
    ("data", "remedy"), [("옛 글\n".encode("cp949") * 9, "iconv"), (jsonl([{"body": "x"}] * 9), "columns.text")]
)
def test_the_remedy_fits_the_commonest_reason(root, data, remedy):
    with pytest.raises(BadInputError) as caught:
        clean(root, [put(root, "raw/a.jsonl", data)])
    assert remedy in caught.value.hint


def test_a_field_of_addresses_is_no_source(root, monkeypatch):
    monkeypatch.setattr(task, "MAX_SOURCES", 5)
    path = put(root, "raw/news/a.jsonl", b"".join(lines(n, n + 1, source=f"http://a/{n}") for n in range(9)))
    with pytest.raises(BadInputError, match="'source' names more than 5 sources"):
        clean(root, [path])
    config = CleanConfig(read={"columns": {"source": None}})
    assert list(clean(root, [path], config)[1].ledger.counts) == ["news"]
    assert rows(root)[0]["meta"] == '{"source":"http://a/0"}'


def test_a_policy_for_no_source_is_refused(root):
    config = CleanConfig.model_validate({"sources": {"nwes": {"thresholds": {"min_chars": 2}}}})
    with pytest.raises(UsageError, match="sources names the source 'nwes'") as caught:
        clean(root, [put(root, "raw/news/a.jsonl", lines(0, 3))], config)
    assert caught.value.hint == "did you mean 'news'? the sources are: news"


def test_cleaning_clean_documents_changes_nothing(root):
    put(root, "raw/news/a.jsonl", lines(0, 9, page=3) + jsonl([{"text": PHONE}]))
    clean(root, [files.join(root, "raw")])
    _, report = clean(root, [files.join(root, "out/data")], out="twice")
    assert rows(root, out="twice") == rows(root)
    assert report.ledger.documents("dropped") == 0


def test_a_sink_without_rows_writes_nothing_unless_told(root):
    with sink.TableSink(root, REJECTS, "a") as empty:
        empty.write(pa.RecordBatch.from_pylist([], schema=REJECTS.schema))
    assert (empty.files, files.list_files(root)) == ([], [])
    with sink.TableSink(root, DOCUMENTS, "a", even_if_empty=True) as table:
        pass
    assert [info.rows for info in table.files] == [0]
    assert tables.read_batches(files.join(root, "data/a.parquet")) is not None


def test_shared_ids_are_made_distinct_wherever_they_are(root):
    put(root, "raw/news/a.jsonl", lines(0, 3) + jsonl([{"id": "n1", "text": PHONE}]))
    put(root, "raw/news/b.jsonl", jsonl([{"id": "n2", "text": sentence(2)}, {"id": "n0", "text": sentence(7)}]))
    put(root, "raw/talk/c.jsonl", lines(0, 1))
    _, report = clean(root, [files.join(root, "raw")])
    found = rows(root)
    assert len({(row["source"], row["id"]) for row in found}) == len(found) - 1, "the copy of n2 keeps its id"
    assert [row["id"].split("~")[0] for row in found] == ["n0", "n1", "n2", "n1", "n2", "n0", "n0"]
    assert ["~" in row["id"] for row in found] == [True, True, False, True, False, True, False]
    assert report.facts["documents given an id of their own"] == 4
    assert report.tables["Shared ids"] == [{"source": "news", "documents": 4}]
    [span] = rows(root, "spans")
    assert span["id"] == next(row["id"] for row in found if "<|tell|>" in row["text"])
    assert [(info.path, info.rows) for info in clean(root, [files.join(root, "raw")], out="again")[0]][:3] == [
        ("data/part-00000-settled.parquet", 4),
        ("data/part-00001-settled.parquet", 2),
        ("data/part-00002.parquet", 1),
    ]
    assert len(files.list_files(files.join(root, "again/data"))) == 3, "those of the first step are gone"


def test_shared_ids_may_be_forbidden(root):
    path = put(root, "raw/news/a.jsonl", lines(0, 3) + jsonl([{"id": "n1", "text": PHONE}]))
    with pytest.raises(BadInputError, match=r"news/a\.jsonl: 1 ids") as caught:
        clean(root, [path], CleanConfig(duplicate_ids="fail"))
    assert "duplicate_ids=rekey" in caught.value.hint


ARPA = """\\data\\
ngram 1=4
ngram 2=1

\\1-grams:
-3\t<unk>
-99\t<s>\t0
-0.5\t</s>
-1\t오늘날씨\t0

\\2-grams:
-1\t<s> 오늘날씨

\\end\\
"""


def scored(root, **more):
    put(root, "raw/news/a.jsonl", jsonl({"id": f"n{n}", "text": "오늘날씨 " * 9 + "나쁜글말 " * n} for n in range(10)))
    put(root, "raw/talk/b.jsonl", jsonl({"id": f"t{n}", "text": "나쁜글말 " * 9 + "오늘날씨 " * n} for n in range(10)))
    model = f"{root}.arpa" if root.startswith("memory") else files.join(root, "model.arpa")
    files.write_bytes(model, ARPA.encode())
    config = CleanConfig.model_validate(
        {
            "perplexity": {"good": {"model": model}},
            "perplexity_cut": 0.2,
            "sources": {"talk": {"perplexity_cut": 0.5}},
            "thresholds": {"min_chars": 2},
            **more,
        }
    )
    return clean(root, [files.join(root, "raw")], config)


def test_the_worst_of_each_source_are_dropped_and_scores_are_kept(root):
    _, report = scored(root)
    assert [row["id"] for row in rows(root)] == [*(f"n{n}" for n in range(8)), *(f"t{n}" for n in range(5, 10))]
    assert {row["reason"] for row in rows(root, "rejects")} == {"perplexity"}
    first = rows(root)[0]
    assert first["perplexity"] == pytest.approx(10 ** ((9 * 1 + 0.5) / 10), rel=1e-5)
    assert first["bad_perplexity"] is None
    assert [row["share to drop"] for row in report.tables["Perplexity cuts"]] == [0.2, 0.5]
    highest = {row["source"]: row["highest score kept"] for row in report.tables["Perplexity cuts"]}
    for row in rows(root):
        assert row["perplexity"] <= highest[row["source"]] * 1.001
    assert sum(row["documents"] for row in report.tables["Perplexity per token"] if row["source"] == "news") == 10
    assert set(report.pictures) == {
        "Characters of a document",
        "Share of hangul among letters and digits",
        "Perplexity per token",
    }


def test_shared_ids_and_scores_settle_together(root):
    put(root, "raw/news/z.jsonl", jsonl([{"id": "n1", "text": "오늘날씨 " * 12}]))
    _, report = scored(root)
    assert report.facts["documents given an id of their own"] == 2
    assert len({row["id"] for row in rows(root)}) == len(rows(root))


def test_rejects_are_input_again(root):
    put(
        root,
        "raw/news/a.jsonl",
        lines(0, 20, page=3) + jsonl([{"id": "s", "text": "짧다", "page": 4}, {"body": "없다"}]),
    )
    clean(root, [files.join(root, "raw")], CleanConfig(error_budget=1))
    assert [row["reason"] for row in rows(root, "rejects")] == ["too_short", "missing_text"]
    lax = CleanConfig(thresholds={"min_chars": 2, "min_distinct_chars": 1}, read={"columns": {"text": "body"}})
    clean(root, [files.join(root, "out/rejects")], lax, out="second")
    assert [(row["source"], row["text"], row["meta"]) for row in rows(root, out="second")] == [
        ("news", "짧다", '{"page":4}'),
        ("news", "없다", None),
    ]


def test_a_late_attempt_of_the_first_step_harms_nothing(root):
    """A runner may run a step's bundle once more when the steps after it are done."""
    path = put(root, "raw/news/a.jsonl", lines(0, 3) + jsonl([{"id": "n1", "text": PHONE}]))
    found = find_inputs([path], lambda _: DEFAULTS.read)
    job = clean_job(tuple(plan(found.files[0])), files.join(root, "out"), files.join(root, "work"), DEFAULTS, 0)
    infos, _ = summarise(run_steps(job), found, DEFAULTS)
    list(job.steps[0].run(0, []))
    for info in infos:
        assert files.hash_file(files.join(root, "out", info.path)) == info.xxh3_128


def test_a_missing_column_is_the_error_even_where_a_model_scores(tmp_path):
    """Without scores the step after fails as well; what is told is the cause."""
    path = put(tmp_path, "raw/a.csv", "id,body\n1,글\n".encode())
    put(tmp_path, "model.arpa", ARPA.encode())
    config = CleanConfig.model_validate({"perplexity": {"good": {"model": f"{tmp_path}/model.arpa"}}})
    with pytest.raises(BadInputError, match="no column 'text'"):
        stage.clean([path], f"{tmp_path}/out", config, RunOptions())


@pytest.mark.long
def test_where_a_model_lies_has_no_say_and_what_it_is_has(tmp_path):
    path = put(tmp_path, "raw/a.jsonl", jsonl({"id": f"n{n}", "text": "오늘날씨 " * 9} for n in range(10)))
    texts = {name: put(tmp_path, f"{name}.arpa", ARPA.encode()) for name in ("one", "two")}
    other = put(tmp_path, "other.arpa", ARPA.replace("-1\t오늘날씨", "-2\t오늘날씨").encode())
    results = [
        stage.clean(
            [path],
            f"{tmp_path}/{number}",
            CleanConfig.model_validate({"perplexity": {"good": {"model": model}}}),
            RunOptions(),
        ).manifest
        for number, model in enumerate([*texts.values(), other])
    ]
    assert results[0].fingerprint == results[1].fingerprint != results[2].fingerprint
    assert str(tmp_path) not in str(results[0].config)


@pytest.mark.long
def test_a_model_that_is_replaced_is_read_anew(tmp_path):
    path = put(tmp_path, "raw/a.jsonl", jsonl([{"id": "n", "text": "오늘날씨 " * 9}]))
    config = CleanConfig.model_validate({"perplexity": {"good": {"model": f"{tmp_path}/model.arpa"}}})
    scores = []
    for log10 in ("-1", "-2"):
        put(tmp_path, "model.arpa", ARPA.replace("-1\t오늘날씨", f"{log10}\t오늘날씨").encode())
        stage.clean([path], f"{tmp_path}/out", config, RunOptions(), overwrite=True)
        scores += [row["perplexity"] for row in rows(str(tmp_path))]
    assert scores[1] > 2 * scores[0]


def test_what_a_model_of_bad_text_likes_is_worse_and_both_scores_are_kept(root):
    bad = f"{root}-bad.arpa"
    files.write_bytes(bad, ARPA.replace("오늘날씨", "나쁜글말").encode())
    model = f"{root}.arpa" if root.startswith("memory") else files.join(root, "model.arpa")
    scored(root, perplexity={"good": {"model": model}, "bad": {"model": bad}, "bad_weight": 1.0})
    kept = rows(root)
    assert [row["id"] for row in kept] == [*(f"n{n}" for n in range(8)), *(f"t{n}" for n in range(5, 10))]
    for row in kept:
        if row["source"] == "news":
            assert row["perplexity"] < row["bad_perplexity"]


@pytest.mark.long
def test_the_tokenizer_of_a_model_is_named_as_everywhere_and_counts_by_its_content(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = put(tmp_path, "raw/a.jsonl", jsonl({"id": f"n{n}", "text": "오늘날씨 " * 9} for n in range(10)))
    model = put(tmp_path, "model.arpa", ARPA.encode())
    names = (write_base(tmp_path / "tok/tokenizer.model"), "~/tok")
    configs = [CleanConfig.model_validate({"perplexity": {"good": {"model": model, "tokenizer": n}}}) for n in names]
    done = [stage.clean([path], f"{tmp_path}/out", config, RunOptions()) for config in configs]
    assert [result.skipped for result in done] == [False, True]


TAGS = "줄을 바꾸려면 &lt;br&gt; 을 적고, 빈칸은 &amp;nbsp; 를 적습니다."
SEEN = "줄을 바꾸려면 <br> 을 적고, 빈칸은 &nbsp; 를 적습니다."


def test_tags_that_readers_see_stay_in_what_was_taken_out_of_pages_or_cleaned_before(tmp_path):
    """The extractor has unescaped a page already, and so has `clean` its own documents."""
    page = f"<html><body><p>{TAGS}</p><p>{sentence(1)}</p></body></html>"
    put(tmp_path, "raw/web/a.warc", http(page.encode(), "text/html; charset=utf-8"))
    put(tmp_path, "raw/lines/a.jsonl", jsonl([{"text": f"<p>{TAGS}</p>"}]))
    config = CleanConfig(read={"main_content": False})
    first = stage.clean([str(tmp_path / "raw")], str(tmp_path / "one"), config, RunOptions()).folder
    texts = {row["source"]: row["text"] for row in rows(str(tmp_path), out="one")}
    assert texts == {"web": f"{SEEN}\n\n{sentence(1)}", "lines": SEEN}
    stage.clean([first], str(tmp_path / "two"), config, RunOptions())
    assert {row["source"]: row["text"] for row in rows(str(tmp_path), out="two")} == texts
    on = CleanConfig(read={"main_content": False}, normalise={"html": True})
    stage.clean([str(tmp_path / "raw" / "web")], str(tmp_path / "three"), on, RunOptions())
    assert rows(str(tmp_path), out="three")[0]["text"] != texts["web"]
