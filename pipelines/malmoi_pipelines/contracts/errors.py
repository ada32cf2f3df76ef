"""The errors a user can meet, with the exit code of the command line.

MalmoiError
├── UsageError     2  wrong usage or configuration
├── BadInputError  3  input that cannot be read, or more bad documents than the error budget allows
└── CheckError     4  a check or guard failed: a hash, a gate, a limit
    └── DefectError   an invariant of malmoi itself does not hold: a ledger, a sum
"""

from typing import Self


class MalmoiError(Exception):
    """An error to show without a traceback: what is wrong, where, which value; `hint` says what to do."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def at(self, setting: str, value: object) -> Self:
        """The same error, its message opened by the setting that brought it.

        >>> UsageError("there is nothing at /no.", hint="correct it").at("base", "/no").message
        "base = '/no': there is nothing at /no."
        """
        return type(self)(f"{setting} = {value!r}: {self.message}", self.hint)

    def __reduce__(self) -> tuple[type["MalmoiError"], tuple[str, str | None]]:
        # Exceptions cross process boundaries; the default pickling would drop the hint.
        return type(self), (self.message, self.hint)


class UsageError(MalmoiError):
    """Wrong usage or configuration."""

    exit_code = 2


class BadInputError(MalmoiError):
    """Input that cannot be read, or more bad documents than the error budget allows."""

    exit_code = 3


class CheckError(MalmoiError):
    """A check or guard failed: a hash, a gate, a limit."""

    exit_code = 4


class DefectError(CheckError):
    """An invariant of malmoi itself does not hold, whatever the data: a ledger, a sum, a frozen tensor."""

    def __init__(
        self, message: str, hint: str | None = "this is a defect of malmoi, not of your data: please report it"
    ) -> None:
        super().__init__(message, hint)
