"""What a person sees: notes and errors on stderr, results on stdout."""

from typing import Any

from malmoi_pipelines.contracts.values import format_value
from rich.console import Console
from rich.markup import escape
from rich.table import Table

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


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


def print_warning(line: str) -> None:
    """Print a warning on stderr."""
    err.print(f"[bold yellow]warning:[/] {escape(line)}")


def print_error(message: str, hint: str | None) -> None:
    """Print an error, and what to do about it, on stderr."""
    err.print(f"[bold red]error:[/] {escape(message)}")
    if hint:
        err.print(f"[bold]hint:[/] {escape(hint)}")
