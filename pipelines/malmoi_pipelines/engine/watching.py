"""Partitions as they are done in this process: the progress of a job that runs in it. Nothing else may hang on it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from malmoi_pipelines.engine.tally import Tally

Watcher = Callable[[str, Tally], None]
"""Told the step and what a partition of it did."""

_watchers: list[Watcher] = []


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Tell `watcher` of the partitions that are done in this process, for the time of a with-statement."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def tell_done(step: str, tally: Tally) -> None:
    """Say that a partition is done; in a worker process no one listens."""
    for watcher in _watchers:
        watcher(step, tally)
