"""Which files are found, to which source they belong, how they are grouped."""

import io
import itertools
import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, UsageError
from malmoi_pipelines.contracts.manifest import FileInfo, Manifest, write_manifest
from malmoi_pipelines.raw.config import IGNORE, ReadOptions
from malmoi_pipelines.raw.formats import kind_of
from malmoi_pipelines.raw.inputs import InputFile, find_inputs
from malmoi_pipelines.raw.tasks import MAX_TASKS, FilePart, plan_tasks

from tests.pipelines.raw.raw_files import put

LINE = b'{"text": "x"}\n'


def plain(_source):
    return ReadOptions()


def find(inputs, ignore=IGNORE, options_for=plain):
    return find_inputs(inputs, options_for, ignore=ignore)


def names(inputs, ignore=IGNORE):
    return [(file.name, file.source) for file in find(inputs, ignore).files]


def dataset(root, kind, *paths):
    infos = []
    for path in paths:
        put(root, path, LINE)
        infos.append(FileInfo(path=path, table=path.split("/")[0], rows=1, bytes=len(LINE), xxh3_128=""))
    manifest = {"kind": kind, "stage": "s", "fingerprint": "", "inputs": {}, "config": {}, "code": {"stage": ""}}
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
    expected = find(inputs)
    assert [file.source for file in expected.files] == ["s0", "s1", "s2", "s3"]  # by the outermost folder, not "deep"
    for seed in range(5):
        shuffled = random.Random(seed).sample(inputs * 2, len(inputs) * 2)
        assert find(shuffled) == expected


def test_two_spellings_of_a_path_are_one_file(tmp_path, monkeypatch):
    path = put(tmp_path, "news/a.jsonl", LINE)
    monkeypatch.chdir(tmp_path)
    assert [file.path for file in find([path, "news/a.jsonl", "./news/a.jsonl", f"file://{path}"]).files] == [path]


def test_format_compression_and_size_come_with_the_file(root):
    path = put(root, "news/a.json.gz", LINE)
    [file] = find([path]).files
    assert (file.name, file.source, file.format, file.compression) == ("news/a.json.gz", "news", "json", "gz")
    assert file.bytes == len(LINE) == len(files.read_bytes(file.path))


def test_an_unknown_extension_is_a_usage_error(root):
    put(root, "raw/a.jsonl", LINE)
    path = put(root, "raw/b.doc", LINE)
    for given_input in (path, files.join(root, "raw"), files.join(root, "raw/*")):
        with pytest.raises(UsageError, match=r"b\.doc.*\.jsonl.*\.zst"):
            find([given_input])


def test_ignored_and_hidden_files_are_passed_over_in_folders_only(root):
    for name in ("a.jsonl", "README.txt", ".hidden.jsonl", ".git/x.jsonl", "_tmp/x.jsonl", "b.csv"):
        put(root, f"raw/{name}", LINE)
    ignore = ("README*", "*.csv")
    assert names([files.join(root, "raw")], ignore) == [("raw/a.jsonl", "raw")]
    assert names([files.join(root, "raw/*")], ignore) == [("raw/a.jsonl", "raw")]
    assert names([files.join(root, "raw/README.txt")], ignore) == [("raw/README.txt", "raw")]


def test_nothing_found_names_the_pattern(root):
    put(root, "raw/README.md", b"")
    for given_input in ("nowhere/*.jsonl", "nowhere.jsonl"):
        with pytest.raises(UsageError, match="there is nothing at .*" + given_input.replace("*", r"\*")):
            find([files.join(root, given_input)])
    for given_input in ("raw", "raw/*"):  # all that is there is passed over
        with pytest.raises(BadInputError, match="no input found at .*" + given_input.replace("*", r"\*")):
            find([files.join(root, given_input)])


def test_of_a_dataset_folder_only_the_documents_are_read(root):
    dataset(files.join(root, "set"), "raw", "data/news/a.jsonl", "data/b.jsonl", "truth/t.jsonl")
    put(root, "set/report.json", b"{}")
    put(root, "loose/c.jsonl", LINE)
    expected = [("data/b.jsonl", "data"), ("news/a.jsonl", "news")]
    assert names([files.join(root, "set")]) == expected
    assert names([root]) == [("loose/c.jsonl", "loose"), *expected]


