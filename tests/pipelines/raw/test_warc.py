"""WARC and WET: which records are documents, their text and fields, and damage."""

import gzip
import zlib

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.page_encoding import _codec, decode_page

from tests.pipelines.raw.raw_files import COMPRESS, blocks, put, read, texts
from tests.strategies import texts as text_strategy

URL = "http://example.kr/글"
DATE = "2024-05-06T07:08:09Z"
PARAGRAPH = "오늘은 날씨가 좋아서 공원을 오래 걸었고, 저녁에는 친구와 함께 따뜻한 국수를 먹으며 이야기를 나누었습니다. "


def record(kind, body, number=1, **headers):
    lines = [
        "WARC/1.0",
        f"WARC-Type: {kind}",
        f"WARC-Record-ID: <urn:uuid:{number:08d}>",
        f"WARC-Date: {DATE}",
        f"WARC-Target-URI: {URL}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body + b"\r\n\r\n"


def wet(text, number=1):
    return record(
        "conversion", text.encode(), number, Content_Type="text/plain", WARC_Identified_Content_Language="kor"
    )


def http(body, content_type="text/html", status="200 OK", number=1, **headers):
    lines = [f"HTTP/1.1 {status}"]
    lines += [f"Content-Type: {content_type}"] if content_type else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines).encode()
    return record("response", head + b"\r\n\r\n" + body, number, Content_Type="application/http; msgtype=response")


def page(text, charset="utf-8", meta=True):
    declared = f'<meta charset="{charset}">' if meta else ""
    head = f"<head>{declared}<title>제목</title></head>"
    html = f"<html>{head}<body><nav><a href='/'>홈</a></nav><p>{text}</p></body></html>"
    return html.encode("cp949" if charset == "euc-kr" else charset)


