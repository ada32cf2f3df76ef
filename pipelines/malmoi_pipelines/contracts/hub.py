"""What a user names, found: a local path, a URL, or a repository of the Hugging Face hub. One rule for every verb."""

import os
import re
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.errors import UsageError

_NAME = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
_ANSWER_SECONDS = 5.0
_ANSWER_SETTING = "HF_HUB_ETAG_TIMEOUT"  # the hub's own name for how long its first answer may take
_PAUSE_SECONDS = 10.0  # for which a silent hub is not asked again: one run may name several things of it
_SILENT_UNTIL: dict[str, float] = {}  # address of a hub → until when


def find_named(name: str, patterns: Iterable[str], hint: str) -> str:
    """The folder or file that a name stands for: a local path in full, or a URL; what exists goes before the hub.

    Args:
        name: a path, which may be relative or start with `~`; a URL; `owner/name` or `owner/name@revision` of the hub.
        patterns: the files that are wanted of a repository of the hub.
        hint: what to name, for the error.

    Raises:
        UsageError: there is nothing of that name.
    """
    path = local_name(name)
    if files.exists(path):
        return path
    if is_hub_name(name):
        return hub_folder(name, patterns)
    raise UsageError(f"there is nothing at {name}.", hint=hint)


def local_name(path: str) -> str:
    """A local path in full, with `~` for the home folder; a URL as it is.

    >>> local_name("gs://bucket/tokenizer"), local_name("/a/./b")
    ('gs://bucket/tokenizer', '/a/b')
    """
    return path if "://" in path else os.path.abspath(os.path.expanduser(path))


def is_hub_name(name: str) -> bool:
    """Whether a name has the form `owner/name` or `owner/name@revision`.

    >>> is_hub_name("upstage/SOLAR-10.7B-v1.0"), is_hub_name("a/b@main"), is_hub_name("a/b/c"), is_hub_name("~/b")
    (True, True, False, False)
    """
    return _NAME.fullmatch(name) is not None and not name.startswith(".")


def hub_folder(name: str, patterns: Iterable[str]) -> str:
    """The local folder of a repository of the hub: downloaded, or from the cache where the hub gives none.

    Args:
        name: `owner/name` or `owner/name@revision`.
        patterns: the files that are wanted. From the cache come those that are there.

    Raises:
        UsageError: the hub has none of that name, or cannot be reached and the cache has none.
    """
    import huggingface_hub  # noqa: PLC0415  # half a second, for hub names alone

    found = _NAME.fullmatch(name)
    assert found is not None, "asked with is_hub_name first"
    refusal = _ask(found["repo"], found["revision"])
    try:
        return str(
            huggingface_hub.snapshot_download(
                found["repo"],
                revision=found["revision"],
                allow_patterns=sorted(patterns),
                local_files_only=refusal is not None,
            )
        )
    except Exception as error:  # the hub's errors, and those of whichever library speaks HTTP for it
        why, hint = _explain(refusal or error)
        raise UsageError(f"there is nothing at {name}: it is no local path, and {why}.", hint=hint) from None


def _ask(repo: str, revision: str | None) -> BaseException | None:
    """Ask the hub for a repository: its refusal, or None. The download would wait for minutes where nothing answers."""
    from huggingface_hub import HfApi, constants  # noqa: PLC0415

    if time.monotonic() < _SILENT_UNTIL.get(constants.ENDPOINT, 0.0):
        return TimeoutError()
    seconds = float(os.environ.get(_ANSWER_SETTING) or _ANSWER_SECONDS)
    answer: Future[object] = Future()

    def ask() -> None:
        try:
            answer.set_result(HfApi().model_info(repo, revision=revision, timeout=2 * seconds))
        except Exception as error:
            answer.set_exception(error)

    # The timeout of a request holds for each address of a host and not for its look-up; this one holds for all of it.
    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.exception(seconds)
    except TimeoutError as error:
        _SILENT_UNTIL[constants.ENDPOINT] = time.monotonic() + _PAUSE_SECONDS
        return error


def _explain(error: BaseException) -> tuple[str, str]:
    """Why the hub gave nothing, and what to do."""
    from huggingface_hub import errors  # noqa: PLC0415

    hub = "the Hugging Face hub"
    match error:
        case errors.OfflineModeIsEnabled():
            found = f"the cache of {hub} lacks it (HF_HUB_OFFLINE is set)", "check the path, or go online"
        case errors.RevisionNotFoundError():
            found = f"{hub} has no such revision of it", "check what stands after the @"
        case errors.GatedRepoError():
            found = f"{hub} gives it only to those it let in", "ask for it there, then `hf auth login`"
        case errors.RepositoryNotFoundError() | errors.HFValidationError():
            found = f"{hub} has none of that name", "check the spelling; a private one needs `hf auth login`"
        case errors.HfHubHTTPError():
            found = f"{hub} answered with an error ({error.response.status_code})", "try again later"
        case OSError(strerror=str(reason)):  # of this machine, e.g. a full disk
            found = f"it could not be fetched from {hub} ({reason})", "see to that, and run it again"
        case _:
            why = f"{hub} cannot be reached ({type(error).__name__}) and its cache here lacks it"
            found = why, f"check the path, or the connection; a slow one needs {_ANSWER_SETTING}=60"
    return found
