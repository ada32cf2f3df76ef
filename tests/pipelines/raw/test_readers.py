"""Every format gives back what was written, whatever the compression, its frames, and the size of blocks."""

import datetime
import decimal

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.schemas import DOCUMENTS
from malmoi_pipelines.raw.config import ReadOptions
from malmoi_pipelines.raw.lines import cut_lines
from malmoi_pipelines.raw.rows import RAW_BYTES, derived_id

from tests.conftest import make_documents
from tests.pipelines.raw.raw_files import COMPRESS, arrow, blocks, gz, jsonl, parquet, put, read, texts, zstd
from tests.strategies import texts as text_strategy

extra = st.dictionaries(
    st.text(max_size=5).filter(lambda k: k not in ("id", "source", "text")), st.integers(0, 9), max_size=3
)
records = st.lists(st.tuples(text_strategy, extra), max_size=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("raw")


@pytest.mark.parametrize("suffix", list(COMPRESS))
@settings(max_examples=60)
@given(rows=records, parts=st.integers(1, 7), block_bytes=st.integers(1, 300))
def test_json_lines_round_trip(folder, suffix, rows, parts, block_bytes):
    data = jsonl({"id": f"n{n}", "text": text, **meta} for n, (text, meta) in enumerate(rows))
    path = put(folder, f"news/a.jsonl{suffix}", COMPRESS[suffix](data, parts))
    documents, bad = read(path, block_bytes=block_bytes)
    assert bad == []
    assert [(i, s, t) for i, s, t, _, _ in documents] == [(f"n{n}", "news", text) for n, (text, _) in enumerate(rows)]
    assert [orjson.loads(m) if m else {} for _, _, _, m, _ in documents] == [meta for _, meta in rows]
    assert [line for *_, line in documents] == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("suffix", list(COMPRESS))
def test_plain_text_has_a_document_a_line_and_blank_lines_only_separate(tmp_path, suffix):
    data = "\ufeff첫째 줄\r\n\n\r\n   \n둘째 줄".encode()
    path = put(tmp_path, f"talk/a.txt{suffix}", COMPRESS[suffix](data, 3))
    documents, bad = read(path)
    assert [(text, line) for _, _, text, _, line in documents] == [("첫째 줄", 1), ("   ", 4), ("둘째 줄", 5)]
    assert [i for i, *_ in documents] == [derived_id("talk", text) for text in ("첫째 줄", "   ", "둘째 줄")]
    assert bad == []


MARK = b"\xef\xbb\xbf"


@given(
    data=st.lists(st.sampled_from([b"", b"a", b"bb", b"\n", b"cc\n", b"d" * 9, MARK]), max_size=30).map(b"".join),
    step=st.integers(1, 12),
    block_bytes=st.integers(1, 20),
    limit=st.integers(1, 20),
)
def test_blocks_do_not_depend_on_how_the_stream_is_cut(data, step, block_bytes, limit):
    chunks = [data[start : start + step] for start in range(0, len(data), step)]
    found = list(cut_lines(chunks, block_bytes, limit))
    whole = list(cut_lines([data], block_bytes, limit))
    assert [(b.first, len(b.lines)) for b in found] == [(b.first, len(b.lines)) for b in whole]
    # The size of every line is known, and those within the limit are whole.
    sizes = [len(line) + (b.lost if line is b.lines[-1] else 0) for b in found for line in b.lines]
    expected = data.removeprefix(MARK).split(b"\n")
    assert sizes == [len(line) for line in expected[: len(sizes)]]
    assert expected[len(sizes) :] in ([], [b""])
    held = [line for b in found for line in b.lines]
    assert all(a == b for a, b in zip(held, expected, strict=False) if len(b) <= limit)


def test_a_stream_is_held_only_up_to_the_longest_line():
    longest = 0

    def chunks():
        nonlocal longest
        for _ in range(1000):
            yield b"x" * 1000
        yield b"\nend\n"

    for block in cut_lines(chunks(), 100, 5000):
        longest = max(longest, *map(len, block.lines))
    assert longest <= 100 + 5000


def test_ids_sources_and_other_fields(tmp_path):
    rows = [
        {"id": 7, "source": "web", "text": "가", "b": 1, "a": {"z": None, "y": "나"}},
        {"text": "가"},
        {"id": "", "source": "", "text": "가"},
        {"id": None, "source": None, "text": "가"},
        {"source": "web", "text": "가"},
    ]
    documents, _ = read(put(tmp_path, "news/a.jsonl", jsonl(rows)))
    own = derived_id("news", "가")
    assert [row[:2] for row in documents] == [
        ("7", "web"), (own, "news"), (own, "news"), (own, "news"), (derived_id("web", "가"), "web")
    ]  # fmt: skip
    assert [row[3] for row in documents] == ['{"a":{"y":"나","z":null},"b":1}', None, None, None, None]
    assert own == "7e53a30d31301e5c76587d83f8491897"  # ids must not change between versions


def test_fields_may_have_other_names(tmp_path):
    path = put(tmp_path, "news/a.jsonl", jsonl([{"doc": "x", "site": "web", "body": "가", "text": "summary"}]))
    config = ReadOptions(columns={"text": "body", "id": "doc", "source": "site"})
    assert read(path, config)[0] == [("x", "web", "가", '{"text":"summary"}', 1)]
    assert read(path, ReadOptions(columns={"text": "body", "id": "doc", "source": None}))[0][0][1] == "news"


BAD = {
    b'{"text": "\xed\x95"}': "invalid_utf8",
    b'{"text": "cut': "broken_json",
    b'["text"]': "not_an_object",
    b"null": "not_an_object",
    b'{"body": "x"}': "missing_text",
    b'{"text": null}': "missing_text",
    b'{"text": ["x", 1]}': "text_not_a_string",
    b'{"text": "x", "id": [1]}': "bad_id",
    b'{"text": "x", "id": true}': "bad_id",
    b'{"text": "x", "source": 3}': "bad_source",
    b'{"text": "%s"}' % (b"x" * 300): "line_too_long",
}


@pytest.mark.parametrize("block_bytes", [1, 50, 1 << 20])
def test_a_bad_line_is_named_and_its_neighbours_are_kept(tmp_path, block_bytes):
    good = b'{"text": "good"}'
    lines = [line for bad in BAD for line in (good, bad)] + [good]
    path = put(tmp_path, "news/a.jsonl", b"\n".join(lines))
    documents, bad = read(path, ReadOptions(max_line_bytes=200), block_bytes)
    assert len(documents) == len(BAD) + 1
    assert sorted(bad) == [(2 * n + 2, reason, len(line)) for n, (line, reason) in enumerate(BAD.items())]


def test_a_bad_line_keeps_its_bytes_up_to_a_megabyte(tmp_path):
    line = b"{" * (RAW_BYTES + 5)
    found = blocks(put(tmp_path, "a.jsonl", line + b"\n{short"))
    bad = [(bad.raw, bad.num_bytes) for block in found for bad in block.bad]
    assert bad == [(line[:RAW_BYTES], len(line)), (b"{short", 6)]


def test_text_lines_that_are_not_utf8_are_rejected(tmp_path):
    documents, bad = read(put(tmp_path, "a.txt", "좋다\n".encode() + "나쁘다".encode("cp949") + b"\n"))
    assert (len(documents), bad) == (1, [(2, "invalid_utf8", 6)])


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.txt.zst", "a.parquet"])
def test_a_file_of_zero_bytes_is_empty(tmp_path, name):
    assert read(put(tmp_path, name, b"")) == ([], [])


# Large and irregular enough for several zstd blocks: less than a block cannot be read.
LINES = [orjson.dumps({"id": str(n), "text": "문서 " + derived_id("", str(n)) * (n % 9)}) for n in range(4000)]
DATA = b"\n".join(LINES)


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".bz2", ".xz"])
@pytest.mark.parametrize("parts", [1, 5])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9, 1])
def test_a_cut_file_keeps_what_is_before_the_cut_and_says_so(tmp_path, suffix, parts, share):
    data = COMPRESS[suffix](DATA + b"\n", parts)
    cut = min(int(len(data) * share), len(data) - 1)  # for 1: only the last byte is gone
    documents, bad = read(put(tmp_path, f"a.jsonl{suffix}", data[:cut]))
    assert [i for i, *_ in documents] == [str(n) for n in range(len(documents))]
    [(line, reason, num_bytes)] = bad
    assert (line, reason) == (len(documents) + 1, "truncated_file")
    assert len(documents) >= (share - 0.3) * len(LINES)
    assert num_bytes == 0 or num_bytes < len(LINES[len(documents)])


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".bz2", ".xz"])
@pytest.mark.fault("broken input")
def test_damage_inside_a_later_part_keeps_the_earlier_parts(tmp_path, suffix):
    half = jsonl({"text": f"문서 {n}"} for n in range(50))
    second = bytearray(COMPRESS[suffix](half))
    second[len(second) // 2] ^= 0xFF
    second[-5] ^= 0xFF  # the checksum, where there is one
    documents, bad = read(put(tmp_path, f"a.jsonl{suffix}", COMPRESS[suffix](half) + bytes(second)))
    assert len(documents) >= 50
    assert [reason for _, reason, _ in bad if reason.endswith("_file")] in (["corrupt_file"], ["truncated_file"])


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".bz2", ".xz"])
def test_rubbish_behind_a_compressed_file_is_noticed(tmp_path, suffix):
    data = COMPRESS[suffix](DATA) + b"<html>502 Bad Gateway</html>"
    documents, bad = read(put(tmp_path, f"a.jsonl{suffix}", data))
    assert (len(documents), [reason for _, reason, _ in bad]) == (len(LINES) - 1, ["corrupt_file"])


