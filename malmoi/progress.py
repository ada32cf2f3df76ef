"""Progress for a person, on stderr: units done, rates, time left; plain lines where there is no terminal."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from malmoi_pipelines.contracts.progress import Progress
from rich.markup import escape
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

from malmoi.console import err, print_warning

SHORT_SECONDS = 1.0  # a step that took less has one line
LINE_SECONDS = 10.0  # between two progress lines where there is no terminal


@dataclass
class StepState:
    """How far one step is. Times are those of any clock that counts seconds.

    Rates are means since the step began: a window of half a minute, as rich has it, is empty wherever a unit takes
    longer, and the time left with it.

    >>> state = StepState("count: units", started=0.0)
    >>> state.update(40.0, 1, 4, {"bytes": 80_000_000, "documents": 2_000})
    >>> state.line(now=50.0)
    'count: units: 1/4, 2.0 MB/s, 50 documents/s, 1m50s left'
    """

    name: str
    started: float
    done: int = 0
    total: int = 0
    amounts: dict[str, int] = field(default_factory=dict)
    updated: float = 0.0

    def update(self, now: float, done: int, total: int, amounts: dict[str, int]) -> None:
        """Take what the step tells."""
        self.updated, self.done, self.total, self.amounts = now, done, total, amounts

    @property
    def finished(self) -> bool:
        """Whether all its units are."""
        return bool(self.total) and self.done >= self.total

    def units(self) -> str:
        """What is done: "3/8", or "3" where no one knows the total; nothing for a step of one unit."""
        if self.total == 1:
            return ""
        return f"{self.done:,}/{self.total:,}" if self.total else f"{self.done:,}" if self.done else ""

    def rates(self) -> str:
        """Amounts a second, or units a second where no amount is told; empty before the first unit."""
        seconds = self.updated - self.started
        if not self.done or seconds <= 0:
            return ""
        if self.amounts:
            return ", ".join(_rate(name, amount / seconds) for name, amount in self.amounts.items())
        return "" if self.total == 1 else f"{self.done / seconds:.2f}/s"

    def seconds_left(self, now: float) -> float | None:
        """Seconds until the last unit at the pace so far; None before the first unit, or without a total."""
        if not self.done or not self.total:
            return None
        pace = (self.updated - self.started) / self.done
        return max(0.0, (self.total - self.done) * pace - (now - self.updated))

    def time_text(self, now: float) -> str:
        """The time that is left, or that it took; for a step that cannot say, how long it has been running."""
        left = None if self.finished else self.seconds_left(now)
        if left is not None:
            return f"{duration(left)} left"
        return duration((self.updated if self.finished else now) - self.started)

    def line(self, now: float) -> str:
        """All of it as a line."""
        begun = self.done or now > self.started
        parts = (self.units(), self.rates(), self.time_text(now) if begun else "")
        return f"{self.name}: " + (", ".join(part for part in parts if part) or "started")


def _rate(name: str, per_second: float) -> str:
    if name == "bytes":
        return f"{per_second / 1e6:.1f} MB/s"
    return f"{per_second:,.0f} {name}/s" if per_second >= 10 else f"{per_second:.2g} {name}/s"


def duration(seconds: float) -> str:
    """Seconds for a person.

    >>> [duration(x) for x in (0.26, 9.4, 75, 7384)]
    ['0.3s', '9s', '1m15s', '2h03m']
    """
    if seconds < 1:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
    return f"{minutes // 60}h{minutes % 60:02d}m"


class _States(ProgressColumn):
    """A column made from the step's state at each refresh."""

    def __init__(self, text: Callable[[StepState], str]) -> None:
        super().__init__()
        self._text = text

    def render(self, task: Task) -> Text:
        return Text(self._text(task.fields["state"]))


class ShownProgress(Progress):
    """Shows what a stage tells for the time of a with-statement: a bar for each step, or lines."""

    def __init__(self, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        """Quiet shows nothing; the clock counts seconds."""
        self._quiet, self._clock = quiet, clock
        self._states: dict[str, StepState] = {}
        self._tasks: dict[str, TaskID] = {}
        self._bars: Bars | None = None
        self._last_line = float("-inf")

    def __enter__(self) -> "ShownProgress":
        if not self._quiet and err.is_terminal:
            self._bars = Bars(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                _States(StepState.units),
                _States(StepState.rates),
                _States(lambda state: state.time_text(self._clock())),
                console=err,
                transient=True,
                get_time=self._clock,
            )
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, step: str, done: int, total: int, **amounts: int) -> None:
        """Show how far a step is; see `Progress`."""
        now = self._clock()
        if step not in self._states or done == 0:
            self._states[step] = StepState(step, now)
        state = self._states[step]
        state.update(now, done, total, amounts)
        if self._bars is not None:
            self._show_bar(state)
        elif not self._quiet and self._is_due(state, now):
            self._last_line = now
            err.print(state.line(now), markup=False)

    def _is_due(self, state: StepState, now: float) -> bool:
        """The beginning of a step, its end where it took a second, and a line now and then between."""
        if state.finished:
            return now - state.started >= SHORT_SECONDS
        return not state.done or now - self._last_line >= LINE_SECONDS

    def note(self, line: str) -> None:
        """Show a line."""
        if not self._quiet:
            err.print(escape(line))

    def warn(self, line: str) -> None:
        """Show a warning, quiet or not."""
        print_warning(line)

    def _show_bar(self, state: StepState) -> None:
        assert self._bars is not None, "the caller has looked"
        known = state.total or None
        if state.name not in self._tasks:
            self._tasks[state.name] = self._bars.add_task(escape(state.name), total=known, state=state)
        # A bar of one unit moves to and fro until it is done: it cannot say how far it is.
        pulse = known == 1 and not state.done
        self._bars.update(self._tasks[state.name], completed=state.done, total=None if pulse else known, state=state)
