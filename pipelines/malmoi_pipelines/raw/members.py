"""Reading on behind a damaged member of a compressed file whose members all begin alike, as those of WARC do."""

from collections.abc import Iterator
from typing import NamedTuple

from malmoi_pipelines.raw.compression import MAGIC, DamagedFileError, read_chunks, read_range
from malmoi_pipelines.raw.formats import Compression


class Gap(NamedTuple):
    """A place of a stream where bytes are missing."""

    reason: str
    members: int
    """Members before the damaged one."""
    lost_bytes: int
    """Stored bytes that are missing; of a file whose end is missing all."""
    goes_on: bool
    """Whether another member follows."""


def read_members(path: str, compression: Compression, begin: bytes) -> Iterator[bytes | Gap]:
    """The uncompressed bytes of a file, in pieces; for a damaged member what is before the damage, then a `Gap`.

    Args:
        path: of the file.
        compression: of the file.
        begin: the bytes with which what is in a member begins: by them the next one is known.
    """
    first, members = 0, 0
    while True:
        try:
            yield from read_chunks(path, compression, first)
            return
        except DamagedFileError as error:
            behind = _next_member(path, compression, error.frame + 1, begin)
            lost = error.lost_bytes if behind is None else behind - error.frame
            members += error.frames
            yield Gap(error.reason, members, lost, behind is not None)
            if behind is None:
                return
            first, members = behind, members + 1


def _next_member(path: str, compression: Compression, first: int, begin: bytes) -> int | None:
    """Stored byte from which on the next member can be read; None if there is none."""
    magic = MAGIC[compression]
    at, held = first, b""
    for piece in read_range(path, first, None):
        held += piece
        found = held.find(magic)
        while found >= 0:
            if _begins(path, compression, at + found, begin):
                return at + found
            found = held.find(magic, found + 1)
        keep = len(magic) - 1
        at, held = at + max(0, len(held) - keep), held[-keep:]
    return None


def _begins(path: str, compression: Compression, first: int, begin: bytes) -> bool:
    head = b""
    try:
        for chunk in read_chunks(path, compression, first):
            head += chunk
            if len(head) >= len(begin):
                break
    except DamagedFileError:
        pass
    return head.startswith(begin)
