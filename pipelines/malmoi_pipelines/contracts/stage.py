"""The life of a stage: skip if done, refuse or clear the folder, do the work, prove the ledger, publish.

A stage gives `run_stage` its identity and a body; the body writes files below the folder and says which. The manifest
is written last, so a killed stage leaves a folder without one, which the next run recognises by its marker and clears.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import MalmoiError, UsageError
from malmoi_pipelines.contracts.fingerprint import fingerprint
from malmoi_pipelines.contracts.manifest import (
    MANIFEST,
    WORK,
    FileInfo,
    Manifest,
    has_manifest,
    read_manifest,
    verify_sizes,
    write_manifest,
)
from malmoi_pipelines.contracts.report import Report


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
    identity: StageIdentity,
    folder: str,
    body: Callable[[str], StageOutput],
    *,
    reads: Iterable[str] = (),
    overwrite: bool = False,
) -> StageResult:
    """Run `body(work_folder)` unless `folder` already holds its result.

    Args:
        identity: what the result depends on.
        folder: the dataset folder to write.
        body: makes the files of the folder and says which.
        reads: paths the stage reads; the folder must lie apart from them.
        overwrite: replace what is in `folder`.

    Raises:
        UsageError: the folder holds something else and `overwrite` is false, or it holds an input or lies inside one.
        DefectError: the ledger does not balance.
    """
    check_apart(folder, reads)
    done, changed = _state(identity, folder)
    work = files.join(folder, WORK)
    if done is not None:
        files.remove_tree(work)  # left by a kill between the manifest and the end
        return StageResult(folder, done, skipped=True)
    _clear(folder, changed, overwrite)
    files.write_bytes(files.join(work, ".stage"), identity.stage.encode())
    output = body(work)
    if output.report.ledger is not None:
        output.report.ledger.check()
    reports = output.report.write(folder)
    manifest = Manifest(
        kind=identity.kind,
        stage=identity.stage,
        fingerprint=identity.fingerprint,
        inputs=identity.inputs,
        config=identity.config,
        code_version=identity.code_version,
        tokenizer=output.tokenizer,
        files=tuple(
            sorted([*output.files, *(FileInfo.of_file(folder, name) for name in reports)], key=lambda info: info.path)
        ),
    )
    write_manifest(folder, manifest)
    files.remove_tree(work)
    return StageResult(folder, manifest, skipped=False, changed=tuple(changed))


def check_apart(folder: str, reads: Iterable[str]) -> None:
    """Refuse an output folder that holds an input, is one, or lies inside one: clearing it would delete the input.

    Raises:
        UsageError: naming both.
    """
    target = files.absolute(folder)
    for path in reads:
        read = files.absolute(path)
        if target == read or read.startswith(f"{target}/") or target.startswith(f"{read}/"):
            raise UsageError(
                f"the output folder {folder} and the input {path} must lie apart.", hint="choose another --out"
            )


def _state(identity: StageIdentity, folder: str) -> tuple[Manifest | None, list[str]]:
    """The manifest in `folder` if it is complete, whole and matches; else None and what differs, for people."""
    if not has_manifest(folder):
        return None, []
    try:
        manifest = read_manifest(folder)
        if manifest.fingerprint == identity.fingerprint:
            verify_sizes(folder, manifest)
            return manifest, []
    except MalmoiError as error:  # a damaged result is no result
        return None, [error.message]
    return None, _differences(manifest, identity)


def _differences(old: Manifest, identity: StageIdentity) -> list[str]:
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
    fs, inner = files.filesystem(folder)
    if not fs.exists(inner):
        return
    children = [name.rstrip("/") for name in fs.ls(inner, detail=False)]
    work = f"{inner.rstrip('/')}/{WORK}"
    ours_unfinished = not has_manifest(folder) and fs.exists(work)
    if children and not ours_unfinished and not overwrite:
        detail = f" Since it was made: {'; '.join(changed)}." if changed else ""
        raise UsageError(
            f"{folder} is not empty and does not match this run.{detail}",
            hint="choose another --out, or pass --overwrite to replace it",
        )
    # The manifest goes first, so that a half-removed folder never looks complete; the marker that it is ours goes last.
    fs.makedirs(work, exist_ok=True)
    files.write_bytes(files.join(folder, WORK, ".stage"), b"")
    for name in sorted(children, key=lambda name: not name.endswith(f"/{MANIFEST}")):
        if name != work:
            fs.rm(name, recursive=True)
    files.remove_tree(files.join(folder, WORK))
