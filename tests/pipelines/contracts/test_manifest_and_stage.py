import contextlib

import orjson
import pyarrow as pa
import pytest
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.code import Code, code_of
from malmoi_pipelines.contracts.errors import BadInputError, CheckError, UsageError
from malmoi_pipelines.contracts.ledger import Ledger
from malmoi_pipelines.contracts.manifest import has_manifest, read_manifest, verify_file, verify_sizes
from malmoi_pipelines.contracts.report import Report, read_report
from malmoi_pipelines.contracts.schemas import LETTERS
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, accept_code, run_stage
from malmoi_pipelines.contracts.tables import read_table, write_parquet


@pytest.fixture(params=["local", "memory"])
def folder(request, tmp_path, memory_root):
    """A dataset folder on a local disk and on the memory filesystem: the layer must not care."""
    return str(tmp_path / "out") if request.param == "local" else f"{memory_root}/out"


OLD = Code(stage="malmoi_pipelines.count.stage", modules={"malmoi_pipelines.count.stage": "0"}, packages={"ftfy": "5"})


def identity(**changes):
    values = {"kind": "words", "stage": "count", "inputs": {"corpus": "abc"}, "config": {"x": 1}, "code": OLD}
    return StageIdentity(**{**values, **changes})


def body_for(folder, unit="말", calls=None):
    def body(work):
        if calls is not None:
            calls.append(work)
        batch = pa.RecordBatch.from_arrays([pa.array([unit]), pa.array([3], pa.int64())], schema=LETTERS.schema)
        ledger = Ledger()
        ledger.add("web", "in", 1, 5)
        ledger.add("web", "kept", 1, 5)
        return StageOutput([write_parquet(folder, LETTERS, "part-00000", [batch])], Report("count", ledger, {"n": 1}))

    return body


def test_a_finished_stage_is_skipped_and_its_table_reads_back(folder):
    calls = []
    first = run_stage(identity(), folder, body_for(folder, calls=calls))
    second = run_stage(identity(), folder, body_for(folder, calls=calls))
    assert (first.skipped, second.skipped, len(calls)) == (False, True, 1)
    assert read_table(folder, LETTERS).to_pylist() == [{"letter": "말", "count": 3}]
    assert read_report(folder).facts == {"n": 1}


def test_equal_input_gives_an_equal_manifest(tmp_path, memory_root):
    folders = [str(tmp_path / "a"), f"{memory_root}/b"]
    manifests = [run_stage(identity(), folder, body_for(folder)).manifest for folder in folders]
    assert manifests[0] == manifests[1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"config": {"x": 2}}, "x: 1 → 2"),
        ({"inputs": {"corpus": "other"}}, "input 'corpus' changed"),
        ({"code": OLD.model_copy(update={"modules": {}})}, "code no longer used: malmoi_pipelines.count.stage"),
        ({"code": OLD.model_copy(update={"packages": {"ftfy": "6"}})}, "ftfy: 5 → 6"),
    ],
)
def test_a_changed_stage_refuses_and_with_overwrite_says_why(folder, change, reason):
    run_stage(identity(), folder, body_for(folder))
    with pytest.raises(UsageError, match="does not match this run"):
        run_stage(identity(**change), folder, body_for(folder, "글"))
    assert read_table(folder, LETTERS)["letter"].to_pylist() == ["말"]
    result = run_stage(identity(**change), folder, body_for(folder, "글"), overwrite=True)
    assert reason in result.changed
    assert read_table(folder, LETTERS)["letter"].to_pylist() == ["글"]


def test_of_nested_settings_only_the_changed_key_is_told(folder):
    guards = {"near_share": 0.5, "cluster": {"share": 0.1, "size": 3}}
    run_stage(identity(config={"guards": guards, "x": 1}), folder, body_for(folder))
    changed = {"near_share": 0.9, "cluster": {"share": 0.1, "size": 4}}
    again = run_stage(identity(config={"guards": changed, "x": 1}), folder, body_for(folder), overwrite=True)
    assert again.changed == ("guards.cluster.size: 3 → 4", "guards.near_share: 0.5 → 0.9")


