"""CSV and TSV: quoting, headers, and rows that are none."""

import csv
import io
import time

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts.config import parse_config
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.raw.config import ReadOptions

from tests.pipelines.raw.raw_files import COMPRESS, blocks, put, read, texts
from tests.strategies import texts as text_strategy


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("delimited")


fields = st.one_of(text_strategy, st.sampled_from(['"', '""', ",", "\t", "\r\n", "\n", 'a"b', "", " "]))
unquoted = text_strategy.map(lambda text: "".join(c for c in text if c not in "\t\r\n"))


def written(rows, **options):
    sink = io.StringIO(newline="")
    csv.writer(sink, **options).writerows(rows)
    return sink.getvalue().encode()


@pytest.mark.long
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@settings(max_examples=150)
@given(rows=st.lists(st.tuples(fields, fields), max_size=12), block_bytes=st.integers(1, 200))
def test_what_a_csv_writer_quotes_is_read_back(folder, end, rows, block_bytes):
    data = written([("text", "page"), *rows], lineterminator=end, quoting=csv.QUOTE_ALL)
    documents, bad = read(put(folder, "news/a.csv", data), block_bytes=block_bytes)
    assert bad == []
    assert [(text, orjson.loads(meta)["page"]) for _, _, text, meta, _ in documents] == rows
    assert [line for *_, line in documents] == list(range(2, len(rows) + 2))


@pytest.mark.long
@settings(max_examples=150)
@given(rows=st.lists(st.tuples(st.just("x"), unquoted), max_size=12), final=st.booleans())
def test_tsv_without_quoting_takes_every_character_as_it_is(folder, rows, final):
    data = "\n".join("\t".join(row) for row in [("key", "text"), *rows]).encode() + (b"\n" if final else b"")
    documents, bad = read(put(folder, "news/a.tsv", data), ReadOptions(columns={"id": None}))
    assert bad == []
    assert [text for _, _, text, _, _ in documents] == [text for _, text in rows]


def test_a_field_that_begins_with_a_bare_quote_needs_quoting_off(tmp_path):
    # As in KOBEST BoolQ: read with quoting, the two rows would run together.
    data = 'ID\tText\tLabel\r\n1\t"무서운 이야기\tTRUE\r\n2\t그 책은 "금서"이다\tFalse'.encode()
    options = {"columns": {"text": "Text", "id": "ID"}}
    path = put(tmp_path, "boolq/a.tsv", data)
    documents, bad = read(path, ReadOptions(**options))
    assert documents == [
        ("1", "boolq", '"무서운 이야기', '{"Label":"TRUE"}', 2),
        ("2", "boolq", '그 책은 "금서"이다', '{"Label":"False"}', 3),
    ]
    assert bad == []
    # As in KOBEST HellaSwag: doubled quotes need quoting on.
    path = put(tmp_path, "swag/a.tsv", '"Text"\tLabel\n"그는 ""네""라고\n했다"\t3\n'.encode())
    assert texts(path, ReadOptions(quoted=True, **options)) == ['그는 "네"라고\n했다']


def test_ids_sources_meta_and_blank_lines(tmp_path):
    data = "\ufeff\nid,source,text,쪽,b\n7,web,가,3,\n\n,,나,4,x\n".encode()
    documents, bad = read(put(tmp_path, "news/a.csv", data))
    assert [row[1:] for row in documents] == [
        ("web", "가", '{"b":"","쪽":"3"}', 3),
        ("news", "나", '{"b":"x","쪽":"4"}', 5),
    ]
    assert (documents[0][0], bad) == ("7", [])
    options = ReadOptions(columns={"meta": {"page": "쪽"}})
    assert [meta for _, _, _, meta, _ in read(put(tmp_path, "news/a.csv", data), options)[0]] == [
        '{"page":"3"}',
        '{"page":"4"}',
    ]


@pytest.mark.parametrize("suffix", list(COMPRESS))
def test_names_can_be_given_where_no_row_has_them(tmp_path, suffix):
    path = put(tmp_path, f"news/a.csv{suffix}", COMPRESS[suffix]("1,가\n2,나\n".encode()))
    documents, bad = read(path, ReadOptions(header=["id", "text"]))
    assert ([(i, text, line) for i, _, text, _, line in documents], bad) == ([("1", "가", 1), ("2", "나", 2)], [])


def test_a_bad_row_is_named_shown_and_its_neighbours_are_kept(tmp_path):
    rows = {
        b"a,b": None,
        b"one": "wrong_fields",
        b"a,b,c": "wrong_fields",
        b"bad \xed\x95,b": "invalid_utf8",
        b'"bad\n\xff\nrow",b': "invalid_utf8",
        b"x" * 300 + b",b": "line_too_long",
        b"ab\rc,d": "broken_row",
        b"c,d": None,
    }
    data = b"text,page\n" + b"\n".join(rows)
    found = blocks(put(tmp_path, "news/a.csv", data), ReadOptions(max_line_bytes=200))
    assert [text for block in found for text in block.texts] == ["a", "c"]
    assert [(bad.line, bad.reason, bad.raw, bad.num_bytes) for block in found for bad in block.bad] == [
        (number, reason, row[:200], len(row)) for number, (row, reason) in enumerate(rows.items(), 2) if reason
    ]


