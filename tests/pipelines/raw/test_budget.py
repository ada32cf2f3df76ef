"""Files that are not what they should be, in a folder of good ones: each is named with its cause, and stops the stage
unless it is allowed to be lost; what is read, failed and lost adds up."""

import bz2
import gzip
import lzma
import random

import orjson
import pyarrow as pa
import pytest
import zstandard
from malmoi_pipelines.clean.config import CleanConfig
from malmoi_pipelines.clean.stage import clean
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.ledger import FAILED, IN, KEPT
from malmoi_pipelines.contracts.report import read_report
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.dedupe.config import DedupeConfig
from malmoi_pipelines.dedupe.stage import dedupe
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.lm.config import LmConfig
from malmoi_pipelines.lm.stage import train_lm
from malmoi_pipelines.pii.config import ShowConfig
from malmoi_pipelines.pii.listing import Listing, check_listed, find_hits

from tests.pipelines.raw.raw_files import COMPRESS, arrow, jsonl, parquet, put

REJECT = {"read": {"on_bad_file": "reject"}}
HTML = b"<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n"


def texts(first, number):
    random.seed(first)
    syllables = [chr(ord("가") + n) for n in range(0, 11172, 7)]
    return [f"{n}번째 글입니다. {''.join(random.choices(syllables, k=40))}" for n in range(first, first + number)]


def rows(first, number):
    return [{"text": text} for text in texts(first, number)]


def table(number):
    return pa.table({"text": texts(0, number)})


def wet(number):
    records = []
    for text in texts(0, number):
        body = text.encode()
        head = f"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        records.append(head + body + b"\r\n\r\n")
    return records


PLAIN = {
    "jsonl": lambda n: jsonl(rows(0, n)),
    "json": lambda n: orjson.dumps(rows(0, n)),
    "csv": lambda n: b"text\n" + "".join(f"{text}\n" for text in texts(0, n)).encode(),
    "tsv": lambda n: b"text\n" + "".join(f"{text}\n" for text in texts(0, n)).encode(),
    "txt": lambda n: "".join(f"{text}\n" for text in texts(0, n)).encode(),
    "wet": lambda n: b"".join(wet(n)),
}
SOUGHT = {
    "parquet": lambda n: parquet(table(n)),
    "arrow": lambda n: arrow(table(n)),
}


def good_files(root, number=5000):
    return [put(root, f"raw/news/good-{n}.jsonl", jsonl(rows(n * 10_000, number))) for n in range(2)]


def run(root, config=None, out="out"):
    options = RunOptions()
    result = clean([files.join(str(root), "raw")], files.join(str(root), out), CleanConfig(**(config or {})), options)
    return read_report(result.folder)


WRONG = {
    "a.jsonl": [
        (orjson.dumps(rows(0, 500)), "a JSON array: one document a line is wanted"),
        (orjson.dumps(rows(0, 1)[0], option=orjson.OPT_INDENT_2), "a JSON object over several lines"),
        (HTML, "an HTML page"),
        (gzip.compress(b"{}\n"), "a gzip file"),
        (parquet(table(3)), "a Parquet file"),
        ('{"text": "글"}\n'.encode("utf-16"), "a UTF-16 file"),
        ('{"text": "a"}\n'.encode("utf-16-le"), "a UTF-16 file"),
        ('{"text": "옛 글을 여기에 적는다"}\n'.encode("cp949"), "CP949 text"),
        (b"\0" * 5000, "nothing but NUL bytes"),
        (b"%PDF-1.7\n1 0 obj\n", "a PDF document"),
        (b"PK\x03\x04" + bytes(90), "a ZIP archive"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b'{"body": "x"}\n' * 9, "9 missing_text"),
    ],
    "a.jsonl.gz": [(jsonl(rows(0, 9)), "not gzip"), (HTML, "not gzip, but an HTML page")],
    "a.jsonl.zst": [(jsonl(rows(0, 9)), "not zstd"), (gzip.compress(b"{}"), "not zstd, but a gzip file")],
    "a.jsonl.bz2": [(HTML, "not bzip2, but an HTML page")],
    "a.jsonl.xz": [(zstandard.compress(b"{}"), "not xz, but a zstd file")],
    "a.parquet": [
        (HTML, "not Parquet, but an HTML page"),
        (jsonl(rows(0, 9)), "not Parquet"),
        (parquet(table(9))[:-9], "its end is missing"),
    ],
    "a.arrow": [(HTML, "not Arrow, but an HTML page"), (b'{"error": 404}', "not Arrow")],
    "a.warc.gz": [(gzip.compress(HTML), "not WARC, but an HTML page")],
    "a.wet": [(HTML, "not WARC, but an HTML page")],
    "a.json": [(HTML, "an HTML page"), (b"\xff\xfe" + "[]".encode("utf-16-le"), "a UTF-16 file")],
    "a.csv": [(HTML, "an HTML page"), ("본문,이름\n글,가\n".encode("cp949"), "CP949 text")],
    "a.txt": [("옛 글을 여기에 적는다\n".encode("cp949"), "CP949 text")],
}