def body_text(tmp_path, data, options=None):
    return texts(put(tmp_path, "web/a.warc", data), options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("warc")


@pytest.mark.parametrize("suffix", list(COMPRESS))
@settings(max_examples=30)
@given(given_texts=st.lists(text_strategy, max_size=6), block_bytes=st.integers(1, 200))
def test_wet_records_are_documents(folder, suffix, given_texts, block_bytes):
    records = [record("warcinfo", b"software: x\r\n"), *(wet(text, n) for n, text in enumerate(given_texts))]
    # As crawlers write it, each record is a frame of its own.
    path = put(folder, f"web/a.wet{suffix}", b"".join(map(COMPRESS[suffix], records)))
    documents, bad = read(path, block_bytes=block_bytes)
    meta = {"content_type": "text/plain", "date": DATE, "language": "kor", "url": URL}
    assert bad == []
    assert [(*row[:3], orjson.loads(row[3]), row[4]) for row in documents] == [
        (f"urn:uuid:{n:08d}", "web", text, meta, n + 2) for n, text in enumerate(given_texts)
    ]


def test_ids_count_as_given_and_wanted_fields_only_go_to_meta(tmp_path):
    path = put(tmp_path, "web/a.wet", wet("글"))
    [block] = blocks(path, ReadOptions(columns={"meta": {"address": "url", "none": "absent"}}))
    assert (block.given, block.metas) == ([True], [orjson.dumps({"address": URL}).decode()])


def test_records_that_hold_no_text_are_passed_over(tmp_path):
    records = [
        record("request", b"GET / HTTP/1.1\r\n\r\n", Content_Type="application/http; msgtype=request"),
        record("metadata", b"fetchTimeMs: 1\r\n", Content_Type="application/warc-fields"),
        record("revisit", b"HTTP/1.1 304 Not Modified\r\n\r\n", Content_Type="application/http; msgtype=response"),
        http(b"\x89PNG\r\n", "image/png"),
        http(b"{}", "application/json"),
        http(b"not gzip", "image/png", Content_Encoding="gzip"),
        http(b"?", None),
        http(page("없는 쪽"), status="404 Not Found"),
        record("resource", b"\x00\x01", Content_Type="image/gif"),
        http(page(PARAGRAPH), number=7),
    ]
    documents, bad = read(put(tmp_path, "web/a.warc", b"".join(records)))
    assert [(i, line) for i, _, _, _, line in documents] == [("urn:uuid:00000007", 10)]
    assert bad == []


@pytest.mark.parametrize(
    ("charset", "meta", "declared"),
    [
        ("utf-8", True, ""),
        ("utf-8", True, "; charset=ISO-8859-1"),
        ("utf-8", False, "; charset=euc-kr"),
        ("euc-kr", True, ""),
        ("euc-kr", True, "; charset=utf-8"),
        ("euc-kr", False, "; charset=euc-kr"),
        ("euc-kr", False, ""),
        ("euc-kr", False, "; charset=no-such-charset"),
    ],
)
def test_the_character_set_is_found_where_page_and_server_agree_or_not(tmp_path, charset, meta, declared):
    text = PARAGRAPH * 3 + "똠방각하와 펲시"  # the last words are in CP949, but not in EUC-KR proper
    data = http(page(text, charset, meta), f"text/html{declared}")
    assert text.strip() in body_text(tmp_path, data)[0]


STRANGE = [
    "undefined", "a\0b", "unicode_escape", "raw_unicode_escape", "idna", "punycode", "utf-7", "rot13", "hex", "mbcs",
    "base64", "x-user-defined", "replacement", "",
]  # fmt: skip


@pytest.mark.parametrize("charset", STRANGE)
@pytest.mark.parametrize("where", ["server", "page"])
def test_a_charset_that_is_no_encoding_of_the_web_counts_for_nothing(tmp_path, charset, where):
    text = PARAGRAPH + r"\ud800 +2AA- \u0041"
    declared = f'<meta charset="{charset}">' if where == "page" else ""
    html = f"<html><head>{declared}</head><body><p>{text}</p></body></html>"
    bodies = [html.encode(), html.encode("cp949"), html.encode() + b"\x81\xff\xff" + rb"\ud800"]
    header = "text/html" if where == "page" else f"text/html; charset={charset}"
    data = b"".join(http(body, header, number=n) for n, body in enumerate(bodies))
    path = put(tmp_path, "web/a.warc", data)
    documents, bad = read(path, ReadOptions(main_content=False))
    assert [text.strip() in document[2] for document in documents[:2]] == [True, True]
    assert len(documents) + len(bad) == 3
    assert {reason for _, reason, _ in bad} <= {"unknown_encoding"}
    for document in documents:
        document[2].encode()  # has no surrogates


@given(content=st.binary(max_size=40), charset=st.sampled_from([*STRANGE, "utf-16", "gb18030", "iso-2022-jp", "big5"]))
def test_any_bytes_are_text_without_surrogates_or_no_text(content, charset):
    decoded = decode_page(content, charset)
    if decoded is not None:
        decoded.text.encode()


@pytest.mark.parametrize("charset", ["ISO-8859-1", "iso8859-1", "latin1", "windows-1252", "ISO-8859-15", "us-ascii"])
def test_a_server_that_calls_all_its_pages_latin_hides_no_korean(tmp_path, charset):
    french = "Déjà vu à la carte, naïve façade d'été."
    pages = [page(PARAGRAPH, "cp949", meta=False), f"<html><body><p>{french}</p></body></html>".encode("latin-1")]
    data = b"".join(http(body, f"text/html; charset={charset}", number=n) for n, body in enumerate(pages))
    first, second = body_text(tmp_path, data, ReadOptions(main_content=False))
    assert PARAGRAPH.strip() in first
    assert french in second


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_a_mark_of_utf_16_says_the_order_of_its_bytes(tmp_path, codec):
    body = ("\ufeff" + PARAGRAPH).encode(codec)
    for charset in ("utf-16", "utf-8"):
        assert body_text(tmp_path, http(body, f"text/plain; charset={charset}")) == [PARAGRAPH]


@pytest.mark.parametrize("charset", ["cp949", "MS949", "uhc", "x-windows-949", "windows-949", "KS_C_5601-1987"])
def test_the_names_of_cp949_are_known(charset):
    assert _codec(charset) == "cp949"


def test_plain_text_and_resources_are_read(tmp_path):
    data = http("\ufeff평문".encode(), "text/plain; charset=utf-8")
    data += record("resource", page(PARAGRAPH), Content_Type="Text/HTML; charset=utf-8")
    plain, html = body_text(tmp_path, data)
    assert plain == "평문"
    assert PARAGRAPH.strip() in html


def test_main_content_leaves_navigation_out(tmp_path):
    data = http(page(PARAGRAPH * 5))
    [main] = body_text(tmp_path, data)
    [all_of_it] = body_text(tmp_path, data, ReadOptions(main_content=False))
    assert "홈" not in main
    assert "홈" in all_of_it
    assert (PARAGRAPH * 5).strip() in main


def test_a_page_made_to_take_hours_is_rejected(tmp_path):
    path = put(tmp_path, "web/a.warc", http(b"<DIV>" * 100_000 + b"x") + http(page(PARAGRAPH), number=2))
    documents, bad = read(path)
    assert [(line, reason) for line, reason, _ in bad] == [(1, "nested_too_deep")]
    assert len(documents) == 1
    assert len(texts(path, ReadOptions(main_content=False))) == 2


def chunked(body):
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:50], body[50:])) + b"0\r\n\r\n"