def test_a_stray_quote_costs_its_line_only(tmp_path):
    lines = [b"text,page", *(b"doc %d,1" % n for n in range(50))]
    lines[10] = b'"stray,1'
    documents, bad = read(put(tmp_path, "a.csv", b"\n".join(lines)))
    assert len(documents) == 49
    assert bad == [(11, "unclosed_quote", len(lines[10]))]


def test_an_unclosed_quote_is_searched_no_further_than_a_row_may_be(tmp_path):
    lines = [b"text,page", b'"stray,1', *(b"doc %d,1" % n for n in range(20_000)), b'"quoted, and closed",2']
    path = put(tmp_path, "a.csv", b"\n".join(lines))
    documents, bad = read(path, ReadOptions(max_line_bytes=1000))
    assert (len(documents), bad) == (20_001, [(2, "unclosed_quote", 8)])
    # Within the limit the quote is closed by the next one, as CSV has it, and text follows: all lines of it are lost.
    documents, bad = read(path)
    assert (documents, len(bad), {reason for _, reason, _ in bad}) == ([], 20_002, {"broken_row"})


def test_many_stray_quotes_take_no_more_than_linear_time(tmp_path):
    # Each line opens a quote that no later line closes: searching behind each would take the square of the lines.
    path = put(tmp_path, "a.csv", b"text,page\n" + b'x"y,"z\n' * 30_000)
    started = time.process_time()
    documents, bad = read(path)
    assert (len(documents), len(bad)) == (0, 30_000)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("name", ["a.csv.gz", "a.tsv.zst"])
def test_a_cut_file_keeps_its_rows_and_says_so(tmp_path, name):
    rows = b"".join(b"%d,%d,%d\n" % (n, n * 7919 % 10007, n * 104729 % 10009) for n in range(50_000))
    if name.startswith("a.tsv"):
        rows = rows.replace(b",", b"\t")
    stored = COMPRESS["." + name.rpartition(".")[2]](rows)
    path = put(tmp_path, name, stored[: len(stored) // 2])
    options = {"header": ["id", "text", "page"]}
    documents, bad = read(path, ReadOptions(**options))
    assert 10_000 < len(documents) < 40_000
    assert [(line, reason) for line, reason, _ in bad] == [(len(documents) + 1, "truncated_file")]
    with pytest.raises(BadInputError, match="is damaged"):
        read(path, ReadOptions(on_bad_file="fail", **options))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"body,page\n", "no column 'text'.*body, page"),
        (b"text,page,page\n", "same name"),
        (b"text,\xff\n", "header row cannot be read .invalid_utf8"),
        (b'"text,page\na,b\n', "header row cannot be read .unclosed_quote"),
    ],
)
def test_a_header_that_cannot_be_used_is_an_error(tmp_path, data, message):
    with pytest.raises(BadInputError, match=message):
        read(put(tmp_path, "a.csv", data))
    with pytest.raises(BadInputError, match="no column 'text'"):
        read(put(tmp_path, "a.csv", data), ReadOptions(header=["x"]))


def test_two_columns_cannot_be_given_the_same_name():
    with pytest.raises(UsageError, match=r"header.*each column needs a name of its own"):
        parse_config(ReadOptions, {"header": ["text", "text"]}, "--set")


@pytest.mark.parametrize("data", [b"", b"\n\n", b"text,page\n", b"text,page"])
def test_a_file_without_rows_holds_no_documents(tmp_path, data):
    assert read(put(tmp_path, "a.csv", data)) == ([], [])


def test_a_field_longer_than_the_default_of_python_is_read(tmp_path):
    assert texts(put(tmp_path, "a.csv", b'text\n"' + b"x\n" * 500_000 + b'"\n')) == ["x\n" * 500_000]


# A text with quotes, as Spark and MySQL write it: escaped, not doubled.
ESCAPED = r"""text,page
"그는 \"안녕하세요\" 라고 말했다",1
"줄바꿈이 있는 \"인용\" 글이고
둘째 줄이다, 쉼표도 있다",2
끝에 오는 문장이다,3
""".encode()


def test_quotes_that_are_escaped_are_read_where_the_setting_says_so(tmp_path):
    path = put(tmp_path, "a.csv", ESCAPED)
    documents, bad = read(path, ReadOptions(escape="\\"))
    assert [document[2] for document in documents] == [
        '그는 "안녕하세요" 라고 말했다',
        '줄바꿈이 있는 "인용" 글이고\n둘째 줄이다, 쉼표도 있다',
        "끝에 오는 문장이다",
    ]
    assert bad == []


def test_quotes_that_are_escaped_are_rejects_where_nobody_said_so(tmp_path):
    documents, bad = read(put(tmp_path, "a.csv", ESCAPED))
    assert [document[2] for document in documents][-1] == "끝에 오는 문장이다"
    assert len(bad) >= 2
    assert {reason for _, reason, _ in bad} <= {"broken_row", "wrong_fields"}


@given(st.lists(st.tuples(st.text('가a"\\,\n ', min_size=1), st.integers(0, 9)), min_size=1, max_size=6))
def test_what_a_writer_that_escapes_wrote_is_read_back(tmp_path_factory, rows):
    sink = io.StringIO()
    writer = csv.writer(sink, quoting=csv.QUOTE_ALL, escapechar="\\", doublequote=False, lineterminator="\n")
    writer.writerows([("text", "page"), *rows])
    path = put(tmp_path_factory.mktemp("csv"), "a.csv", sink.getvalue().encode())
    documents, bad = read(path, ReadOptions(escape="\\"))
    assert ([document[2] for document in documents], bad) == ([text for text, _ in rows], [])
