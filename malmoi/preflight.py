"""Before the first stage of a run: all that is wrong at once, and what the run would do."""

import os
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from malmoi_pipelines.contracts import extras, files
from malmoi_pipelines.contracts.errors import BadInputError, MalmoiError, UsageError
from malmoi_pipelines.contracts.manifest import has_manifest, read_manifest
from malmoi_pipelines.contracts.progress import SILENT
from malmoi_pipelines.contracts.stage import WouldRunError, only_asked

from malmoi.chain import Step
from malmoi.run_folder import is_run_or_empty

# All folders of the quickstart but the checkpoint are 3.1 times the raw text; scratch files of a step come on top.
DISK_SHARE = 4
UP_TO_DATE = "up to date, would be skipped"


def check_run(steps: Sequence[Step], folder: str) -> None:
    """Find all that would stop a run later.

    Raises:
        UsageError: something is missing or cannot be; the message lists every problem.
        BadInputError: so is the input, and nothing else is wrong.
    """
    problems = list(find_problems(steps, folder))
    if not problems:
        return
    lines = [f"{name}: {error.message}" + (f" ({error.hint})" if error.hint else "") for name, error in problems]
    kind = BadInputError if {type(error) for _, error in problems} == {BadInputError} else UsageError
    number = "one problem" if len(lines) == 1 else f"{len(lines)} problems"
    raise kind(f"{number} before the first stage:\n" + "\n".join(f"  {line}" for line in lines))


def find_problems(steps: Sequence[Step], folder: str) -> Iterator[tuple[str, MalmoiError]]:
    """The problems of a run, each with the step that has it."""
    if not is_run_or_empty(folder):
        yield "run", UsageError(f"{folder} is not empty and is not a malmoi run.", hint="choose another --out")
    configs = {step.stage.name: step.config for step in steps}
    for step in steps:
        try:
            extras.require("it", *extras.missing_of(step.stage.extra))
        except UsageError as error:
            yield step.name, error
            continue
        if step.stage.check is not None:
            yield from ((step.name, error) for error in step.stage.check(step.config, step.place, configs))
    yield from (("disk", error) for error in _disk(steps, folder))


def find_warnings(steps: Sequence[Step]) -> Iterator[str]:
    """What a person should know before a run that can go."""
    configs = {step.stage.name: step.config for step in steps}
    for step in steps:
        if step.stage.warn is not None:
            yield from (f"{step.name}: {line}" for line in step.stage.warn(step.config, configs))


def _disk(steps: Sequence[Step], folder: str) -> Iterator[MalmoiError]:
    if not files.is_local(folder):
        return
    text = _text_bytes(steps)
    needed = DISK_SHARE * text - sum(_bytes_there(step.folder) for step in steps)
    free = shutil.disk_usage(_existing(folder)).free
    if needed > free:
        yield UsageError(
            f"about {needed / 1e9:.1f} GB are needed at {folder} for {text / 1e9:.1f} GB of text, "
            f"{free / 1e9:.1f} GB are free.",
            hint="choose another disk with --out, or less input",
        )


def _bytes_there(folder: str) -> int:
    try:
        return sum(info.bytes for info in read_manifest(folder).files)
    except MalmoiError:
        return 0  # nothing yet, or made by another version


def _text_bytes(steps: Sequence[Step]) -> int:
    """Estimated bytes of raw text."""
    from malmoi_pipelines.raw.identity import RawInput

    from malmoi.checks import find_raw

    named = {step.stage.name: step for step in steps}
    if "sample" in named:
        return int(named["sample"].config.bytes)
    try:
        return RawInput(find_raw(list(named["clean"].place.inputs), named["clean"].config), "").raw_bytes
    except MalmoiError:
        return 0  # which is the input's own problem


def _existing(folder: str) -> str:
    path = os.path.abspath(files.filesystem(folder)[1])
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path


def plan_rows(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """What a run would do now: a row a step with its folder and its state."""
    rows, remade = [], set[str]()
    for step in steps:
        before = [name for name in step.place.before if name in remade and name in step.stage.reads]
        state = f"would run, after {', '.join(before)}" if before else _state(step)
        if state != UP_TO_DATE:
            remade.add(step.stage.name)
        rows.append({"stage": step.name, "folder": step.folder, "state": state})
    return rows


def _state(step: Step) -> str:
    if not has_manifest(step.folder):
        return "would run"
    try:
        with only_asked():
            step.run(SILENT)
    except WouldRunError as answer:
        return f"would be made again: {'; '.join(answer.changed)}"
    except MalmoiError as error:
        return f"cannot run: {error.message}"
    return UP_TO_DATE


def changed_settings(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The settings of a run that differ from their defaults, a row each."""
    return [
        {"setting": f"{step.name}.{key}", "value": value}
        for step in steps
        for key, value in _flat(step.config.model_dump(mode="json", exclude_defaults=True))
    ]


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
