"""The verb accept: a finished folder stays, though code or a package that made it has changed."""

from typing import Annotated

import typer
from malmoi_pipelines.contracts.stage import accept_code

from malmoi.arguments import Folder
from malmoi.console import out
from malmoi.folders import dataset_folders


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command()(accept)


def accept(
    path: Folder,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what has changed.")] = False,
) -> None:
    """Keep finished stages although their code or a package has changed: the next run skips them.

    You say by it that the change changes nothing in their files. Changed inputs or settings are never accepted.
    """
    for folder in dataset_folders(path):
        changes = accept_code(folder, dry_run=dry_run)
        out.print(
            f"{folder}: {('changed' if dry_run else 'accepted') if changes else 'nothing has changed'}", markup=False
        )
        for change in changes:
            out.print(f"  {change}", markup=False)
