"""`timings.json`: all that a clock or a machine decides. It lies beside the files of the manifest and is none of them.

Equal input then gives an equal manifest. While a stage runs, its parts note what they took in its scratch folder.
"""

from typing import Any

import orjson

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.meter import Usage

TIMINGS = "timings.json"
_NOTES = "timings"


def note_timings(work: str, name: str, rows: list[dict[str, Any]]) -> None:
    """Keep what a part of a stage took, until the stage is done.

    Args:
        work: the stage's scratch folder.
        name: of the part, such as that of a job.
        rows: its steps or rounds, with their seconds and amounts.
    """
    files.write_bytes(files.join(work, _NOTES, f"{name.replace(' ', '-')}.json"), orjson.dumps([name, rows]))


def write_timings(folder: str, work: str, usage: Usage) -> None:
    """Write what a stage took in all, and what its parts noted."""
    notes = files.list_files(files.join(work, _NOTES)) if files.exists(files.join(work, _NOTES)) else []
    parts = dict(orjson.loads(files.read_bytes(path)) for path in sorted(notes))
    value = {"seconds": usage.seconds, "peak_mb": usage.peak_mb, "parts": parts}
    files.write_bytes(files.join(folder, TIMINGS), orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")


def read_timings(folder: str) -> dict[str, Any]:
    """What the stage of a folder took; empty if that is not known."""
    path = files.join(folder, TIMINGS)
    return dict(orjson.loads(files.read_bytes(path))) if files.exists(path) else {}
