"""The life of a stage: skip if done, refuse or clear the folder, do the work, prove the ledger, publish.

A stage gives `run_stage` its identity and a body; the body writes files below the folder and says which. The manifest
is written last, so a killed stage leaves a folder without one, which the next run recognises by its marker and clears.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipelines.contracts import files
from pipelines.contracts.errors import UsageError
from pipelines.contracts.fingerprint import fingerprint
from pipelines.contracts.manifest import (
    MANIFEST,
    REPORTS,
    FileInfo,
    Manifest,
    has_manifest,
    read_manifest,
    verify_sizes,
    write_manifest,
)
from pipelines.contracts.report import Report

WORK = "_work"  # scratch files of a running stage; its presence marks a folder as ours and unfinished


@dataclass(frozen=True)
class StageIdentity:
    """All that a stage's output depends on."""

    kind: str
    stage: str
    inputs: dict[str, str]
    """Fingerprint of each input, by role."""
    config: dict[str, Any]
    """The resolved config as plain values."""
    code_version: str

    @property
    def fingerprint(self) -> str:
        """The digest that decides whether a finished stage can be skipped."""
        return fingerprint([self.kind, self.stage, self.inputs, self.config, self.code_version])


@dataclass
class StageOutput:
    """What a stage's body made."""

    files: list[FileInfo]
    report: Report
    tokenizer: str | None = None


@dataclass(frozen=True)
class StageResult:
    """A finished stage: its folder, its manifest, whether it had been done before, and if not, what had changed."""

    folder: str
    manifest: Manifest
    skipped: bool
    changed: tuple[str, ...] = ()


def run_stage(
    identity: StageIdentity, folder: str, body: Callable[[str], StageOutput], *, overwrite: bool = False
) -> StageResult:
    """Run `body(work_folder)` unless `folder` already holds its result.

    Raises:
        UsageError: the folder holds something else and `overwrite` is false.
        CheckError: the ledger does not balance.
    """
    if (done := finished(identity, folder)) is not None:
        return StageResult(folder, done, skipped=True)
    changed = differences(identity, folder)
    _clear(folder, changed, overwrite)
    work = files.join(folder, WORK)
    files.write_bytes(files.join(work, ".stage"), identity.stage.encode())
    output = body(work)
    if output.report.ledger is not None:
        output.report.ledger.check()
    output.report.write(folder)
    files.remove_tree(work)
    manifest = Manifest(
        kind=identity.kind,
        stage=identity.stage,
        fingerprint=identity.fingerprint,
        inputs=identity.inputs,
        config=identity.config,
        code_version=identity.code_version,
        tokenizer=output.tokenizer,
        files=tuple(sorted([*output.files, *_report_files(folder)], key=lambda info: info.path)),
    )
    write_manifest(folder, manifest)
    return StageResult(folder, manifest, skipped=False, changed=tuple(changed))


def finished(identity: StageIdentity, folder: str) -> Manifest | None:
    """The manifest in `folder` if it is complete and matches, else None."""
    if not has_manifest(folder):
        return None
    manifest = read_manifest(folder)
    if manifest.fingerprint != identity.fingerprint:
        return None
    verify_sizes(folder, manifest)
    return manifest


def differences(identity: StageIdentity, folder: str) -> list[str]:
    """What changed since the stage in `folder` was run, for people; empty if nothing did, or nothing is there."""
    if not has_manifest(folder):
        return []
    old = read_manifest(folder)
    reasons = [f"input {role!r} changed" for role in identity.inputs if old.inputs.get(role) != identity.inputs[role]]
    for key in sorted({*old.config, *identity.config}):
        before, after = old.config.get(key), identity.config.get(key)
        if before != after:
            reasons.append(f"{key}: {before!r} → {after!r}")
    if old.code_version != identity.code_version:
        reasons.append("the code of the stage changed")
    return reasons


def _clear(folder: str, changed: list[str], overwrite: bool) -> None:
    """Make `folder` empty, or refuse."""
    if not files.exists(folder):
        return
    ours_unfinished = not has_manifest(folder) and files.exists(files.join(folder, WORK))
    fs, inner = files.filesystem(folder)
    if not ours_unfinished and not overwrite and fs.ls(inner):
        detail = f" Changed since it was made: {'; '.join(changed)}." if changed else ""
        raise UsageError(
            f"{folder} is not empty and does not match this run.{detail}",
            hint="choose another --out, or pass --overwrite to replace it",
        )
    with contextlib.suppress(
        FileNotFoundError
    ):  # the manifest goes first: a half-removed folder must not look complete
        fs.rm(f"{inner.rstrip('/')}/{MANIFEST}")
    files.remove_tree(folder)


def _report_files(folder: str) -> list[FileInfo]:
    paths = [files.join(folder, name) for name in REPORTS]
    return [
        FileInfo(path=name, table="", rows=0, bytes=files.size(path), xxh3_128=files.hash_file(path))
        for name, path in zip(REPORTS, paths, strict=True)
    ]
