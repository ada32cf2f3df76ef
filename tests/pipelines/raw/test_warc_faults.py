"""A broken record of WARC costs itself: wrong lengths, damaged members, rubbish, names in any case, bad bytes."""

import gzip
import random

import pytest
from malmoi_pipelines.contracts.ledger import FAILED, IN, KEPT
from malmoi_pipelines.raw.config import ReadOptions

from tests.pipelines.raw.raw_files import COMPRESS, blocks, put, read, texts
from tests.pipelines.raw.test_budget import good_files, run
from tests.pipelines.raw.test_warc import PARAGRAPH, http, page, record, wet

TEXTS = [f"{n}번째 {PARAGRAPH * (1 + n % 3)}" for n in range(5)]
WET = [wet(text, n) for n, text in enumerate(TEXTS)]


def with_length(data, change):
    head, _, body = data.partition(b"Content-Length: ")
    length, _, rest = body.partition(b"\r\n")
    return head + b"Content-Length: " + change(int(length)) + b"\r\n" + rest


LENGTHS = {
    "shorter": lambda n: b"%d" % (n // 2),
    "one less": lambda n: b"%d" % (n - 1),
    "nothing": lambda _: b"0",
    "longer": lambda n: b"%d" % (n + 100),
    "far longer": lambda n: b"%d" % (n + 10**12),
    "negative": lambda n: b"-%d" % n,
    "no number": lambda _: b"many",
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("how", list(LENGTHS))
@pytest.mark.fault("broken input")
def test_a_wrong_length_costs_its_record(tmp_path, how, place, suffix):
    records = [with_length(data, LENGTHS[how]) if n == place else data for n, data in enumerate(WET)]
    path = put(tmp_path, f"web/a.warc{suffix}", b"".join(map(COMPRESS[suffix], records)))
    found = blocks(path)
    kept = [text for block in found for text in block.texts]
    assert kept == [text for n, text in enumerate(TEXTS) if n != place]
    assert [(bad.line, bad.reason) for block in found for bad in block.bad] == [(place + 1, "wrong_length")]
    assert sum(block.lost_bytes for block in found) == 0


def test_a_length_that_takes_in_line_ends_behind_loses_nothing(tmp_path):
    for more in range(1, 5):
        records = [with_length(data, lambda n, more=more: b"%d" % (n + more)) for data in WET]
        documents, bad = read(put(tmp_path, "web/a.warc", b"".join(records)))
        assert ([text.strip() for _, _, text, _, _ in documents], bad) == ([text.strip() for text in TEXTS], [])


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".bz2", ".xz"])
@pytest.mark.parametrize("place", range(5))
@pytest.mark.fault("broken input")
def test_a_damaged_member_costs_its_record(tmp_path, place, suffix):
    random.seed(place)
    texts_ = ["".join(chr(random.randrange(0xAC00, 0xD7A4)) for _ in range(2000)) for _ in range(5)]
    members = [COMPRESS[suffix](wet(text, n)) for n, text in enumerate(texts_)]
    damaged = bytearray(members[place])
    middle = len(damaged) // 2
    damaged[middle : middle + 40] = bytes(40)
    members[place] = bytes(damaged)
    found = blocks(put(tmp_path, f"web/a.warc{suffix}", b"".join(members)))
    kept = [text for block in found for text in block.texts]
    others = [text for n, text in enumerate(texts_) if n != place]
    # Where the checksum alone tells, the record is read with its damage.
    assert [text for text in kept if text in others] == others
    assert len(kept) <= 5
    [bad] = [bad for block in found for bad in block.bad]
    assert bad.reason in ("corrupt_file", "truncated_file")


