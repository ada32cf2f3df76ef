import pytest
from malmoi_pipelines.contracts.report import Report
from rich.cells import cell_len

from malmoi import console
from malmoi.arguments import split_inputs
from malmoi.run_folder import headline


def test_flags_are_told_from_inputs():
    assert split_inputs(["a", "--x=1", "b"], ["-y"]) == (["a", "b"], ("--x=1", "-y"))


def test_markup_in_data_is_not_interpreted(capsys):
    console.print_rows([{"text": "[red]x[/red] [/]"}])
    console.print_error("[bold]value[/]", "[hint]")
    output = capsys.readouterr()
    assert "[red]x[/red] [/]" in output.out
    assert "[bold]value[/]" in output.err


def test_headline_fails_on_a_fact_that_a_stage_no_longer_reports():
    reports = {"dedupe": Report("dedupe", None, {"exact duplicates removed": 3})}
    assert headline(reports, {"dedupe": ("exact duplicates removed",)}) == {"dedupe: exact duplicates removed": 3}
    with pytest.raises(KeyError, match="documents kept"):
        headline(reports, {"dedupe": ("documents kept",)})


def test_a_table_too_wide_for_the_terminal_is_told_field_by_field(capsys, monkeypatch):
    monkeypatch.setattr(console.out, "_width", 80)
    rows = [{f"field {n}": "가나 " * 20 if n else 1_234_567_890 for n in range(9)} for _ in range(2)]
    console.print_rows(rows, "wide")
    console.print_rows([{"name": "x" * 200, "n": 1_234_567_890}] * 2, "narrow enough")
    wide, narrow = capsys.readouterr().out.split("narrow enough")
    assert max(cell_len(line) for line in (wide + narrow).splitlines()) <= 80
    for n in range(9):
        assert wide.count(f"field {n} ") == 2
    assert "1,234,567,890" in wide
    assert "1,234,567,890" in narrow