def test_changed_code_can_be_accepted_and_is_written_down(folder):
    run_stage(identity(), folder, body_for(folder))
    now = identity(code=code_of(OLD.stage))
    with pytest.raises(UsageError, match="does not match this run") as refusal:
        run_stage(now, folder, body_for(folder))
    assert "malmoi accept" in str(refusal.value.hint)
    changes = OLD.changes(now.code)
    assert accept_code(folder, dry_run=True) == changes
    assert read_manifest(folder).code == OLD
    assert accept_code(folder) == changes
    assert run_stage(now, folder, body_for(folder)).skipped
    assert read_manifest(folder).accepted == tuple(changes)
    assert accept_code(folder) == []
    assert read_manifest(folder).accepted == tuple(changes)


@pytest.mark.parametrize("change", [{"config": {"x": 2}}, {"inputs": {"corpus": "other"}}])
def test_changed_settings_and_inputs_are_never_accepted(folder, change):
    run_stage(identity(), folder, body_for(folder))
    accept_code(folder)
    with pytest.raises(UsageError, match="does not match this run") as refusal:
        run_stage(identity(code=code_of(OLD.stage), **change), folder, body_for(folder))
    assert "malmoi accept" not in str(refusal.value.hint)


def test_a_folder_of_a_stage_that_is_gone_cannot_be_accepted(folder):
    run_stage(identity(code=Code(stage="malmoi_pipelines.gone")), folder, body_for(folder))
    with pytest.raises(BadInputError, match="was made by other code"):
        accept_code(folder)


def test_a_folder_that_is_not_ours_is_never_cleared(folder):
    files.write_bytes(files.join(folder, "thesis.txt"), b"years of work")
    with pytest.raises(UsageError, match="not empty") as refusal:
        run_stage(identity(), folder, body_for(folder))
    assert "malmoi accept" not in refusal.value.hint
    assert files.read_bytes(files.join(folder, "thesis.txt")) == b"years of work"


