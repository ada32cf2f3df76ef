"""The scripts of benchmarks/ beside the code of today: imported, and asked how they are called; nothing is measured."""

import argparse
import doctest
import importlib
import pathlib
import re

import pytest

from benchmarks import bench_growth

ROOT = pathlib.Path(__file__).parents[1]
SOURCES = {path.stem: path.read_text() for path in sorted((ROOT / "benchmarks").glob("[a-z]*.py"))}
PEERS = [name for name in SOURCES if name.startswith("peer_")]
OURS = [name for name in SOURCES if name not in PEERS]


def script(name):
    return importlib.import_module(f"benchmarks.{name}")


@pytest.mark.parametrize("name", OURS)
def test_a_script_can_be_imported(name):
    assert script(name)


@pytest.mark.parametrize("name", PEERS)
def test_a_script_for_an_environment_of_peers_needs_nothing_of_ours(name):
    assert not re.search(r"^\s*(?:import|from) (?:malmoi|benchmarks|tests)", SOURCES[name], re.M)


@pytest.mark.parametrize("name", [name for name in OURS if "__main__" in SOURCES[name]])
def test_a_script_has_the_options_that_its_page_shows(name, monkeypatch, capsys):
    assert ".parse_args()" in SOURCES[name], "without it --help would run the measurement"
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit, match=r"^0$"):
        script(name).main()
    has = re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.M)
    calls = re.findall(rf"^    python benchmarks/{name}\.py.*(?:\n        .*)*", script(name).__doc__, re.M)
    assert calls
    assert set(re.findall(r"--[a-z-]+", " ".join(calls))) <= set(has)


@pytest.mark.parametrize("name", [name for name in OURS if name.startswith("bench_")])
def test_make_bench_can_call_a_measurement_without_arguments(name, monkeypatch):
    class ParsedError(Exception):
        pass

    def parse(parser):
        parser.parse_known_args([])  # which exits where an argument is missing
        raise ParsedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    with pytest.raises(ParsedError):
        script(name).main()


@pytest.mark.parametrize("name", [name for name in OURS if ">>>" in SOURCES[name]])
def test_the_examples_of_a_script_hold(name):
    found = doctest.testmod(script(name))
    assert found.attempted
    assert not found.failed


def test_the_growth_curve_is_timed_where_the_stage_calls_it():
    for owner, function in bench_growth.PARTS:
        assert getattr(owner, function.__name__) is function


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks/results").glob("*.md")), ids=lambda path: path.stem)
def test_a_result_names_the_commit_it_was_measured_at(path):
    assert re.search(r"\bcommits?\b[^.|]{0,60}?\b(?=[a-f]*[0-9])[0-9a-f]{7}\b", path.read_text(), re.IGNORECASE)
