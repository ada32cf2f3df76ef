"""The verb verify: every file of any dataset folder against its manifest."""

import typer
from malmoi_pipelines.contracts.errors import CheckError
from malmoi_pipelines.contracts.manifest import FileInfo, Manifest, read_manifest, verify_file

from malmoi.arguments import Folder
from malmoi.console import err, out
from malmoi.folders import dataset_folders


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command()(verify)


def verify(path: Folder) -> None:
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