@pytest.mark.parametrize("place", range(4))
def test_a_member_without_its_start_costs_its_record(tmp_path, place):
    members = [gzip.compress(data, mtime=0) for data in WET]
    members[place] = b"\0\0" + members[place][2:]
    found = blocks(put(tmp_path, "web/a.warc.gz", b"".join(members)))
    assert [text for block in found for text in block.texts] == [t for n, t in enumerate(TEXTS) if n != place]
    assert [bad.reason for block in found for bad in block.bad] in (["corrupt_file"], [])


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_stage_goes_on_after_one_broken_record(tmp_path, suffix):
    good_files(tmp_path, 5)
    records = [COMPRESS[suffix](with_length(data, LENGTHS["longer"]) if n == 2 else data) for n, data in enumerate(WET)]
    put(tmp_path, f"raw/web/a.warc{suffix}", b"".join(records))
    ledger = run(tmp_path).ledger
    assert (ledger.documents(IN, "web"), ledger.documents(FAILED, "web")) == (5, 1)
    assert ledger.documents(KEPT, "web") == 4


def test_names_of_fields_count_in_any_case(tmp_path):
    for change in (bytes.lower, bytes.upper):
        head, _, body = wet("글입니다").partition(b"\r\n\r\n")
        named = [head.partition(b"\r\n")[0]]
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            named.append(change(name) + b":" + value)
        path = put(tmp_path, "web/a.warc", b"\r\n".join(named) + b"\r\n\r\n" + body)
        [(given_id, _, text, meta, _)], bad = read(path)
        assert (given_id, text, bad) == ("urn:uuid:00000001", "글입니다", [])
        assert "example.kr" in meta


def test_names_of_http_fields_count_in_any_case(tmp_path):
    body = gzip.compress(page(PARAGRAPH, "euc-kr", meta=False))
    head = b"HTTP/1.1 200 OK\r\ncONTENT-tYPE: text/html; charset=euc-kr\r\ncontent-ENCODING: gzip\r\n\r\n"
    data = record("response", head + body, Content_Type="application/http")
    assert [PARAGRAPH.strip() in text for text in texts(put(tmp_path, "web/a.warc", data))] == [True]


@pytest.mark.parametrize("charset", ["utf-8", "euc-kr"])
@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("server", ["", "; charset=utf-8", "; charset=iso-8859-1"])
@pytest.mark.parametrize("bad", [b"\xff", b"\x80", b"\xed\x95"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_one_bad_byte_of_a_page_is_replaced_and_counted(tmp_path, charset, declared, server, bad, share):
    text = PARAGRAPH * 4
    body = page(text, charset, meta=declared)
    cut = body.index("오늘은".encode("cp949" if charset == "euc-kr" else charset)) + int(share * len(text))
    while body[cut - 1] != ord(" "):  # between words, so that the codec has only the bad byte to lose
        cut += 1
    data = http(body[:cut] + bad + b" " + body[cut:], f"text/html{server}")
    [block] = blocks(put(tmp_path, "web/a.warc", data + wet("뒤", 2)), ReadOptions(main_content=False))
    assert block.bad == []
    assert block.replaced == 1
    found = block.texts[0]
    assert "\ufffd" in found
    words = text.split()
    assert sum(word in found.split() for word in words) >= len(words) - 2


def test_a_wet_record_with_a_bad_byte_is_kept(tmp_path):
    data = wet(PARAGRAPH).replace("공원".encode(), "공원".encode()[:-1] + b"?")
    data = with_length(data, lambda n: b"%d" % len(data.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n\r\n")))
    [block] = blocks(put(tmp_path, "web/a.wet", data))
    assert (len(block.texts), block.replaced, block.bad) == (1, 1, [])


def test_what_is_no_text_of_a_set_is_a_failure(tmp_path):
    data = http(bytes(random.Random(1).randrange(128, 256) for _ in range(400)), "text/plain; charset=utf-8")
    [block] = blocks(put(tmp_path, "web/a.warc", data + wet("뒤", 2)))
    assert len(block.texts) in (1, 2)
    assert block.replaced == 0


def test_the_page_of_the_case_is_kept(tmp_path):
    text = PARAGRAPH * 3
    body = page(text)
    at = body.index("공원".encode())
    data = http(body[:at] + b"\xff" + body[at:], "text/html; charset=utf-8") + http(page(text), number=2)
    put(tmp_path, "raw/web/a.warc", data)
    report = run(tmp_path)
    assert report.ledger.documents(FAILED) == 0
    assert {"source": "web", "rule": "bad_bytes", "documents": 1} in report.tables["Changes"]
