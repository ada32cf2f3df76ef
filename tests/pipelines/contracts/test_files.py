import pytest
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError


def fail_while_writing(path, data):
    with files.atomic_write(path) as file:
        file.write(data)
        raise RuntimeError


@pytest.mark.fault("full disk")
def test_a_write_that_fails_leaves_nothing(root):
    path = files.join(root, "deep", "file.bin")
    with pytest.raises(RuntimeError):
        fail_while_writing(path, b"half")
    assert not files.exists(path)
    assert not files.exists(files.join(root, "deep")) or files.list_files(files.join(root, "deep")) == []


@pytest.mark.fault("full disk")
def test_a_write_that_fails_locally_keeps_the_old_file(tmp_path):
    path = str(tmp_path / "file")
    files.write_bytes(path, b"old")
    with pytest.raises(RuntimeError):
        fail_while_writing(path, b"new")
    assert files.read_bytes(path) == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_hash_is_that_of_the_file(root):
    path = files.join(root, "x")
    with files.atomic_write(path) as file:
        file.write(b"abc")
        file.write(memoryview(b"def"))
    assert (file.xxh3_128, file.bytes) == (files.hash_file(path), 6)


def test_listing_is_sorted_recursive_and_leaves_hidden_files_out(root):
    for name in ("b/2", "a", "b/1", ".hidden", "_success"):
        files.write_bytes(files.join(root, *name.split("/")), b"")
    names = [path.rsplit("/", 1)[-1] for path in files.list_files(root)]
    assert names == ["a", "1", "2"]


def test_a_missing_file_is_bad_input(root):
    with pytest.raises(BadInputError, match="cannot read"):
        files.read_bytes(files.join(root, "none"))
