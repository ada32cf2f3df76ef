"""Which files are found, to which source they belong, how they are grouped."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts import files
from pipelines.contracts.errors import BadInputError, UsageError
from pipelines.contracts.manifest import FileInfo, Manifest, write_manifest
from pipelines.raw.config import IGNORE
from pipelines.raw.inputs import MAX_TASKS, InputFile, find_inputs, group_tasks
from tests.pipelines.raw.raw_files import put

LINE = b'{"text": "x"}\n'


def names(inputs, ignore=IGNORE):
    return [(file.name, file.source) for file in find_inputs(inputs, ignore)]


def dataset(root, kind, *paths):
    infos = []
    for path in paths:
        put(root, path, LINE)
        infos.append(FileInfo(path=path, table=path.split("/")[0], rows=1, bytes=len(LINE), xxh3_128=""))
    manifest = {"kind": kind, "stage": "s", "fingerprint": "", "inputs": {}, "config": {}, "code_version": ""}
    write_manifest(str(root), Manifest(**manifest, files=tuple(infos)))


def test_in_a_folder_the_first_folder_below_names_the_source(root):
    for name in ("raw/news/2024/a.jsonl", "raw/news/b.jsonl.gz", "raw/talk/c.txt.zst", "raw/d.parquet"):
        put(root, name, LINE)
    expected = [
        ("2024/a.jsonl", "news"),
        ("news/b.jsonl.gz", "news"),
        ("raw/d.parquet", "raw"),
        ("talk/c.txt.zst", "talk"),
    ]
    assert sorted(names([files.join(root, "raw")])) == expected


def test_a_file_belongs_to_its_folder_and_a_glob_to_what_follows_its_fixed_part(root):
    a, b = put(root, "raw/news/a.jsonl", LINE), put(root, "raw/talk/b.jsonl", LINE)
    assert names([a, b]) == [("news/a.jsonl", "news"), ("talk/b.jsonl", "talk")]
    assert names([files.join(root, "raw/*/*.jsonl")]) == [("news/a.jsonl", "news"), ("talk/b.jsonl", "talk")]
    assert names([files.join(root, "raw/news/*.jsonl")]) == [("news/a.jsonl", "news")]


def test_order_and_repetition_of_the_arguments_do_not_matter(root):
    inputs = [put(root, f"raw/s{n}/deep/p{n}.jsonl", LINE) for n in range(4)]
    inputs += [files.join(root, "raw"), files.join(root, "raw/s1/"), files.join(root, "raw/*/deep/*.jsonl")]
    expected = find_inputs(inputs)
    assert [file.source for file in expected] == ["s0", "s1", "s2", "s3"]  # by the outermost folder, not "deep"
    for seed in range(5):
        shuffled = random.Random(seed).sample(inputs * 2, len(inputs) * 2)
        assert find_inputs(shuffled) == expected


def test_two_spellings_of_a_path_are_one_file(tmp_path, monkeypatch):
    path = put(tmp_path, "news/a.jsonl", LINE)
    monkeypatch.chdir(tmp_path)
    assert [file.path for file in find_inputs([path, "news/a.jsonl", "./news/a.jsonl", f"file://{path}"])] == [path]


def test_format_compression_and_size_come_with_the_file(root):
    path = put(root, "news/a.json.gz", LINE)
    [file] = find_inputs([path])
    assert (file.name, file.source, file.format, file.compression) == ("news/a.json.gz", "news", "jsonl", "gz")
    assert file.bytes == len(LINE) == len(files.read_bytes(file.path))


def test_an_unknown_extension_is_a_usage_error(root):
    put(root, "raw/a.jsonl", LINE)
    path = put(root, "raw/b.csv", LINE)
    for given_input in (path, files.join(root, "raw"), files.join(root, "raw/*")):
        with pytest.raises(UsageError, match=r"b\.csv.*\.jsonl\.zst"):
            find_inputs([given_input])


def test_ignored_and_hidden_files_are_passed_over_in_folders_only(root):
    for name in ("a.jsonl", "README.txt", ".hidden.jsonl", ".git/x.jsonl", "_tmp/x.jsonl", "b.csv"):
        put(root, f"raw/{name}", LINE)
    ignore = ("README*", "*.csv")
    assert names([files.join(root, "raw")], ignore) == [("raw/a.jsonl", "raw")]
    assert names([files.join(root, "raw/*")], ignore) == [("raw/a.jsonl", "raw")]
    assert names([files.join(root, "raw/README.txt")], ignore) == [("raw/README.txt", "raw")]


def test_nothing_found_names_the_pattern(root):
    put(root, "raw/README.md", b"")
    for given_input in ("nowhere/*.jsonl", "nowhere.jsonl", "raw"):
        with pytest.raises(BadInputError, match=given_input.replace("*", r"\*")):
            find_inputs([files.join(root, given_input)])


def test_of_a_dataset_folder_only_the_documents_are_read(root):
    dataset(files.join(root, "set"), "raw", "data/news/a.jsonl", "data/b.jsonl", "truth/t.jsonl")
    put(root, "set/report.json", b"{}")
    put(root, "loose/c.jsonl", LINE)
    expected = [("data/b.jsonl", "data"), ("news/a.jsonl", "news")]
    assert names([files.join(root, "set")]) == expected
    assert names([root]) == [("loose/c.jsonl", "loose"), *expected]


def test_a_dataset_folder_without_documents_or_an_unfinished_one_is_refused(root):
    dataset(files.join(root, "words"), "words", "data/a.jsonl")
    with pytest.raises(BadInputError, match="holds words"):
        find_inputs([files.join(root, "words")])
    put(root, "half/_work/.stage", b"clean")
    put(root, "half/data/a.jsonl", LINE)
    with pytest.raises(BadInputError, match="unfinished"):
        find_inputs([files.join(root, "half")])


TASK_BYTES = 8 << 20
sizes = st.lists(st.integers(0, 2 * TASK_BYTES), max_size=40)


@given(sizes)
def test_tasks_hold_every_file_once_in_order_and_none_is_needlessly_small(stored):
    inputs = [InputFile(f"{n:05d}.jsonl", "s", "jsonl", "", size) for n, size in enumerate(stored)]
    tasks = group_tasks(inputs, TASK_BYTES)
    assert [file for task in tasks for file in task.files] == inputs
    assert all(task.bytes <= TASK_BYTES or len(task.files) == 1 for task in tasks)
    assert all(one.bytes + two.files[0].bytes > TASK_BYTES for one, two in itertools.pairwise(tasks))


def test_the_number_of_tasks_is_bounded():
    inputs = [InputFile(f"{n:06d}.jsonl", "s", "jsonl", "", TASK_BYTES) for n in range(3 * MAX_TASKS)]
    assert len(group_tasks(inputs, TASK_BYTES)) <= MAX_TASKS