def test_a_dataset_folder_without_documents_or_an_unfinished_one_is_refused(root):
    dataset(files.join(root, "words"), "words", "data/a.jsonl")
    with pytest.raises(BadInputError, match="of raw or documents or corpus: it holds words"):
        find([files.join(root, "words")])
    put(root, "half/_work/.stage", b"clean")
    put(root, "half/data/a.jsonl", LINE)
    with pytest.raises(BadInputError, match="half is not a finished dataset folder of"):
        find([files.join(root, "half")])


def test_an_unfinished_dataset_folder_is_refused_wherever_it_lies(root):
    put(root, "big/a/x.jsonl", LINE)
    put(root, "big/.old/docs/_work/.stage", b"clean")  # hidden: not read
    dataset(files.join(root, "big/done"), "raw", "data/a.jsonl")
    put(root, "big/done/_work/.stage", b"clean")  # has a manifest, which is written last
    assert names([files.join(root, "big")]) == [("a/x.jsonl", "a"), ("data/a.jsonl", "data")]
    put(root, "big/b/docs/_work/.stage", b"clean")
    put(root, "big/b/docs/rejects/a.jsonl", LINE)
    with pytest.raises(BadInputError, match=r"big/b/docs is not a finished"):
        find([files.join(root, "big")])


TASK_BYTES = 8 << 20
sizes = st.lists(st.integers(0, 5 * TASK_BYTES), max_size=40)


def inputs_of(stored, extension="jsonl.gz"):
    form, compression = kind_of(f"a.{extension}", None)
    return [InputFile(f"{n:06d}.{extension}", "s", form, compression, size) for n, size in enumerate(stored)]


@given(sizes)
def test_tasks_hold_every_file_once_in_order_and_none_is_needlessly_small(stored):
    inputs = inputs_of(stored)
    tasks = plan_tasks(inputs, TASK_BYTES, plain)
    assert [part for task in tasks for part in task.parts] == [FilePart(file) for file in inputs]
    assert all(task.bytes <= TASK_BYTES or len(task.parts) == 1 for task in tasks)
    assert all(one.bytes + two.parts[0].file.bytes > TASK_BYTES for one, two in itertools.pairwise(tasks))


