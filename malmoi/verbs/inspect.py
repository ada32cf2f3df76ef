"""The verb inspect: any dataset folder, or a run folder of several."""

from collections.abc import Iterator
from typing import Annotated, Any

import orjson
import typer
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.manifest import Manifest, read_manifest, verify_sizes
from malmoi_pipelines.contracts.tables import read_batches

from malmoi.arguments import Folder
from malmoi.console import print_facts, print_rows
from malmoi.folders import dataset_folders
from malmoi.summary import print_report

CELL = 100  # characters of a cell in a sample of rows


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command()(inspect)


def inspect(
    path: Folder, rows: Annotated[int, typer.Option("--rows", help="Sample rows of each table.", min=0)] = 3
) -> None:
    """Show a dataset folder: its manifest, ledger and some rows of each table."""
    for folder in dataset_folders(path):
        manifest = read_manifest(folder)
        verify_sizes(folder, manifest)
        print_facts(
            {
                "kind": manifest.kind,
                "made by": f"malmoi {manifest.stage}",
                "with": ", ".join(f"{name} {version}" for name, version in manifest.code.packages.items()) or "Python",
                "changes of code accepted since": "; ".join(manifest.accepted) or "none",
                "fingerprint": manifest.fingerprint,
                **{f"input {role}": value for role, value in manifest.inputs.items()},
                "tokenizer": manifest.tokenizer or "none",
                "files": len(manifest.files),
                "MB": round(sum(info.bytes for info in manifest.files) / 1e6, 2),
                "config": orjson.dumps(manifest.config).decode(),
            },
            folder,
        )
        print_report(folder)
        for table in sorted({info.table for info in manifest.files} - {""}):
            print_rows(list(_sample(folder, manifest, table, rows)), f"{table}: {manifest.rows(table):,} rows")


def _sample(folder: str, manifest: Manifest, table: str, rows: int) -> Iterator[dict[str, Any]]:
    for info in manifest.table_files(table):
        batch = next(read_batches(files.join(folder, info.path)), None)
        for row in batch.slice(0, rows).to_pylist() if batch is not None else []:
            yield {name: _shorten(value) for name, value in row.items()}
            rows -= 1
        if rows <= 0:
            return


def _shorten(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    text = " ".join(str(value).split())
    return text if len(text) <= CELL else f"{text[:CELL]}… ({len(text):,} characters)"