def test_skippable_frames_and_long_windows_are_legal_zstd(tmp_path):
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"meta"
    parameters = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    frame = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = skippable + zstd(DATA + b"\n") + skippable + frame.compress(DATA) + frame.flush()
    documents, bad = read(put(tmp_path, "a.jsonl.zst", data))
    assert (len(documents), bad) == (2 * len(LINES), [])


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst", "a.parquet"])
@pytest.mark.fault("broken input")
def test_a_damaged_file_stops_the_stage_if_asked(tmp_path, name):
    data = {"gz": gz, "zst": zstd, "parquet": lambda _: parquet(pa.table({"text": ["x"]}))}[name.rpartition(".")[2]](
        DATA
    )
    path = put(tmp_path, name, data[:-4])
    with pytest.raises(BadInputError, match=f"{name} is damaged"):
        read(path, ReadOptions(on_bad_file="fail"))
    assert [reason for _, reason, _ in read(path)[1]] in (["truncated_file"], ["corrupt_file"])


@settings(max_examples=30)
@given(rows=records, group=st.integers(1, 9), block_bytes=st.integers(1, 300))
def test_parquet_round_trip(folder, rows, group, block_bytes):
    table = pa.table({"id": [f"n{n}" for n in range(len(rows))], "text": pa.array([t for t, _ in rows], pa.string())})
    path = put(folder, "news/a.parquet", parquet(table, row_group_size=group))
    expected = [(f"n{n}", "news", text, None, n + 1) for n, (text, _) in enumerate(rows)]
    assert read(path, block_bytes=block_bytes) == (expected, [])