@pytest.mark.parametrize(
    ("name", "data", "cause"), [(name, data, cause) for name, some in WRONG.items() for data, cause in some]
)
@pytest.mark.fault("broken input")
def test_one_file_of_another_kind_stops_the_stage_with_its_name_and_cause(tmp_path, name, data, cause):
    good_files(tmp_path)
    put(tmp_path, f"raw/news/{name}", data)
    with pytest.raises(BadInputError) as caught:
        run(tmp_path)
    assert name in caught.value.message
    assert cause in caught.value.message
    assert "옛 글" not in caught.value.message


@pytest.mark.parametrize("name", list(WRONG))
def test_such_a_file_is_rejected_where_that_is_written_and_the_console_names_it(tmp_path, name):
    good_files(tmp_path, 5000)
    data, cause = WRONG[name][0]
    put(tmp_path, f"raw/news/{name}", data)
    report = run(tmp_path, REJECT)
    assert (report.ledger.documents(KEPT), report.ledger.documents(FAILED)) == (10_000, 1)
    assert report.shown == ("Bad files",)
    [row] = report.tables["Bad files"]
    assert (row["file"], row["documents"], row["failed"]) == (f"news/{name}", 0, 1)
    assert cause in row["what is wrong"]


@pytest.mark.long
@pytest.mark.parametrize("suffix", list(COMPRESS))
@pytest.mark.parametrize("form", list(PLAIN))
@pytest.mark.parametrize("cut", [0.3, 0.9])
@pytest.mark.fault("broken input")
def test_a_cut_file_is_told_and_all_that_was_read_of_it_counted(tmp_path, form, suffix, cut):
    data = COMPRESS[suffix](PLAIN[form](300))
    put(tmp_path, f"raw/news/a.{form}{suffix}", data[: int(cut * len(data))])
    good_files(tmp_path, 50)
    if suffix or form in ("jsonl", "json", "wet"):  # other lines do not tell that more should follow
        with pytest.raises(BadInputError, match=r"a\.\w+.*its end is missing"):
            run(tmp_path)
    ledger = run(tmp_path, REJECT, "rejected").ledger
    assert ledger.documents(FAILED) <= 1
    assert ledger.documents(IN) == sum(map(ledger.documents, (KEPT, FAILED, "dropped")))
    # Compressed streams give what is unfolded before the cut: bzip2 and xz nothing of a block that is not whole.
    assert ledger.documents(KEPT) >= 100 + (0 if suffix in (".bz2", ".xz", ".zst") else int(cut * 300) - 30)


@pytest.mark.parametrize("form", list(SOUGHT))
def test_a_cut_table_is_told(tmp_path, form):
    data = SOUGHT[form](300)
    put(tmp_path, f"raw/news/a.{form}", data[: len(data) // 2])
    good_files(tmp_path, 50)
    with pytest.raises(BadInputError, match=r"a\.\w+ \(.*its end is missing"):
        run(tmp_path)
    assert run(tmp_path, REJECT).ledger.documents(FAILED) == 1


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".bz2", ".xz"])
@pytest.mark.fault("broken input")
def test_a_wrong_checksum_costs_no_document(tmp_path, suffix):
    data = bytearray(
        {".gz": gzip.compress, ".zst": _zstd_with_checksum, ".bz2": bz2.compress, ".xz": lzma.compress}[suffix](
            jsonl(rows(0, 20))
        )
    )
    data[{".gz": -8, ".zst": -1, ".bz2": -1, ".xz": -30}[suffix]] ^= 0xFF
    put(tmp_path, f"raw/news/a.jsonl{suffix}", bytes(data))
    ledger = run(tmp_path).ledger
    assert ledger.documents(KEPT) == 20
    assert ledger.documents(FAILED) == 1


def _zstd_with_checksum(data):
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


@pytest.mark.long
@pytest.mark.parametrize("suffix", [".gz", ".zst", ".bz2", ".xz"])
@pytest.mark.parametrize("form", list(PLAIN))
def test_bits_that_are_flipped_lose_nothing_without_a_word(tmp_path, form, suffix):
    # zstd has a checksum only where it is asked for; without one a bit may make another document, or none, of one.
    whole = _zstd_with_checksum(PLAIN[form](300)) if suffix == ".zst" else COMPRESS[suffix](PLAIN[form](300), 3)
    for place in (0.05, 0.4, 0.75):
        data = bytearray(whole)
        data[int(place * len(data))] ^= 0x10
        put(tmp_path, f"raw/news/a.{form}{suffix}", bytes(data))
        try:
            ledger = run(tmp_path, REJECT, f"out-{place}").ledger
        except BadInputError:
            continue
        assert ledger.documents(IN) == sum(map(ledger.documents, (KEPT, FAILED, "dropped")))
        assert ledger.documents(FAILED) or ledger.documents(KEPT) == 300


