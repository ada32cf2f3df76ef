"""A run's folder tells at any time which of its steps are done and what they took."""

import orjson
import pytest
from malmoi_pipelines.contracts.code import Code
from malmoi_pipelines.contracts.errors import BadInputError
from malmoi_pipelines.contracts.ledger import Ledger
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.stage import StageIdentity, StageOutput, run_stage
from malmoi_pipelines.contracts.timings import TIMINGS, note_timings, read_timings
from malmoi_pipelines.engine.options import RunOptions

from malmoi.chain import Step
from malmoi.run_folder import run_steps
from malmoi.stages import STAGES, Place, Stage

QUIET = {"overwrite": False, "quiet": True}


def works(config, place, progress):
    def body(work):
        note_timings(work, "a job", [{"step": "read", "rows": config}])
        return StageOutput([], Report("tiny", Ledger()))

    identity = StageIdentity("run", "tiny", {}, {"rows": config}, Code(stage="tiny"))
    return run_stage(identity, place.out, body, overwrite=True)


def fails(config, place, progress):
    def body(work):
        note_timings(work, "a job", [{"step": "read", "failed": 1}])
        raise config

    return run_stage(StageIdentity("run", "tiny", {}, {}, Code(stage="tiny")), place.out, body)


def chain(folder, runs):
    """Steps of a run, each (name, what runs, its settings)."""
    stages = [(Stage(name, "", name, STAGES[0].kind, "", run), config) for name, run, config in runs]
    places = [Place(f"{folder}/{stage.name}", "", (), RunOptions()) for stage, _ in stages]
    return [Step(stage.name, stage, config, place) for (stage, config), place in zip(stages, places, strict=True)]


@pytest.mark.parametrize("end", [BadInputError("a line is broken"), KeyboardInterrupt()], ids=["error", "ctrl-c"])
def test_a_run_whose_second_stage_fails_tells_what_the_first_took(tmp_path, end):
    out = tmp_path / "out"
    with pytest.raises(type(end)):
        run_steps("r", chain(out, [("one", works, 5), ("two", fails, end), ("three", works, 7)]), str(out), **QUIET)
    told = orjson.loads((out / TIMINGS).read_bytes())
    assert list(told) == ["one"]
    assert told["one"] == read_timings(str(out / "one"))
    assert told["one"]["parts"] == {"a job": [{"step": "read", "rows": 5}]}
    assert read_timings(str(out / "two"))["parts"] == {"a job": [{"step": "read", "failed": 1}]}


def test_a_run_that_goes_on_tells_all_its_steps_in_order(tmp_path):
    out = str(tmp_path / "out")
    with pytest.raises(BadInputError):
        run_steps("r", chain(out, [("one", works, 5), ("two", fails, BadInputError("no"))]), out, **QUIET)
    first = read_timings(out)["one"]
    done = run_steps("r", chain(out, [("one", works, 5), ("two", works, 6)]), out, **QUIET)
    assert [result.skipped for result in done.results.values()] == [True, False]
    assert list(read_timings(out)) == ["one", "two"]
    assert read_timings(out)["one"] == first
    told = list(read_timings(out).values())
    *stages, total = done.report.tables["Stages"]
    assert [row["seconds"] for row in stages] == [timing["seconds"] for timing in told]
    assert total["stage"] == "total"
    assert total["seconds"] == pytest.approx(sum(timing["seconds"] for timing in told), abs=0.01)
    assert total["peak MB"] == max(timing["peak_mb"] for timing in told)


def test_each_stage_is_announced_with_the_time_so_far(tmp_path, capsys):
    run_steps("r", chain(tmp_path, [("one", works, 5), ("two", works, 6)]), str(tmp_path), overwrite=False, quiet=False)
    told = capsys.readouterr().err
    assert "one, stage 1 of 2\n" in told
    assert "two, stage 2 of 2, 0:00:0" in told
