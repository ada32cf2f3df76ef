import io

import pytest
from rich.console import Console

from malmoi import progress
from malmoi.progress import ShownProgress, StepState


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds


def test_units_of_half_a_minute_leave_no_estimate_blank():
    """rich's own estimate looks back 30 s and is empty with such units."""
    clock = Clock()
    state = StepState("clean", clock())
    for done in range(1, 5):
        clock.wait(35)
        state.update(clock(), done, 10, {})
        assert state.time_text(clock()) == progress.duration(35 * (10 - done)) + " left"
    clock.wait(20)  # it counts down between two units, and does not go below nothing
    assert state.time_text(clock()) == "3m10s left"
    clock.wait(999)
    assert state.time_text(clock()) == "0.0s left"


def test_rates_are_of_bytes_and_documents():
    state = StepState("clean", 0.0)
    state.update(2.0, 1, 2, {"bytes": 9_000_000, "documents": 600})
    assert state.rates() == "4.5 MB/s, 300 documents/s"


@pytest.mark.parametrize(("total", "units"), [(8, "3/8"), (0, "3"), (1, "")])
def test_units_say_what_is_known(total, units):
    state = StepState("x", 0.0)
    state.update(1.0, 3, total, {})
    assert state.units() == units


def test_without_a_terminal_there_are_plain_lines(capsys):
    clock = Clock()
    with ShownProgress(clock=clock) as shown:
        for done in range(0, 101, 10):
            shown("count: units", done, 100, bytes=done * 1_000_000)
            clock.wait(3)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "count: units: 0/100"
    assert lines[1] == "count: units: 40/100, 3.3 MB/s, 18s left"  # one line in ten seconds
    assert lines[-1] == "count: units: 100/100, 3.3 MB/s, 30s"
    assert len(lines) == 4


def test_a_step_of_one_unit_says_when_it_began_and_what_it_took(capsys):
    clock = Clock()
    with ShownProgress(clock=clock) as shown, shown.doing("expand: gates"):
        clock.wait(75)
    assert capsys.readouterr().err.splitlines() == ["expand: gates: started", "expand: gates: 1m15s"]


def test_a_short_step_has_one_line(capsys):
    with ShownProgress(clock=Clock()) as shown, shown.doing("dedupe: meet"):
        pass
    assert capsys.readouterr().err.splitlines() == ["dedupe: meet: started"]


def test_a_terminal_shows_a_bar_with_rate_and_time_left(monkeypatch):
    clock, screen = Clock(), io.StringIO()
    monkeypatch.setattr(progress, "err", Console(file=screen, force_terminal=True, width=160))
    with ShownProgress(clock=clock) as shown:
        shown("clean", 0, 4)
        with shown.doing("expand: gates"):
            clock.wait(40)
            shown("clean", 1, 4, bytes=80_000_000)
            shown._bars.refresh()
    text = screen.getvalue()
    for part in ("clean", "1/4", "2.0 MB/s", "2m00s left", "expand: gates", "40s"):
        assert part in text


def test_quiet_is_quiet(capsys):
    with ShownProgress(quiet=True) as shown:
        shown("x", 0, 1)
        shown.note("y")
    assert capsys.readouterr() == ("", "")


def test_a_warning_is_shown_quiet_or_not(capsys):
    for quiet in (True, False):
        with ShownProgress(quiet) as shown:
            shown.warn("[x] is a toy")
        assert capsys.readouterr() == ("", "warning: [x] is a toy\n")