@pytest.mark.parametrize("name", ["a.jsonl", "a.txt", "a.csv", "a.json", "a.warc", "a.jsonl.gz"])
@pytest.mark.parametrize("data", [b"", b"\n \n\n"])
def test_input_without_any_document_is_an_error(tmp_path, name, data):
    data = gzip.compress(data) if name.endswith(".gz") and data else data
    data = data.replace(b" ", b"") if name == "a.txt" else data
    put(tmp_path, f"raw/news/{name}", data)
    with pytest.raises(BadInputError, match=r"no document|nothing can be read|nothing but white space"):
        run(tmp_path)


def test_a_file_of_bytes_without_a_document_says_so(tmp_path):
    good_files(tmp_path, 5)
    put(tmp_path, "raw/news/blank.jsonl", b"\n" * 50)
    put(tmp_path, "raw/news/head.csv", b"text\n")
    put(tmp_path, "raw/news/empty.jsonl", b"")
    told = {row["file"]: row["what is wrong"] for row in run(tmp_path).tables["Bad files"]}
    assert told == {"news/blank.jsonl": "nothing but white space", "news/head.csv": "no document"}


@pytest.mark.long
def test_many_lost_files_under_one_failure_each_are_over_the_budget_of_bytes(tmp_path):
    for number in range(6):
        data = gzip.compress(jsonl(rows(number * 1000, 300)))
        put(tmp_path, f"raw/news/{number}.jsonl.gz", data if number % 2 else data[:-500])
    with pytest.raises(BadInputError, match=r"stored bytes of input are lost.*0\.jsonl\.gz \(its end is missing\)"):
        run(tmp_path, {"error_budget": 0.01})
    assert run(tmp_path, {"error_budget": 0.6}).ledger.documents(FAILED) == 3


def test_a_file_that_is_one_document_counts_as_one(tmp_path):
    for number in range(3):
        put(tmp_path, f"raw/news/{number}.txt", f"글 {number}".encode())
    put(tmp_path, "raw/news/bad.txt", "옛 글".encode("cp949"))
    config = {"read": {"document": "file"}}
    assert run(tmp_path, config).ledger.documents(FAILED) == 1


@pytest.mark.long
def test_lm_train_and_pii_show_have_the_same_budget(tmp_path):
    good_files(tmp_path, 300)
    put(tmp_path, "raw/news/a.jsonl.gz", HTML)
    inputs = [files.join(str(tmp_path), "raw")]
    with pytest.raises(BadInputError, match=r"a\.jsonl\.gz \(not gzip, but an HTML page\)"):
        train_lm(inputs, files.join(str(tmp_path), "lm"), LmConfig(), RunOptions())
    report = read_report(train_lm(inputs, files.join(str(tmp_path), "lm"), LmConfig(**REJECT), RunOptions()).folder)
    assert [row["file"] for row in report.tables["Bad files"]] == ["news/a.jsonl.gz"]
    for config, fails in ((ShowConfig(), True), (ShowConfig(**REJECT), False)):
        listing = Listing()
        assert list(find_hits(inputs, config, listing)) == []
        if fails:
            with pytest.raises(BadInputError, match="not gzip, but an HTML page"):
                check_listed(listing, config)
        else:
            check_listed(listing, config)


@pytest.mark.long
def test_later_stages_have_the_same_budget(tmp_path):
    good_files(tmp_path, 300)
    put(tmp_path, "raw/news/a.jsonl.gz", HTML)
    inputs = [files.join(str(tmp_path), "raw")]
    for stage, config, more in ((count, CountConfig, {}), (dedupe, DedupeConfig, {"guards": {"short_share": 1}})):
        out = files.join(str(tmp_path), stage.__name__)
        with pytest.raises(BadInputError, match=r"a\.jsonl\.gz \(not gzip, but an HTML page\)"):
            stage(inputs, out, config(**more), RunOptions())
        report = read_report(stage(inputs, out, config(**REJECT, **more), RunOptions()).folder)
        assert [row["file"] for row in report.tables["Bad files"]] == ["news/a.jsonl.gz"]
        assert report.ledger.documents(IN) == 601


def test_a_broken_last_line_is_a_line_unless_it_is_cut(tmp_path):
    good_files(tmp_path, 50)
    put(tmp_path, "raw/news/a.jsonl", jsonl(rows(70_000, 3)) + b'{"text": 1 2}')
    assert run(tmp_path).ledger.documents(FAILED) == 1
    put(tmp_path, "raw/news/a.jsonl", jsonl(rows(70_000, 30))[:-90])
    with pytest.raises(BadInputError, match=r"a\.jsonl \(its end is missing\)"):
        run(tmp_path, out="cut")
