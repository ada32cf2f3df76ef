"""The one filesystem layer: every path is an fsspec URL or a local path (local, memory://, gs://, s3://)."""

import contextlib
import errno
import os
import uuid
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import fsspec
import xxhash
from fsspec.spec import AbstractBufferedFile

from malmoi_pipelines.contracts.errors import BadInputError, MalmoiError

READ_SIZE = 1 << 20  # bytes per read where a file is streamed
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def filesystem(path: str) -> tuple[Any, str]:
    """The fsspec filesystem of `path` and the path inside it."""
    return fsspec.core.url_to_fs(path)


def is_local(path: str) -> bool:
    """Whether `path` lies on this machine's disk."""
    protocol = filesystem(path)[0].protocol
    return "file" in ((protocol,) if isinstance(protocol, str) else protocol)


def join(folder: str, *names: str) -> str:
    """Join path parts with `/`, as all supported filesystems do.

    >>> join("memory://x/", "data", "part.parquet")
    'memory://x/data/part.parquet'
    """
    return "/".join([folder.rstrip("/"), *names])


def absolute(path: str) -> str:
    """The one full name of a path, with its protocol: equal for equal places."""
    fs, inner = filesystem(path)
    inner = os.path.realpath(inner) if is_local(path) else os.path.normpath(inner)
    return str(fs.unstrip_protocol(inner)).rstrip("/")


def exists(path: str) -> bool:
    """Whether a file or folder exists."""
    fs, inner = filesystem(path)
    return bool(fs.exists(inner))


def is_folder(path: str) -> bool:
    """Whether `path` is a folder."""
    fs, inner = filesystem(path)
    return bool(fs.isdir(inner))


def list_files(folder: str) -> list[str]:
    """All files below `folder`, sorted, as paths that `open_read` takes. Hidden and temporary files are left out."""
    fs, inner = filesystem(folder)
    found = (name for name in fs.find(inner) if not os.path.basename(name).startswith((".", "_")))
    return sorted(_external(folder, fs, name) for name in found)


def glob(pattern: str) -> list[str]:
    """The files matching an fsspec glob, sorted."""
    fs, inner = filesystem(pattern)
    return sorted(_external(pattern, fs, name) for name in fs.glob(inner) if fs.isfile(name))


def _external(like: str, fs: Any, inner: str) -> str:
    return fs.unstrip_protocol(inner) if "://" in like else inner


def size(path: str) -> int:
    """Bytes of a file as stored."""
    fs, inner = filesystem(path)
    return int(fs.size(inner))


@contextlib.contextmanager
def open_read(path: str) -> Iterator[BinaryIO]:
    """Open a file for reading bytes.

    Raises:
        BadInputError: the file does not exist or cannot be opened.
    """
    fs, inner = filesystem(path)
    try:
        file = fs.open(inner, "rb")
    except OSError as error:
        raise BadInputError(f"cannot read {path}: {error.strerror or type(error).__name__}") from error
    with file:
        yield file


def read_bytes(path: str) -> bytes:
    """The whole file."""
    with open_read(path) as file:
        return file.read()


class HashingFile:
    """A write-only file that counts and hashes (xxh3-128) what passes through."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._digest = xxhash.xxh3_128()
        self.bytes = 0
        self.closed = False

    def write(self, data: Any) -> int:
        """Write a bytes-like object."""
        view = memoryview(data).cast("B") if not isinstance(data, bytes) else data
        self._digest.update(view)
        self.bytes += len(view)
        self._raw.write(view)
        return len(view)

    def tell(self) -> int:
        """Bytes written so far."""
        return self.bytes

    def writable(self) -> bool:
        """Always true."""
        return True

    def readable(self) -> bool:
        """Never."""
        return False

    def seekable(self) -> bool:
        """Never: the hash follows the stream."""
        return False

    def flush(self) -> None:
        """Flush the file below."""
        self._raw.flush()

    def close(self) -> None:
        """A writer that closes its sink must not publish the file: `atomic_write` does."""

    @property
    def xxh3_128(self) -> str:
        """Hex digest of the bytes written so far."""
        return self._digest.hexdigest()


@contextlib.contextmanager
def atomic_write(path: str) -> Iterator[HashingFile]:
    """Write a file that appears whole or not at all.

    Local files are written beside their target, synced and renamed; object stores publish on close, and nothing is
    published when the body raises.

    Raises:
        MalmoiError: there is no room for it.
    """
    fs, inner = filesystem(path)
    fs.makedirs(os.path.dirname(inner), exist_ok=True)
    local = is_local(path)
    target = f"{os.path.dirname(inner)}/.{os.path.basename(inner)}.{uuid.uuid4().hex[:8]}.tmp" if local else inner
    raw = fs.open(target, "wb")
    try:
        yield HashingFile(cast(BinaryIO, raw))
        if local:
            raw.flush()
            os.fsync(raw.fileno())
        raw.close()
        if local:
            os.replace(target, inner)
    except BaseException as error:
        _abandon(fs, target, raw)
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            hint = "make room there and run the same command again: finished stages are kept"
            raise MalmoiError(f"cannot write {path}: {os.strerror(error.errno)}.", hint=hint) from error
        raise


def _abandon(fs: Any, target: str, raw: Any) -> None:
    """Drop a half-written file.

    An object store publishes on close, so there the upload is discarded unclosed, and what an earlier attempt may have
    published under the name stays.
    """
    if isinstance(raw, AbstractBufferedFile):
        with contextlib.suppress(NotImplementedError):
            raw.discard()
        raw.closed = True
    else:
        with contextlib.suppress(OSError):  # what is left in the buffer finds no room either
            raw.close()
        with contextlib.suppress(FileNotFoundError):
            fs.rm(target)


def write_bytes(path: str, data: bytes) -> None:
    """Atomically write a whole file."""
    with atomic_write(path) as file:
        file.write(data)


def remove_tree(path: str) -> None:
    """Remove a folder and all below it, if it is there."""
    fs, inner = filesystem(path)
    if fs.exists(inner):
        fs.rm(inner, recursive=True)


def file_state(path: str) -> str:
    """What changes when a local file, or one in a folder, is replaced: cheap enough to ask for every block of work.

    A remote file has none: whoever replaces a model there must start anew.
    """
    if not is_local(path):
        return ""
    inner = filesystem(path)[1]
    paths = sorted(os.path.join(inner, name) for name in os.listdir(inner)) if os.path.isdir(inner) else [inner]
    states = [os.stat(path) for path in paths]
    return repr([(state.st_ino, state.st_size, state.st_mtime_ns) for state in states])


def hash_file(path: str) -> str:
    """xxh3-128 of a file's bytes, hex."""
    digest = xxhash.xxh3_128()
    with open_read(path) as file:
        while data := file.read(READ_SIZE):
            digest.update(data)
    return digest.hexdigest()
