"""What a stage took: beside its files, never among them, and its own."""

import time

from malmoi_pipelines.contracts.code import Code
from malmoi_pipelines.contracts.meter import Meter
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, run_stage
from malmoi_pipelines.contracts.timings import TIMINGS, note_timings, read_timings


def test_meter_sees_memory_and_time():
    with Meter() as meter:
        block = bytearray(80_000_000)
        time.sleep(0.6)
    assert meter.usage.seconds >= 0.6
    assert meter.usage.peak_mb > 0.9 * len(block) / 1e6


def test_what_an_earlier_stage_holds_is_not_this_ones():
    block = bytearray(200_000_000)
    with Meter() as meter:
        time.sleep(0.3)
    assert meter.usage.peak_mb < 0.5 * len(block) / 1e6


def made(folder, rows, seconds=0.0):
    def body(work):
        note_timings(work, "a job", rows)
        time.sleep(seconds)
        return StageOutput([], Report("count"))

    return run_stage(StageIdentity("words", "count", {}, {}, Code(stage="")), str(folder), body)


def test_a_stage_tells_what_it_and_its_parts_took(tmp_path, memory_root):
    for folder in (str(tmp_path / "a"), f"{memory_root}/a"):
        made(folder, [{"step": "read", "seconds": 1.5}], seconds=0.1)
        timings = read_timings(folder)
        assert timings["seconds"] >= 0.1
        assert timings["peak_mb"] >= 0
        assert timings["parts"] == {"a job": [{"step": "read", "seconds": 1.5}]}


def test_timings_are_no_part_of_the_result(tmp_path):
    quick, slow = made(tmp_path / "a", [{"seconds": 1}]), made(tmp_path / "b", [{"seconds": 2}], seconds=0.3)
    assert quick.manifest == slow.manifest
    assert TIMINGS not in {info.path for info in quick.manifest.files}
    assert read_timings(quick.folder) != read_timings(slow.folder)
    assert made(tmp_path / "a", []).skipped


def test_a_folder_without_timings_has_none(tmp_path):
    assert read_timings(str(tmp_path)) == {}
