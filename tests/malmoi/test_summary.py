"""What is printed of a finished stage: the important facts first, and where the rest is."""

import pytest
from malmoi_pipelines.contracts.code import Code
from malmoi_pipelines.contracts.report import Report, read_report
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, run_stage

from malmoi.summary import HEADLINE, print_report, print_result

FACTS = {f"figure {chr(ord('z') - i)}": i for i in range(12)}


def made(folder, **report):
    identity = StageIdentity("comparison", "tokenizer compare", {}, {}, Code(stage=""))
    return run_stage(identity, str(folder), lambda _: StageOutput([], Report("compare", None, FACTS, **report)))


@pytest.mark.long
def test_facts_keep_their_order(tmp_path):
    made(tmp_path / "a")
    assert list(read_report(str(tmp_path / "a")).facts) == list(FACTS)


@pytest.mark.long
def test_the_first_facts_are_printed_and_the_page_with_all_is_named(tmp_path, capsys):
    print_result(made(tmp_path / "a", with_page=True))
    out = capsys.readouterr().out
    names = [name for name in FACTS if name in out]
    assert names == list(FACTS)[:HEADLINE]
    assert sorted(names, key=out.index) == names
    assert f"all figures: {tmp_path}/a/report.html" in out
    print_result(made(tmp_path / "b"))
    assert f"all figures: {tmp_path}/b/report.md" in capsys.readouterr().out


@pytest.mark.long
def test_a_table_that_is_the_answer_is_printed_others_are_not(tmp_path, capsys):
    tables = {"Tokenizers": [{"tokenizer": "mine", "fertility": 1.25}], "Letters": [{"letter": "쀍"}]}
    print_result(made(tmp_path / "a", tables=tables, shown=("Tokenizers",)))
    out = capsys.readouterr().out
    assert "mine" in out
    assert "1.25" in out
    assert "쀍" not in out


@pytest.mark.long
def test_all_facts_of_a_folder_can_be_printed(tmp_path, capsys):
    made(tmp_path / "a")
    print_report(str(tmp_path / "a"))
    out = capsys.readouterr().out
    assert all(name in out for name in FACTS)