def test_what_http_has_encoded_is_decoded(tmp_path):
    body = page(PARAGRAPH)
    data = http(gzip.compress(body), Content_Encoding="gzip")
    data += http(chunked(body), Transfer_Encoding="chunked")
    data += http(chunked(zlib.compress(body)), Transfer_Encoding="chunked", Content_Encoding="deflate")
    assert [PARAGRAPH.strip() in text for text in body_text(tmp_path, data)] == [True] * 3


def test_a_record_that_cannot_be_read_is_rejected_and_its_neighbours_are_kept(tmp_path):
    undecodable = b"\x81\x8d\x8f\x90\x9d\xff" * 20
    records = [
        wet("앞"),
        record("conversion", b"bad \xed\x95 text", 2),
        http(undecodable, "text/plain; charset=utf-8", number=3),
        wet("x" * 2000, 4),
        http(gzip.compress(b"<p>" + bytes(5000)), number=5, Content_Encoding="gzip"),
        http(b"not gzip", number=6, Content_Encoding="gzip"),
        wet("뒤", 7),
    ]
    found = blocks(put(tmp_path, "web/a.warc", b"".join(records)), ReadOptions(max_line_bytes=1000))
    assert [text for block in found for text in block.texts] == ["앞", "뒤"]
    assert [(bad.line, bad.reason) for block in found for bad in block.bad] == [
        (2, "invalid_utf8"),
        (3, "unknown_encoding"),
        (4, "document_too_long"),
        (5, "document_too_long"),
        (6, "broken_http"),
    ]
    sizes = {bad.line: (len(bad.raw), bad.num_bytes) for block in found for bad in block.bad}
    assert sizes[4] == (1000, 2000)


RECORDS = [wet(f"{n} " + PARAGRAPH * (n % 7), n) for n in range(300)]


@pytest.mark.parametrize("suffix", list(COMPRESS))
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_cut_file_keeps_its_whole_records_and_says_so(tmp_path, suffix, share):
    data = COMPRESS[suffix](b"".join(RECORDS), 20)
    path = put(tmp_path, f"web/a.wet{suffix}", data[: int(len(data) * share)])
    documents, bad = read(path)
    assert [reason for _, reason, _ in bad] == ["truncated_file"]
    assert [text for _, _, text, _, _ in documents] == [
        f"{n} " + PARAGRAPH * (n % 7) for n in range(len(documents))
    ]  # whole
    assert len(documents) > share * len(RECORDS) - 40
    with pytest.raises(BadInputError, match="truncated_file"):
        read(path, ReadOptions(on_bad_file="fail"))


@pytest.mark.parametrize("kind", ["conversion", "metadata"])
@pytest.mark.fault("broken input")
def test_a_cut_at_any_byte_of_an_uncompressed_record_is_noticed_unless_nothing_is_missing(tmp_path, kind):
    first, second = wet("하나"), record(kind, "둘".encode(), 2)
    for cut in range(1, len(second)):
        documents, bad = read(put(tmp_path, "web/a.wet", first + second[:cut]))
        whole = cut >= len(second) - 4  # only line ends are missing
        assert [text for _, _, text, _, _ in documents] == ["하나"] + ["둘"] * (whole and kind == "conversion")
        # What is left of a first line could as well be rubbish.
        assert [reason in ("truncated_file", "corrupt_file") for _, reason, _ in bad] == [True] * (not whole), cut


def test_rubbish_between_records_is_noticed(tmp_path):
    path = put(tmp_path, "web/a.warc", RECORDS[1] + b"<html>502 Bad Gateway</html>\r\n" * 9 + RECORDS[2])
    documents, bad = read(path)
    assert ([line for *_, line in documents], bad) == ([1, 3], [(2, "corrupt_file", 268)])
    documents, bad = read(put(tmp_path, "web/b.warc", b"<html>502 Bad Gateway</html>"))
    assert (documents, [reason for _, reason, _ in bad]) == ([], ["corrupt_file"])


def test_an_empty_file_holds_nothing(tmp_path):
    assert read(put(tmp_path, "web/a.warc.gz", b"")) == ([], [])
