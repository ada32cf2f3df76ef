"""Where the record batches of an Arrow IPC file lie: its footer says it, and pyarrow keeps it to itself.

The file ends with the footer, its length (int32) and the magic `ARROW1`. The footer is a FlatBuffers table; its field
3 is the vector of record batch blocks, structs of 24 bytes that begin with their offset (Arrow columnar format,
`File.fbs`).
"""

import os
import struct
from typing import BinaryIO

RECORD_BATCHES = 3
BLOCK_BYTES = 24
TAIL = struct.Struct("<i6s")


def batch_offsets(file: BinaryIO) -> list[int]:
    """Byte of the file where each record batch begins, in order.

    Args:
        file: a whole IPC file, that pyarrow has opened without complaint.
    """
    end = file.seek(-TAIL.size, os.SEEK_END)
    (length, _) = TAIL.unpack(file.read(TAIL.size))
    file.seek(end - length)
    footer = file.read(length)
    vector = _vector(footer, RECORD_BATCHES)
    if vector is None:
        return []
    (count,) = struct.unpack_from("<I", footer, vector)
    return [struct.unpack_from("<q", footer, vector + 4 + BLOCK_BYTES * i)[0] for i in range(count)]


def _vector(buffer: bytes, field: int) -> int | None:
    """Where the vector begins that a field of the root table refers to; None if the field is absent."""
    (table,) = struct.unpack_from("<I", buffer, 0)
    (back,) = struct.unpack_from("<i", buffer, table)
    vtable = table - back
    (vtable_bytes,) = struct.unpack_from("<H", buffer, vtable)
    entry = 4 + 2 * field
    (offset,) = struct.unpack_from("<H", buffer, vtable + entry) if entry < vtable_bytes else (0,)
    if not offset:
        return None
    place = table + offset
    return int(place + struct.unpack_from("<I", buffer, place)[0])
