import time

import pytest
from malmoi_pipelines.contracts.report import Report

from malmoi import console
from malmoi.arguments import split_inputs
from malmoi.resources import Meter
from malmoi.verbs.run import headline


def test_progress_without_a_terminal_is_plain_lines(capsys, monkeypatch):
    monkeypatch.setattr(console, "LINE_SECONDS", 0.0)
    with console.stage_progress(quiet=False) as progress:
        progress("count: units", 0, 4)
        time.sleep(0.01)
        progress("count: units", 1, 4)
        progress("count: units", 4, 4)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "count: units: 0/4"
    assert "1/4" in lines[1]
    assert "s left" in lines[1]
    assert "/s" in lines[2]


def test_quiet_is_quiet(capsys):
    with console.stage_progress(quiet=True) as progress:
        progress("x", 0, 1)
        progress.message("y")
    assert capsys.readouterr() == ("", "")


def test_meter_sees_memory_and_time():
    with Meter() as meter:
        block = bytearray(80_000_000)
        time.sleep(0.6)
    assert meter.usage.seconds >= 0.6
    assert meter.usage.peak_mb > len(block) / 1e6


def test_flags_are_told_from_inputs():
    assert split_inputs(["a", "--x=1", "b"], ["-y"]) == (["a", "b"], ("--x=1", "-y"))


def test_markup_in_data_is_not_interpreted(capsys):
    console.print_rows([{"text": "[red]x[/red] [/]"}])
    console.print_error("[bold]value[/]", "[hint]")
    output = capsys.readouterr()
    assert "[red]x[/red] [/]" in output.out
    assert "[bold]value[/]" in output.err


def test_headline_fails_on_a_fact_that_a_stage_no_longer_reports():
    assert headline({}) == {}
    with pytest.raises(KeyError, match="documents kept"):
        headline({"dedupe": Report("dedupe", None, {"exact duplicates removed": 3})})
