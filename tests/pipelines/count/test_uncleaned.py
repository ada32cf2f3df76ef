"""What tells a person that a corpus was not cleaned."""

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts.progress import Progress
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.count import uncleaned
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.count.uncleaned import Uncleaned
from malmoi_pipelines.engine.options import RunOptions

PIECES = ["가", "\u1100", "\u1161", "e", "\u0301", "\r", "\n", "\uf914", "é", "…", "樂"]
TEXTS = st.lists(st.text(st.sampled_from(PIECES)))


@given(texts=TEXTS, slice_bytes=st.sampled_from([1, 7, 1 << 18]))
def test_documents_are_counted_as_one_by_one(texts, slice_bytes):
    found = Uncleaned()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uncleaned, "_SLICE_BYTES", slice_bytes)
        found.add("web", pa.array(texts, pa.large_string()))
    assert found.decomposed.total() == sum(not unicodedata.is_normalized("NFC", text) for text in texts)
    assert found.returns.total() == sum("\r" in text for text in texts)


class Told(Progress):
    def __init__(self):
        self.lines = []

    def warn(self, line):
        self.lines.append(line)


def test_a_person_is_told_how_much_and_what_to_do(tmp_path, write_documents):
    rows = [(f"n{n}", "web", unicodedata.normalize("NFD", f"한국어 문장 {n}")) for n in range(3)]
    rows += [("cr", "notes", "첫째 줄\r\n둘째 줄"), ("good", "notes", "좋은 글")]
    told, corpus = Told(), write_documents(tmp_path / "in", rows)
    folder = count([corpus], str(tmp_path / "out"), CountConfig(), RunOptions(), progress=told).folder
    facts = read_report(folder).facts
    assert (facts["documents not in NFC"], facts["documents with carriage returns"]) == (3, 1)
    assert [line.split(":")[0] for line in told.lines] == ["count"] * 2
    assert "3 of 5 documents (60.0%) are not in NFC (web 3)" in told.lines[0]
    assert all("malmoi clean" in line for line in told.lines)


def test_a_clean_corpus_says_nothing(tmp_path, write_documents):
    told = Told()
    corpus = write_documents(tmp_path / "in", [("a", "web", "좋은 글\n둘째 줄 é")])
    facts = read_report(count([corpus], str(tmp_path / "out"), CountConfig(), RunOptions(), progress=told).folder).facts
    assert told.lines == []
    assert not {"documents not in NFC", "documents with carriage returns"} & facts.keys()
