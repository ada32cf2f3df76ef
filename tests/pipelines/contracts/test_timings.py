"""What a stage took: beside its files, never among them, and its own."""

import gc
import platform
import time

import numpy as np
import pyarrow as pa
import pytest
from malmoi_pipelines.contracts.code import Code
from malmoi_pipelines.contracts.meter import Meter
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, run_stage
from malmoi_pipelines.contracts.timings import TIMINGS, note_timings, read_timings


@pytest.mark.long
def test_meter_sees_memory_and_time():
    with Meter() as meter:
        block = bytearray(80_000_000)
        time.sleep(0.6)
    assert meter.usage.seconds >= 0.6
    assert meter.usage.peak_mb > 0.9 * len(block) / 1e6


@pytest.mark.long
def test_what_an_earlier_stage_holds_is_not_this_ones():
    block = bytearray(200_000_000)
    with Meter() as meter:
        time.sleep(0.3)
    assert meter.usage.peak_mb < 0.5 * len(block) / 1e6


def of_python():
    return b"x" * 64_000


def of_arrow():
    buffer = pa.allocate_buffer(64_000)
    np.frombuffer(buffer, np.uint8)[:] = 1  # memory counts once it is written to
    return buffer


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="nothing tells this allocator to give memory back")
@pytest.mark.parametrize("allocate", [of_python, of_arrow])
def test_freed_memory_that_an_earlier_stage_left_is_given_back_first(allocate):
    """Else a stage that takes it over would seem to need none."""
    blocks = [allocate() for _ in range(1250)]
    kept = allocate()  # under it the freed blocks stay in the heap
    del blocks
    with Meter() as meter:
        blocks = [allocate() for _ in range(1250)]
        time.sleep(0.4)
    del kept
    assert meter.usage.peak_mb > 0.8 * len(blocks) * 64_000 / 1e6


def test_garbage_that_an_earlier_stage_left_is_collected_first():
    """Else it would be collected within the stage, which then seems to need less."""
    gc.collect()
    gc.disable()
    try:
        garbage = [b"x" * 80_000_000]
        garbage.append(garbage)
        del garbage
        with Meter() as meter:
            gc.collect()
            block = b"x" * 80_000_000
            time.sleep(0.4)
    finally:
        gc.enable()
    assert meter.usage.peak_mb > 0.8 * len(block) / 1e6


def made(folder, rows, seconds=0.0):
    def body(work):
        note_timings(work, "a job", rows)
        time.sleep(seconds)
        return StageOutput([], Report("count"))

    return run_stage(StageIdentity("words", "count", {}, {}, Code(stage="")), str(folder), body)


@pytest.mark.long
def test_a_stage_tells_what_it_and_its_parts_took(tmp_path, memory_root):
    for folder in (str(tmp_path / "a"), f"{memory_root}/a"):
        made(folder, [{"step": "read", "seconds": 1.5}], seconds=0.1)
        timings = read_timings(folder)
        assert timings["seconds"] >= 0.1
        assert timings["peak_mb"] >= 0
        assert timings["parts"] == {"a job": [{"step": "read", "seconds": 1.5}]}


@pytest.mark.long
def test_timings_are_no_part_of_the_result(tmp_path):
    quick, slow = made(tmp_path / "a", [{"seconds": 1}]), made(tmp_path / "b", [{"seconds": 2}], seconds=0.3)
    assert quick.manifest == slow.manifest
    assert TIMINGS not in {info.path for info in quick.manifest.files}
    assert read_timings(quick.folder) != read_timings(slow.folder)
    assert made(tmp_path / "a", []).skipped


def test_a_folder_without_timings_has_none(tmp_path):
    assert read_timings(str(tmp_path)) == {}
