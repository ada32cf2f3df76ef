import gzip
import json

import fsspec
import pytest
import zstandard
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.pii.config import MaskConfig
from malmoi_pipelines.pii.mask_file import mask_file

CONFIG = MaskConfig()
LINES = [
    b'{"id": "a", "text": "\xec\xa0\x84\xed\x99\x94 010-1234-5678", "n": 1.0}\n',
    b"\n",
    b'{"text":"plain","id":7}\r\n',
    b'{"id": "b", "text": "x 900101-1234568", "u": "010-1234-5678"}\r\n',
    b"no json 010-1234-5678\n",
    b'{"text": "\xff\xfe 010-1234-5678 \xff"}\n',
    b'{"id": "010-1234-5678", "text": "last"}',
]
MASKED = [
    line.replace(b"010-1234-5678", b"<|tell|>").replace(b"900101-1234568", b"<|rrn|>") for line in LINES[:-1]
] + LINES[-1:]
COMPRESS = {
    ".jsonl": lambda data: data,
    ".jsonl.gz": lambda data: gzip.compress(data[:50]) + gzip.compress(data[50:]),
    ".jsonl.zst": lambda data: zstandard.compress(data[:50]) + zstandard.compress(data[50:]),
}
READ = {
    ".jsonl": lambda data: data,
    ".jsonl.gz": gzip.decompress,
    ".jsonl.zst": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


def write(path, data):
    with fsspec.open(path, "wb") as file:
        file.write(data)


def read(path):
    with fsspec.open(path, "rb") as file:
        return file.read()


@pytest.mark.parametrize("out", READ)
@pytest.mark.parametrize("extension", COMPRESS)
def test_every_line_stays_in_its_place_and_only_numbers_change(root, extension, out):
    write(f"{root}/in{extension}", COMPRESS[extension](b"".join(LINES)))
    counts = mask_file(f"{root}/in{extension}", f"{root}/deep/out{out}", CONFIG)
    assert READ[out](read(f"{root}/deep/out{out}")) == b"".join(MASKED)
    assert (counts.lines, counts.changed, counts.not_json, counts.invalid_utf8) == (7, 4, 1, 1)
    assert counts.masks == {("tell", "phone_mobile"): 4, ("rrn", "rrn_hyphen"): 1}
    assert counts.left == {("tell", "phone_mobile"): 1}
    assert counts.bytes == len(b"".join(LINES))


@pytest.mark.parametrize("out", READ)
def test_masking_again_changes_nothing_and_the_same_input_gives_the_same_bytes(tmp_path, out):
    write(f"{tmp_path}/in.jsonl", b"".join(LINES))
    for name in ("one", "two"):
        mask_file(f"{tmp_path}/in.jsonl", f"{tmp_path}/{name}{out}", CONFIG)
    assert read(f"{tmp_path}/one{out}") == read(f"{tmp_path}/two{out}")
    counts = mask_file(f"{tmp_path}/one{out}", f"{tmp_path}/again{out}", CONFIG)
    assert (counts.changed, counts.masks.total()) == (0, 0)
    assert read(f"{tmp_path}/one{out}") == read(f"{tmp_path}/again{out}")


def test_a_line_across_many_reads_is_one_line(tmp_path):
    line = json.dumps({"text": "가" * 2_000_000 + " 010-1234-5678"}, ensure_ascii=False).encode()
    write(f"{tmp_path}/in.jsonl", line + b"\n" + LINES[0])
    assert mask_file(f"{tmp_path}/in.jsonl", f"{tmp_path}/out.jsonl", CONFIG).lines == 2
    assert read(f"{tmp_path}/out.jsonl") == line.replace(b"010-1234-5678", b"<|tell|>") + b"\n" + MASKED[0]


def test_an_empty_file_gives_an_empty_file(tmp_path):
    write(f"{tmp_path}/in.jsonl", b"")
    assert mask_file(f"{tmp_path}/in.jsonl", f"{tmp_path}/out.jsonl", CONFIG).lines == 0
    assert read(f"{tmp_path}/out.jsonl") == b""


@pytest.mark.parametrize("extension", [".jsonl.gz", ".jsonl.zst"])
@pytest.mark.fault("broken input")
def test_a_damaged_file_is_an_error_and_leaves_nothing(root, extension):
    write(f"{root}/in{extension}", COMPRESS[extension](b"".join(LINES) * 50)[:-20])
    with pytest.raises(BadInputError, match="truncated_file"):
        mask_file(f"{root}/in{extension}", f"{root}/out.jsonl", CONFIG)
    assert not fsspec.core.url_to_fs(f"{root}/out.jsonl")[0].exists(f"{root}/out.jsonl")


def test_nothing_is_overwritten_unasked_and_never_the_input(tmp_path):
    write(f"{tmp_path}/in.jsonl", LINES[0])
    write(f"{tmp_path}/out.jsonl", b"mine")
    with pytest.raises(UsageError, match="exists"):
        mask_file(f"{tmp_path}/in.jsonl", f"{tmp_path}/out.jsonl", CONFIG)
    assert read(f"{tmp_path}/out.jsonl") == b"mine"
    mask_file(f"{tmp_path}/in.jsonl", f"{tmp_path}/out.jsonl", CONFIG, overwrite=True)
    assert read(f"{tmp_path}/out.jsonl") == MASKED[0]
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "in.jsonl")
    for same in ("in.jsonl", "./in.jsonl", "link.jsonl"):
        with pytest.raises(UsageError, match="same file"):
            mask_file(f"{tmp_path}/in.jsonl", f"{tmp_path}/{same}", CONFIG, overwrite=True)
    assert read(f"{tmp_path}/in.jsonl") == LINES[0]


@pytest.mark.parametrize(
    ("path", "out"), [("in.txt", "out.jsonl"), ("in.jsonl", "out.txt"), ("in.jsonl", "out.jsonl.bz2")]
)
def test_other_formats_are_refused(tmp_path, path, out):
    write(f"{tmp_path}/{path}", LINES[0])
    with pytest.raises(UsageError):
        mask_file(f"{tmp_path}/{path}", f"{tmp_path}/{out}", CONFIG)


def test_a_missing_file_is_bad_input(tmp_path):
    with pytest.raises(BadInputError, match="no file"):
        mask_file(f"{tmp_path}/none.jsonl", f"{tmp_path}/out.jsonl", CONFIG)


def test_options_have_their_effect(tmp_path):
    write(f"{tmp_path}/in.jsonl", b'{"id": "a@example.com", "text": "b@example.com"}\n')
    mask_file(f"{tmp_path}/in.jsonl", f"{tmp_path}/out.jsonl", MaskConfig(email=True, keep=("text",)))
    assert read(f"{tmp_path}/out.jsonl") == b'{"id": "<|email|>", "text": "b@example.com"}\n'
