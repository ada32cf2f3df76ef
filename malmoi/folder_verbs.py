"""`malmoi inspect` and `malmoi verify`: any dataset folder, or a run folder of several."""

from collections.abc import Iterator
from typing import Annotated, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import BadInputError, CheckError
from malmoi_pipelines.contracts.manifest import (
    FileInfo,
    Manifest,
    has_manifest,
    read_manifest,
    verify_file,
    verify_sizes,
)

from malmoi.console import err, out, print_facts, print_rows
from malmoi.summary import print_report

Folder = Annotated[str, typer.Argument(metavar="PATH", help="A dataset folder, or a run folder of several.")]
CELL = 100  # characters of a cell in a sample of rows


def register(app: typer.Typer) -> None:
    """Add the verbs to the application."""
    app.command("inspect")(inspect_folder)
    app.command("verify")(verify_folder)


def dataset_folders(path: str) -> list[str]:
    """`path` if it is a dataset folder, else the dataset folders directly below it.

    Raises:
        BadInputError: neither.
    """
    if has_manifest(path):
        return [path]
    fs, inner = files.filesystem(path)
    children = sorted(fs.ls(inner, detail=False)) if fs.isdir(inner) else []
    found = [files.join(path, child.rstrip("/").rsplit("/", 1)[-1]) for child in children]
    found = [child for child in found if has_manifest(child)]
    if not found:
        raise BadInputError(f"{path} is not a dataset folder and holds none: there is no manifest.json.")
    return found


def inspect_folder(
    path: Folder, rows: Annotated[int, typer.Option("--rows", help="Sample rows of each table.", min=0)] = 3
) -> None:
    """Show a dataset folder: its manifest, ledger and some rows of each table."""
    for folder in dataset_folders(path):
        manifest = read_manifest(folder)
        verify_sizes(folder, manifest)
        print_facts(
            {
                "kind": manifest.kind,
                "made by": f"malmoi {manifest.stage}, code {manifest.code_version}",
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
        for row in _first_rows(files.join(folder, info.path), rows):
            yield {name: _shorten(value) for name, value in row.items()}
            rows -= 1
        if rows <= 0:
            return


def _first_rows(path: str, rows: int) -> list[dict[str, Any]]:
    with files.open_read(path) as file:
        if path.endswith(".parquet"):
            batch = next(pq.ParquetFile(file).iter_batches(max(rows, 1)), None)
        elif path.endswith(".arrow"):
            batch = next(iter(pa.ipc.open_stream(file)), None)
        else:
            return []
    return batch.slice(0, rows).to_pylist() if batch is not None else []


def _shorten(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    text = " ".join(str(value).split())
    return text if len(text) <= CELL else f"{text[:CELL]}… ({len(text):,} characters)"


def verify_folder(path: Folder) -> None:
    """Check every file of a dataset folder: present, size, hash, schema, rows. Exit code 4 if anything differs."""
    problems = 0
    for folder in dataset_folders(path):
        manifest = read_manifest(folder)
        bad = [problem for info in manifest.files if (problem := _problem(folder, manifest, info))]
        for problem in bad:
            err.print(problem)
        problems += len(bad)
        size = sum(info.bytes for info in manifest.files)
        verdict = (
            f"{len(bad)} of {len(manifest.files)} files differ"
            if bad
            else f"{len(manifest.files)} files, {size:,} bytes: all hashes match"
        )
        out.print(f"{folder}: {verdict}")
    if problems:
        raise CheckError(f"{problems} file(s) do not match their manifest.", hint="make the stage again")


def _problem(folder: str, manifest: Manifest, info: FileInfo) -> str | None:
    try:
        verify_file(folder, manifest, info)
    except CheckError as error:
        return error.message
    return None
