import json

import pyarrow as pa
import pyarrow.parquet as pq
from malmoi_pipelines.raw import probe
from malmoi_pipelines.raw.config import Columns, ReadOptions
from malmoi_pipelines.raw.inputs import find_inputs
from malmoi_pipelines.raw.probe import sources_without_documents


def errors(folder, **columns):
    options = ReadOptions(columns=Columns(**columns))
    found = find_inputs([str(folder)], lambda source: options)
    return [error.message for error in sources_without_documents(found.files, lambda source: options)]


def write(folder, name, records):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))


def test_a_source_with_a_document_anywhere_in_its_first_lines_is_fine(tmp_path):
    write(tmp_path, "a/x.jsonl", [{"body": "x"}] * 50 + [{"text": "x"}])
    write(tmp_path, "b/1.jsonl", [{"body": "x"}])
    write(tmp_path, "b/2.jsonl", [{"text": "x"}])
    (tmp_path / "c").mkdir()
    (tmp_path / "c/empty.jsonl").write_text("")  # nothing at all is not wrong
    assert errors(tmp_path) == []


def test_it_stops_after_so_many_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "LINES", 100)
    monkeypatch.setattr(probe, "BLOCK_BYTES", 1_000)
    write(tmp_path, "a/x.jsonl", [{"body": "가나다"}] * 1_000 + [{"text": "x"}])
    (message,) = errors(tmp_path)
    assert "the first 100 lines of source 'a'" in message
    assert "missing_text 100, there is no field 'text'. The fields: body." in message
    assert "가나다" not in message
    assert errors(tmp_path, text="body") == []


def test_what_is_no_record_is_told_as_such(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.jsonl").write_text("no json\n" * 3)
    (message,) = errors(tmp_path)
    assert message.endswith("hold no document: broken_json 3.")


def test_a_table_without_the_column_is_told(tmp_path):
    (tmp_path / "a").mkdir()
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "a/x.parquet")
    (message,) = errors(tmp_path)
    assert "no column 'text'. Its columns: body" in message
