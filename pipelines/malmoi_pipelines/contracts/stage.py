"""The life of a stage: skip if done, refuse or clear the folder, do the work, prove the ledger, publish.

A stage gives `run_stage` its identity and a body; the body writes files below the folder and says which. The manifest
is written last, so a killed stage leaves a folder without one, which the next run recognises by its marker and clears.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.code import Code, code_of
from malmoi_pipelines.contracts.errors import BadInputError, DefectError, MalmoiError, UsageError
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
from malmoi_pipelines.contracts.meter import Meter
from malmoi_pipelines.contracts.report import Report
from malmoi_pipelines.contracts.timings import write_timings


@dataclass(frozen=True)
class StageIdentity:
    """All that a stage's output depends on."""

    kind: str
    stage: str
    inputs: dict[str, str]
    """Fingerprint of each input, by role."""
    config: dict[str, Any]
    """The resolved config as plain values."""
    code: Code

    @property
    def fingerprint(self) -> str:
        """The digest that decides whether a finished stage can be skipped."""
        return fingerprint([self.kind, self.stage, self.inputs, self.config, self.code.model_dump()])


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


class WouldRunError(Exception):
    """What `run_stage` raises where it was only asked: the stage is not finished, or not as it should be now."""

    def __init__(self, changed: Sequence[str]) -> None:
        super().__init__(changed)
        self.changed = tuple(changed)


_ASKED: ContextVar[bool] = ContextVar("asked", default=False)


@contextmanager
def only_asked() -> Iterator[None]:
    """Within it a stage does nothing: it returns its result if that is there, else raises `WouldRunError`."""
    token = _ASKED.set(True)
    try:
        yield
    finally:
        _ASKED.reset(token)


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
        WouldRunError: within `only_asked`, the stage would run.
    """
    check_apart(folder, reads)
    done, changes = _state(identity, folder)
    work = files.join(folder, WORK)
    if done is not None:
        if not _ASKED.get():
            files.remove_tree(work)  # left by a kill between the manifest and the end
        return StageResult(folder, done, skipped=True)
    if _ASKED.get():
        raise WouldRunError(changes.reasons)
    _clear(folder, changes, overwrite)
    files.write_bytes(files.join(work, ".stage"), identity.stage.encode())
    meter = Meter()
    try:
        with meter:
            output = body(work)
    finally:
        write_timings(folder, work, meter.usage)  # of a stage that fails, too
    if output.report.ledger is not None:
        output.report.ledger.check()
    reports = output.report.write(folder)
    manifest = Manifest(
        kind=identity.kind,
        stage=identity.stage,
        fingerprint=identity.fingerprint,
        inputs=identity.inputs,
        config=identity.config,
        code=identity.code,
        tokenizer=output.tokenizer,
        files=tuple(
            sorted([*output.files, *(FileInfo.of_file(folder, name) for name in reports)], key=lambda info: info.path)
        ),
    )
    write_manifest(folder, manifest)
    files.remove_tree(work)
    return StageResult(folder, manifest, skipped=False, changed=changes.reasons)


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


def accept_code(folder: str, *, dry_run: bool = False) -> list[str]:
    """Let a folder stand as what the code of today makes, without a rerun: what has changed changes none of its bytes.

    That is for a person to judge. Inputs and settings stay those of the manifest: if they differ from those of a run,
    the folder is as stale as before.

    Args:
        folder: a dataset folder.
        dry_run: change nothing.

    Returns:
        What has changed since the folder was made, for people; empty if nothing has.

    Raises:
        BadInputError: it is no complete dataset folder, or its stage is none of this malmoi.
    """
    manifest = read_manifest(folder)
    verify_sizes(folder, manifest)
    try:
        now = code_of(manifest.code.stage, manifest.code.unused)
    except DefectError as error:
        raise BadInputError(f"{folder} was made by other code: {error.message}", hint="run the stage again") from None
    changes = manifest.code.changes(now)
    if changes and not dry_run:
        identity = StageIdentity(manifest.kind, manifest.stage, manifest.inputs, manifest.config, now)
        accepted = (*manifest.accepted, *changes)
        update = {"code": now, "fingerprint": identity.fingerprint, "accepted": accepted}
        write_manifest(folder, manifest.model_copy(update=update))
    return changes


@dataclass(frozen=True)
class _Changes:
    """Why a folder does not hold what a run would make."""

    reasons: tuple[str, ...] = ()
    code_only: bool = False


def _state(identity: StageIdentity, folder: str) -> tuple[Manifest | None, _Changes]:
    """The manifest in `folder` if it is complete, whole and matches; else None and what differs, for people."""
    if not has_manifest(folder):
        return None, _Changes()
    try:
        manifest = read_manifest(folder)
        verify_sizes(folder, manifest)
    except MalmoiError as error:  # a damaged result is no result
        return None, _Changes((error.message,))
    if manifest.fingerprint == identity.fingerprint:
        return manifest, _Changes()
    differences, code = _differences(manifest, identity), manifest.code.changes(identity.code)
    return None, _Changes((*differences, *code), code_only=not differences)


def _differences(old: Manifest, identity: StageIdentity) -> list[str]:
    reasons = [f"input {role!r} changed" for role in identity.inputs if old.inputs.get(role) != identity.inputs[role]]
    return reasons + list(_changed_keys(old.config, identity.config))


def _changed_keys(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Each setting that differs, with both values; of nested settings only the innermost key.

    >>> list(_changed_keys({"guards": {"near": 0.5, "least": 20}}, {"guards": {"near": 0.9, "least": 20}}))
    ['guards.near: 0.5 → 0.9']
    """
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _changed_keys(before, after, f"{prefix}{key}.")
        elif before != after:
            yield f"{prefix}{key}: {before!r} → {after!r}"


def _clear(folder: str, changes: _Changes, overwrite: bool) -> None:
    """Make `folder` empty, or refuse."""
    fs, inner = files.filesystem(folder)
    if not fs.exists(inner):
        return
    children = [name.rstrip("/") for name in fs.ls(inner, detail=False)]
    work = f"{inner.rstrip('/')}/{WORK}"
    ours_unfinished = not has_manifest(folder) and fs.exists(work)
    if children and not ours_unfinished and not overwrite:
        detail = f" Since it was made: {'; '.join(changes.reasons)}." if changes.reasons else ""
        keep = f", or keep it as it is: malmoi accept {folder}" if changes.code_only else ""
        raise UsageError(
            f"{folder} is not empty and does not match this run.{detail}",
            hint=f"choose another --out, or pass --overwrite to replace it{keep}",
        )
    # The manifest goes first, so that a half-removed folder never looks complete; the marker that it is ours goes last.
    fs.makedirs(work, exist_ok=True)
    files.write_bytes(files.join(folder, WORK, ".stage"), b"")
    for name in sorted(children, key=lambda name: not name.endswith(f"/{MANIFEST}")):
        if name != work:
            fs.rm(name, recursive=True)
    files.remove_tree(files.join(folder, WORK))
