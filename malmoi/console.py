"""What a person sees: progress and notes on stderr, results on stdout; plain lines where there is no terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from malmoi_pipelines.contracts.values import format_value
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

LINE_SECONDS = 10.0  # between two progress lines where there is no terminal

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class StageProgress:
    """Progress of a stage: counts, rate and time left. Callable as the stages expect: (step, done, total)."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Progress | None = None
        self._tasks: dict[str, Any] = {}
        self._started: dict[str, float] = {}
        self._last_line = 0.0

    def __enter__(self) -> "StageProgress":
        if not self._quiet and err.is_terminal:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=err, transient=True)
            self._bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show that `done` of `total` partitions (or training steps) of a step are finished."""
        now = time.monotonic()
        started = self._started.setdefault(step, now)
        rate = done / (now - started) if done and now > started else 0.0
        text = f"{rate:.2f}/s" if rate else ""
        if self._bar is not None:
            if step not in self._tasks:
                self._tasks[step] = self._bar.add_task(step, total=total, rate="")
            self._bar.update(self._tasks[step], completed=done, total=total, rate=text)
        elif not self._quiet and (done in (0, total) or now - self._last_line >= LINE_SECONDS):
            self._last_line = now
            left = f", {(total - done) / rate:.0f} s left" if rate and done < total else ""
            err.print(f"{step}: {done}/{total} {text}{left}".rstrip(), markup=False)

    def message(self, text: str) -> None:
        """Show a line."""
        if not self._quiet:
            err.print(escape(text))


@contextmanager
def stage_progress(quiet: bool) -> Iterator[StageProgress]:
    """Progress for the time of a with-statement."""
    with StageProgress(quiet) as progress:
        yield progress


def print_rows(rows: list[dict[str, Any]], title: str | None = None) -> None:
    """Print rows with equal keys as a table on stdout."""
    if not rows:
        return
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in rows[0]:
        numeric = all(isinstance(row[name], int | float) for row in rows)
        table.add_column(escape(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(format_value(value)) for value in row.values()))
    out.print(table)


def print_facts(facts: dict[str, Any], title: str) -> None:
    """Print single figures as a two-column table on stdout."""
    print_rows([{"figure": name, "value": format_value(value)} for name, value in facts.items()], title)


def print_error(message: str, hint: str | None) -> None:
    """Print an error, and what to do about it, on stderr."""
    err.print(f"[bold red]error:[/] {escape(message)}")
    if hint:
        err.print(f"[bold]hint:[/] {escape(hint)}")