def test_parquet_columns_of_any_type_go_to_meta(tmp_path):
    table = pa.table(
        {
            "id": [1, 2, None],
            "text": pa.array(["가", None, "나"]).dictionary_encode(),
            "when": [datetime.date(2024, 1, 2)] * 3,
            "price": [decimal.Decimal("1.50")] * 3,
            "hash": [b"\x01\xff"] * 3,
            "tags": [["b", "a"]] * 3,
        }
    )
    documents, bad = read(put(tmp_path, "shop/a.parquet", parquet(table)))
    meta = '{"hash":"01ff","price":"1.50","tags":["b","a"],"when":"2024-01-02"}'
    assert documents == [("1", "shop", "가", meta, 1), (derived_id("shop", "나"), "shop", "나", meta, 3)]
    assert [(line, reason) for line, reason, _ in bad] == [(2, "missing_text")]


def test_parquet_text_that_is_not_utf8_is_rejected(tmp_path):
    column = pa.array([b"good", b"bad \xff", b"fine"]).view(pa.string())
    documents, bad = read(put(tmp_path, "a.parquet", parquet(pa.table({"text": column}))))
    assert ([text for _, _, text, _, _ in documents], bad) == (["good", "fine"], [(2, "invalid_utf8", 0)])


def test_a_parquet_file_without_the_text_column_names_it(tmp_path):
    path = put(tmp_path, "a.parquet", parquet(pa.table({"body": ["x"]})))
    with pytest.raises(BadInputError, match=r"no column 'text'.*body"):
        read(path)
    assert texts(path, ReadOptions(columns={"text": "body"})) == ["x"]


