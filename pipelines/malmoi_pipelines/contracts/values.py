"""How figures are shown to people."""

from typing import Any


def format_value(value: Any) -> str:
    """A figure for people: thousands separated, at most four significant decimals.

    >>> format_value(1234567), format_value(0.123456)
    ('1,234,567', '0.1235')
    """
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)
