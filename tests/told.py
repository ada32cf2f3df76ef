"""A progress that remembers what it was told."""

from malmoi_pipelines.contracts.progress import Progress


class Told(Progress):
    """Appends (step, done, total, amounts) to a list, notes and warnings to another."""

    def __init__(self, calls: list, notes: list | None = None) -> None:
        self.calls, self.notes = calls, notes if notes is not None else []

    def __call__(self, step: str, done: int, total: int, **amounts: int) -> None:
        self.calls.append((step, done, total, amounts))

    def note(self, line: str) -> None:
        self.notes.append(line)

    def warn(self, line: str) -> None:
        self.notes.append(f"warning: {line}")