@given(sizes)
def test_large_files_of_lines_are_cut_and_the_parts_cover_them(stored):
    inputs = inputs_of(stored, "jsonl")
    tasks = plan_tasks(inputs, TASK_BYTES, plain)
    assert all(task.bytes <= TASK_BYTES for task in tasks)
    assert all(len(task.parts) == 1 for task in tasks if task.parts[0].of > 1)
    parts = [part for task in tasks for part in task.parts]
    assert list(dict.fromkeys(part.file for part in parts)) == inputs
    for file in inputs:
        own = [part for part in parts if part.file == file]
        assert [(part.number, part.of) for part in own] == [(n, len(own)) for n in range(len(own))]
        assert len(own) == max(1, -(-file.bytes // TASK_BYTES))
        borders = [own[0].first_byte, *(part.end_byte for part in own)]
        assert [part.first_byte for part in own] == borders[:-1]
        assert (borders[0], borders[-1]) == (0, file.bytes)


@pytest.mark.parametrize(
    ("extension", "options", "parts"),
    [
        ("jsonl", {}, 3),
        ("jsonl.zst", {}, 1),
        ("txt", {}, 3),
        ("txt", {"document": "file"}, 1),
        ("csv", {}, 1),
        ("tsv", {}, 1),
        ("warc", {}, 1),
        ("parquet", {}, 3),
    ],
)
def test_only_what_can_be_read_from_the_middle_is_cut(extension, options, parts):
    tasks = plan_tasks(inputs_of([250], extension), 100, lambda _: ReadOptions(**options))
    assert [part.of for task in tasks for part in task.parts] == [parts] * parts


@pytest.mark.parametrize(("writer", "parts"), [(pa.ipc.new_file, 2), (pa.ipc.new_stream, 1)])
def test_an_arrow_file_is_cut_and_an_arrow_stream_is_not(root, writer, parts):
    sink = io.BytesIO()
    with writer(sink, pa.schema({"text": pa.string()})):
        pass
    [file] = find([put(root, "news/a.arrow", sink.getvalue())]).files
    assert len(plan_tasks([file], -(-file.bytes // 2), plain)) == parts


def test_the_number_of_tasks_is_bounded():
    inputs = inputs_of([TASK_BYTES] * 3 * MAX_TASKS)
    assert len(plan_tasks(inputs, TASK_BYTES, plain)) <= MAX_TASKS
    assert len(plan_tasks(inputs_of([MAX_TASKS * TASK_BYTES * 3], "jsonl"), TASK_BYTES, plain)) <= MAX_TASKS


def test_a_given_source_replaces_the_folders_and_chooses_the_options(root):
    for name in ("raw/news/a.log", "raw/talk/b"):
        put(root, name, LINE)
    asked = []

    def options_for(source):
        asked.append(source)
        return ReadOptions(format="jsonl")

    found = find_inputs([files.join(root, "raw")], options_for, source="web")
    assert [(file.name, file.source, file.format) for file in found.files] == [
        ("news/a.log", "web", "jsonl"),
        ("talk/b", "web", "jsonl"),
    ]
    assert set(asked) == {"web"}


def test_an_override_names_the_format_and_the_name_still_tells_the_compression(root):
    put(root, "raw/logs/part-00000.gz", LINE)
    put(root, "raw/news/a.jsonl", LINE)
    options = {"logs": ReadOptions(format="text")}
    found = find_inputs([files.join(root, "raw")], lambda source: options.get(source, ReadOptions()))
    assert [(f.format, f.compression) for f in found.files] == [("text", "gz"), ("jsonl", "")]
    with pytest.raises(UsageError, match=r"parquet cannot be read inside \.gz"):
        find_inputs([files.join(root, "raw/logs")], lambda _: ReadOptions(format="parquet"))


def test_files_passed_over_are_counted_once(root):
    for name in ("a.jsonl", "README.md", ".hidden.jsonl", "_tmp/x.jsonl", "b.bak"):
        put(root, f"raw/{name}", LINE)
    folder = files.join(root, "raw")
    assert find([folder], ("*.bak", "README*")).passed_over == 4
    assert find([folder, folder + "/*"], ("*.bak", "README*")).passed_over == 4
    named = find([folder, files.join(root, "raw/b.bak")], ("*.bak", "README*"), lambda _: ReadOptions(format="jsonl"))
    assert ([file.name for file in named.files], named.passed_over) == (["raw/a.jsonl", "raw/b.bak"], 3)


def test_notes_beside_saved_datasets_are_no_documents(tmp_path):
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_dict({"text": [f"글 {n}" for n in range(6)]})
    for name, saved in {"one": rows, "two": datasets.DatasetDict({"train": rows, "test": rows})}.items():
        saved.save_to_disk(str(tmp_path / "raw" / name), **({"num_shards": 2} if name == "one" else {}))
    put(tmp_path, "raw/one/cache-0123.arrow", b"")
    put(tmp_path, "raw/other/state.json", LINE)  # no saved dataset
    found = find([str(tmp_path / "raw")])
    assert [(file.name, file.source) for file in found.files] == [
        ("one/data-00000-of-00002.arrow", "one"),
        ("one/data-00001-of-00002.arrow", "one"),
        ("other/state.json", "other"),
        ("test/data-00000-of-00001.arrow", "two"),
        ("train/data-00000-of-00001.arrow", "two"),
    ]
    assert found.passed_over == 3 + 5
    assert {file.source for file in find([str(tmp_path / "raw/two")]).files} == {"train", "test"}


@pytest.mark.parametrize("name", ["NEWS.JSONL", "News.Jsonl.GZ", "NEWS.TXT", "a.Parquet"])
def test_the_case_of_an_extension_does_not_matter(name):
    assert kind_of(name, None) == kind_of(name.lower(), None)


def test_an_unknown_kind_is_told_with_the_known_ones_in_short():
    with pytest.raises(UsageError, match=r"a\.xyz: unknown kind of file") as error:
        kind_of("a.xyz", None)
    assert len(error.value.message) < 200


@pytest.mark.parametrize("target", ["gone.jsonl", "b.jsonl"])
def test_a_link_to_nothing_is_named(tmp_path, target):
    (tmp_path / "a.jsonl").write_text('{"text": "글"}\n')
    (tmp_path / "b.jsonl").symlink_to(tmp_path / target)
    with pytest.raises(BadInputError, match=r"b\.jsonl: .*link to one that is gone") as error:
        find_inputs([str(tmp_path)], lambda source: ReadOptions())
    assert "ignore" in error.value.hint


def test_a_source_is_called_by_the_name_of_its_file_without_its_extension(tmp_path):
    (tmp_path / "NEWS.JSONL").write_text("{}\n")
    [file] = find_inputs([str(tmp_path / "NEWS.JSONL")], lambda source: ReadOptions()).files
    assert file.source == tmp_path.name
