"""SIGKILL in the middle of every stage; the run goes on from the last finished stage and ends with the same bytes."""

import shutil
import subprocess
import time

import pytest

from malmoi.stages import FOLDERS
from tests.end_to_end import command, manifests, run

PATIENCE = 120.0  # seconds to wait for a stage to begin


def kill_in_stage(out, folder):
    """Start the run with a worker process and kill it, the parent alone, once the stage has begun to write."""
    process = subprocess.Popen(
        command(out, "--workers", "1"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=out.parent
    )
    deadline = time.monotonic() + PATIENCE
    try:
        while not (out / folder / "_work").exists():
            assert process.poll() is None, f"the run ended before {folder} began"
            assert time.monotonic() < deadline, f"{folder} did not begin"
            time.sleep(0.005)
        time.sleep(0.05)
    finally:
        process.kill()  # SIGKILL
        process.wait()
    assert (out / folder / "_work").exists()
    assert not (out / folder / "manifest.json").exists()


@pytest.mark.long
@pytest.mark.fault("killed")
def test_a_run_killed_in_one_stage_goes_on_from_there(small_run, tmp_path):
    killed = tmp_path / "killed"
    first, *rest = list(FOLDERS.values())[-3:]
    shutil.copytree(small_run, killed, ignore=lambda folder, names: {first, *rest} if folder == str(small_run) else ())
    kill_in_stage(killed, first)
    done = run(killed)
    assert done.stderr.count("up to date, skipped") == len(FOLDERS) - 3
    assert manifests(killed) == manifests(small_run)


@pytest.mark.slow
@pytest.mark.fault("killed")
def test_a_run_killed_in_every_stage_ends_with_the_same_bytes(small_run, tmp_path):
    killed = tmp_path / "killed"
    for number, folder in enumerate(FOLDERS.values()):
        kill_in_stage(killed, folder)
        finished = [name for name in FOLDERS.values() if (killed / name / "manifest.json").exists()]
        assert finished == list(FOLDERS.values())[:number]
    done = run(killed)
    assert done.stderr.count("up to date, skipped") == len(FOLDERS) - 1
    assert manifests(killed) == manifests(small_run)
