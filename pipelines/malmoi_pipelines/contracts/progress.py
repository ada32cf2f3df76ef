"""How a stage tells how far it is: one type for the data stages, the tokenizer's loop and the training."""

from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """Told how far a stage is. This one keeps it to itself; the command line has one that shows it.

    >>> class Printed(Progress):
    ...     def __call__(self, step: str, done: int, total: int, **amounts: int) -> None:
    ...         print(step, done, total, amounts)
    >>> with Printed().doing("expand: gates"):
    ...     pass
    expand: gates 0 1 {}
    expand: gates 1 1 {}
    """

    def __call__(self, step: str, done: int, total: int, **amounts: int) -> None:
        """Units of a step are finished: partitions, rounds, optimizer steps.

        Args:
            step: its name, which begins with its stage's: "train: steps".
            done: units finished.
            total: units of the step; 0 where nobody knows.
            amounts: what the finished units held together, by what it is: bytes, documents, tokens.
        """

    def note(self, line: str) -> None:
        """A line for a person, such as what a round did."""

    def warn(self, line: str) -> None:
        """A line that a person must not miss: shown even where no progress is."""

    @contextmanager
    def doing(self, step: str) -> Iterator[None]:
        """A step of one unit, for the time of a with-statement."""
        self(step, 0, 1)
        yield
        self(step, 1, 1)


SILENT = Progress()