@pytest.mark.fault("killed")
def test_a_killed_stage_is_started_again_without_asking(folder):
    def killed(work):
        files.write_bytes(files.join(folder, "data", "half.parquet"), b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stage(identity(), folder, killed)
    result = run_stage(identity(), folder, body_for(folder))
    assert [info.path for info in result.manifest.table_files("letters")] == ["letters/part-00000.parquet"]
    assert not files.exists(files.join(folder, "data", "half.parquet"))


@pytest.mark.parametrize("damage", ["missing file", "broken manifest"])
@pytest.mark.fault("lost or damaged result")
def test_a_damaged_result_is_made_again_with_overwrite(folder, damage):
    manifest = run_stage(identity(), folder, body_for(folder)).manifest
    if damage == "missing file":
        fs, inner = files.filesystem(files.join(folder, manifest.table_files("letters")[0].path))
        fs.rm(inner)
    else:
        files.write_bytes(files.join(folder, "manifest.json"), b"{")
    with pytest.raises(UsageError, match=r"is missing|none of malmoi's") as refusal:
        run_stage(identity(), folder, body_for(folder))
    assert "malmoi accept" not in refusal.value.hint
    assert run_stage(identity(), folder, body_for(folder), overwrite=True).manifest == manifest


@pytest.mark.parametrize("read", ["{}", "{}/data/x.parquet", "{}/.."])
def test_output_and_input_must_lie_apart(folder, read):
    run_stage(identity(), folder, body_for(folder))
    with pytest.raises(UsageError, match="must lie apart"):
        run_stage(identity(config={}), folder, body_for(folder), reads=[read.format(folder)], overwrite=True)
    assert read_table(folder, LETTERS).num_rows == 1


@contextlib.contextmanager
def killed_after(removals, folder, monkeypatch):
    """Within it a stage dies when it has removed so much; a folder in memory has no empty folders, as object stores."""
    fs, _ = files.filesystem(folder)
    remove, left = fs.rm, iter(range(removals))

    def rm(path, **how):
        if next(left, None) is None:
            raise KeyboardInterrupt
        remove(path, **how)

    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(fs, "rm", rm)
        if not files.is_local(folder):
            patch.setattr(fs, "makedirs", lambda path, exist_ok: None)
        yield


@pytest.mark.parametrize("removals", range(1, 6))
@pytest.mark.fault("killed")
def test_a_kill_while_an_old_result_is_cleared_leaves_none_that_looks_whole(folder, monkeypatch, removals):
    """The manifest goes first and the marker that the folder is ours goes last, so the next run goes on unasked."""
    old, new = identity(), identity(config={"x": 2})
    run_stage(old, folder, body_for(folder))
    with killed_after(removals, folder, monkeypatch):
        run_stage(new, folder, body_for(folder, unit="글"), overwrite=True)
    assert not has_manifest(folder) or read_manifest(folder).fingerprint == new.fingerprint
    run_stage(new, folder, body_for(folder, unit="글"))
    assert read_table(folder, LETTERS).to_pylist() == [{"letter": "글", "count": 3}]


def test_kills_one_after_another_never_leave_a_folder_that_needs_a_hand(folder, monkeypatch):
    run_stage(identity(), folder, body_for(folder))
    with killed_after(1, folder, monkeypatch):
        run_stage(identity(config={"x": 2}), folder, body_for(folder, unit="글"), overwrite=True)
    for _ in range(8):
        with killed_after(1, folder, monkeypatch):
            run_stage(identity(config={"x": 2}), folder, body_for(folder, unit="글"))
    run_stage(identity(config={"x": 2}), folder, body_for(folder, unit="글"))
    assert read_table(folder, LETTERS).to_pylist() == [{"letter": "글", "count": 3}]


@pytest.mark.fault("killed")
def test_a_kill_after_the_manifest_is_a_finished_stage(folder):
    run_stage(identity(), folder, body_for(folder))
    files.write_bytes(files.join(folder, "_work", ".stage"), b"")
    assert run_stage(identity(), folder, body_for(folder)).skipped
    assert not files.exists(files.join(folder, "_work"))


@pytest.mark.fault("lost by us")
def test_an_unbalanced_ledger_fails_the_stage(folder):
    def body(work):
        ledger = Ledger()
        ledger.add("web", "in", 2, 10)
        ledger.add("web", "kept", 1, 5)
        return StageOutput([], Report("count", ledger))

    with pytest.raises(CheckError, match="'web' does not balance: 2 documents in"):
        run_stage(identity(), folder, body)
    assert not files.exists(files.join(folder, "manifest.json"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1], "must have"),
        (lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:], "content has changed"),
    ],
)
@pytest.mark.fault("lost or damaged result")
def test_verify_names_the_damaged_file(folder, damage, message):
    manifest = run_stage(identity(), folder, body_for(folder)).manifest
    info = manifest.table_files("letters")[0]
    verify_file(folder, manifest, info)
    path = files.join(folder, info.path)
    files.write_bytes(path, damage(files.read_bytes(path)))
    with pytest.raises(CheckError, match=message) as error:
        verify_file(folder, manifest, info)
    assert info.path in error.value.message
    assert error.value.hint == "run the stage again"


@pytest.mark.fault("lost or damaged result")
def test_a_missing_file_is_found_when_the_folder_is_read(folder):
    manifest = run_stage(identity(), folder, body_for(folder)).manifest
    fs, inner = files.filesystem(files.join(folder, manifest.table_files("letters")[0].path))
    fs.rm(inner)
    with pytest.raises(CheckError, match="is missing") as read:
        verify_sizes(folder, manifest)
    with pytest.raises(CheckError) as verified:
        verify_file(folder, manifest, manifest.table_files("letters")[0])
    assert (verified.value.message, verified.value.hint) == (read.value.message, read.value.hint)


def test_a_folder_without_or_with_a_foreign_manifest_is_refused(folder):
    with pytest.raises(UsageError, match="there is nothing at"):
        read_manifest(folder)
    files.write_bytes(files.join(folder, "manifest.json"), orjson.dumps({"some": "thing"}))
    with pytest.raises(BadInputError, match="none of malmoi's"):
        read_manifest(folder)


def test_another_schema_version_is_refused(folder):
    run_stage(identity(), folder, body_for(folder))
    path = files.join(folder, "manifest.json")
    manifest = orjson.loads(files.read_bytes(path))
    files.write_bytes(path, orjson.dumps({**manifest, "schema_version": 99}))
    with pytest.raises(BadInputError, match="is not a finished dataset folder: its schema version is 99"):
        read_manifest(folder)