@pytest.mark.fault("broken input")
def test_each_row_of_a_damaged_row_group_is_a_failure(tmp_path):
    table = pa.table({"text": [f"문서 {n} " + "가나다" * 50 for n in range(300)]})
    data = bytearray(parquet(table, row_group_size=100, compression="zstd", use_dictionary=False))
    offset = pq.read_metadata(pa.BufferReader(bytes(data))).row_group(1).column(0).data_page_offset
    data[offset : offset + 200] = b"\xff" * 200
    path = put(tmp_path, "a.parquet", bytes(data))
    documents, bad = read(path)
    assert [line for *_, line in documents] == [*range(1, 101), *range(201, 301)]
    assert bad == [(line, "corrupt_file", 0) for line in range(101, 201)]
    with pytest.raises(BadInputError, match=r"a\.parquet is damaged"):
        read(path, ReadOptions(on_bad_file="fail"))


def test_documents_of_a_dataset_folder_pass_with_their_meta(tmp_path):
    batch = make_documents([("x", "web", "가")]).set_column(3, DOCUMENTS.schema.field("meta"), pa.array(['{"a":1}']))
    path = put(tmp_path, "data/a.parquet", parquet(pa.Table.from_batches([batch])))
    assert read(path)[0] == [("x", "web", "가", '{"a":1}', 1)]


@pytest.mark.long
def test_a_document_of_a_hundred_megabytes_is_read(tmp_path):
    text = "가나다라마" * (100_000_000 // 15)
    assert texts(put(tmp_path, "a.jsonl.zst", zstd(jsonl([{"text": text}, {"text": "b"}])))) == [text, "b"]


@pytest.mark.parametrize("suffix", list(COMPRESS))
def test_a_text_file_may_be_one_document(tmp_path, suffix):
    text = "첫째 줄\r\n\n둘째 줄\n"
    path = put(tmp_path, f"novels/a.txt{suffix}", COMPRESS[suffix](("\ufeff" + text).encode(), 3))
    whole = ReadOptions(document="file")
    assert read(path, whole) == ([(derived_id("novels", text), "novels", text, None, 1)], [])
    limit = len(text.encode())
    assert texts(path, ReadOptions(document="file", max_line_bytes=limit)) == [text]
    assert read(path, ReadOptions(document="file", max_line_bytes=limit - 1)) == (
        [],
        [(1, "document_too_long", limit)],
    )


def test_a_text_file_that_cannot_be_one_document_is_rejected_whole(tmp_path):
    whole = ReadOptions(document="file", max_line_bytes=100)
    assert read(put(tmp_path, "empty.txt", b""), whole) == ([], [])
    assert read(put(tmp_path, "old.txt", "옛 글\n".encode("cp949")), whole)[1] == [(1, "invalid_utf8", 6)]
    data = gz(DATA)
    [bad] = [bad for block in blocks(put(tmp_path, "cut.txt.gz", data[: len(data) // 2]), whole) for bad in block.bad]
    assert (bad.line, bad.reason, bad.raw) == (1, "truncated_file", DATA[:100])
    assert 1000 < bad.num_bytes < len(DATA)


def test_an_unknown_name_is_read_as_the_format_that_is_given(tmp_path):
    put(tmp_path, "raw/logs/part-00000", jsonl([{"text": "가"}]))
    put(tmp_path, "raw/logs/part-00001.gz", gz(jsonl([{"text": "나"}])))
    assert texts(tmp_path / "raw", ReadOptions(format="jsonl")) == ["가", "나"]


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_an_id_that_is_nan_is_none(tmp_path, form):
    table = pa.table({"id": [1.5, float("nan"), None], "text": ["가", "나", "다"]})
    documents, bad = read(put(tmp_path, f"news/a.{form}", {"parquet": parquet, "arrow": arrow}[form](table)))
    assert bad == []
    assert [i for i, *_ in documents] == ["1.5", derived_id("news", "나"), derived_id("news", "다")]
