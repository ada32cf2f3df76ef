"""Partitions as they are done in this process: the progress of a job that runs in it. Nothing else may hang on it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Watcher = Callable[[str, list[dict[str, Any]]], None]
"""Told the step and the results of a partition that is done."""

_watchers: list[Watcher] = []


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Tell `watcher` of the partitions that are done in this process, for the time of a with-statement."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def tell_done(step: str, results: list[dict[str, Any]]) -> None:
    """Say that a partition is done; in a worker process no one listens."""
    for watcher in _watchers:
        watcher(step, results)
