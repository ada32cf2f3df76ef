"""What a person sees: notes and errors on stderr, results on stdout."""

from typing import Any

from malmoi_pipelines.contracts.values import format_value
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


LEAST_TEXT = 16  # characters of a column of text that can still be read when it is folded


def print_rows(rows: list[dict[str, Any]], title: str | None = None) -> None:
    """Print rows with equal keys as a table on stdout; where it would be too narrow to read, a line for each field."""
    if not rows:
        return
    table = Table(title=title, title_justify="left", title_style="bold")
    if least_width(rows) > out.width:
        table.add_column("field")
        table.add_column("value", overflow="fold")
        for row in rows:
            for name, value in row.items():
                table.add_row(escape(name), escape(format_value(value)))
            table.add_section()
    else:
        for name in rows[0]:
            numeric = _is_numeric(rows, name)
            table.add_column(escape(name), justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
        for row in rows:
            table.add_row(*(escape(format_value(value)) for value in row.values()))
    out.print(table)


def least_width(rows: list[dict[str, Any]]) -> int:
    """Characters a line that a table needs: figures whole, text at least `LEAST_TEXT` wide, words of a head whole.

    >>> least_width([{"text": "x" * 100, "number of them": 1_000_000}])  # 1 + 3 + 16 + 3 + 9
    32
    """
    width = 1
    for name in rows[0]:
        longest = max(cell_len(format_value(row[name])) for row in rows)
        body = longest if _is_numeric(rows, name) else min(longest, LEAST_TEXT)
        width += 3 + max(body, *(cell_len(word) for word in name.split()))
    return width


def _is_numeric(rows: list[dict[str, Any]], name: str) -> bool:
    return all(isinstance(row[name], int | float) for row in rows)


def print_facts(facts: dict[str, Any], title: str) -> None:
    """Print single figures as a two-column table on stdout."""
    print_rows([{"figure": name, "value": format_value(value)} for name, value in facts.items()], title)


def print_warning(line: str) -> None:
    """Print a warning on stderr."""
    err.print(f"[bold yellow]warning:[/] {escape(line)}")


def print_error(message: str, hint: str | None) -> None:
    """Print an error, and what to do about it, on stderr."""
    err.print(f"[bold red]error:[/] {escape(message)}")
    if hint:
        err.print(f"[bold]hint:[/] {escape(hint)}")
